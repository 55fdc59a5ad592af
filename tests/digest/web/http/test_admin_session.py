"""The two roles of the administration: viewers look at everything but whole addresses, and change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi.routing import APIRoute
from sqlmodel import SQLModel, select

from digest.db.core.engine import reading
from digest.models.delivery import QUEUED
from digest.services.security import signed_links
from digest.web.app import PAGES as PARTS
from digest.web.ui.admin_view import NAVIGATION
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import Browser, mails, path
from tests.digest.web.pages.test_admin import ROOT

pytestmark = MAINLY_SQLITE

ADA, VIEWER = "ada.lovelace@one.example", "viewer@digest.example"
VALUES = {"run_id": "1", "subscriber_id": "1", "act": "pause", "token": "x"}
FOR_EVERYBODY = {"/admin/sign-in", "/admin/sign-out", "/admin/enter/{token}"}
PAGES = [*(f"/admin{path}" for path, _ in NAVIGATION), "/admin/runs/1", "/admin/subscribers/1", "/admin/runs/1/cancel"]


@pytest.fixture
def viewer(web: Browser, configured: Callable[..., None]) -> dict[str, str]:
    """The cookie of a viewer, with a subscriber, a run and an unsent mail to look at."""
    configured(VIEWER_EMAILS=VIEWER)
    add_mail(add_subscriber(ADA), add_run(), state=QUEUED)
    return signed_in_as(web, VIEWER)


def signed_in_as(web: Browser, address: str) -> dict[str, str]:
    web.post("/admin/sign-in", data={"address": address})
    response = web.post(path(signed_links.sign_in(mails()[-1].subject_id)))
    return {"cookie": response.headers["set-cookie"].partition(";")[0]}


def changing_routes() -> Iterator[tuple[str, str]]:
    """Method and path of every route of the administration that changes something."""
    for route in (route for part in PARTS for route in part.router.routes):
        if isinstance(route, APIRoute) and route.path.startswith("/admin") and route.path not in FOR_EVERYBODY:
            yield from ((method, route.path) for method in route.methods - {"GET", "HEAD", "OPTIONS"})


def everything() -> list[tuple[str, list[object]]]:
    """All rows of all tables."""
    with reading() as session:
        tables = SQLModel.metadata.sorted_tables
        return [(table.name, [tuple(row) for row in session.execute(select(table))]) for table in tables]  # type: ignore[call-overload]


def test_every_route_that_changes_something_refuses_a_viewer(web: Browser, viewer: dict[str, str]) -> None:
    routes = list(changing_routes())
    before = everything()

    responses = {
        f"{method} {path}": web.post(path.format(**VALUES), data={"action": "pause"}, headers=viewer)
        for method, path in routes
    }

    assert {method for method, _ in routes} == {"POST"}
    assert len(routes) > 8
    assert {name: response.status_code for name, response in responses.items()} == dict.fromkeys(responses, 403)
    assert all("change nothing" in response.text for response in responses.values())
    assert everything() == before


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_sees_each_page_without_buttons(web: Browser, viewer: dict[str, str], page: str) -> None:
    response = web.get(page, headers=viewer)
    forms = re.findall(r'<form method="post" action="([^"]*)"', response.text)

    assert response.status_code == 200
    assert forms == ["/admin/sign-out"]
    assert "You are a viewer" in response.text


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_sees_no_whole_address(web: Browser, viewer: dict[str, str], page: str) -> None:
    text = web.get(page, headers=viewer).text

    assert "lovelace" not in text
    assert "viewer@" not in text


def test_a_viewer_recognizes_a_subscriber_by_the_beginning_and_the_domain(web: Browser, viewer: dict[str, str]) -> None:
    assert "a…@one.example" in web.get("/admin/subscribers", headers=viewer).text


def test_an_operator_sees_addresses_and_buttons(web: Browser, viewer: dict[str, str]) -> None:
    text = web.get("/admin/subscribers/1", headers=signed_in_as(web, ROOT)).text

    assert ADA in text
    assert 'action="/admin/subscribers/1"' in text
    assert "You are a viewer" not in text


def test_somebody_in_both_settings_is_an_operator(web: Browser, configured: Callable[..., None]) -> None:
    configured(VIEWER_EMAILS=ROOT)

    assert "You are a viewer" not in web.get("/admin", headers=signed_in_as(web, ROOT)).text


def test_a_viewer_can_sign_out(web: Browser, viewer: dict[str, str]) -> None:
    web.post("/admin/sign-out", headers=viewer)

    assert "Sign out" not in web.get("/admin", headers=viewer).text


def test_a_viewer_who_is_removed_is_signed_out(
    web: Browser, viewer: dict[str, str], configured: Callable[..., None]
) -> None:
    configured(VIEWER_EMAILS="")

    assert "Sign out" not in web.get("/admin", headers=viewer).text

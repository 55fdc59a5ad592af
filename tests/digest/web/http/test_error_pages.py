"""Error pages lead on: administrators stay in the administration, and whoever opens a form's answer finds the form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import Browser
from tests.digest.web.pages.test_admin import ROOT, signed_in

pytestmark = MAINLY_SQLITE


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/subscribe", "/"),
        ("/preview", "/"),
        ("/admin/sign-in", "/admin"),
        ("/admin/resend", "/admin"),
        ("/admin/domains/release", "/admin"),
        ("/admin/runs/7/pause", "/admin/runs/7"),
    ],
)
def test_the_address_of_a_forms_answer_leads_to_the_page_of_the_form(web: Browser, path: str, page: str) -> None:
    response = web.get(path)

    assert (response.status_code, response.headers["location"]) == (303, page)


@pytest.mark.parametrize("path", ["/admin/", "/trending/?page=2"])
def test_a_slash_at_the_end_is_forgiven(web: Browser, path: str) -> None:
    response = web.get(path)

    assert response.status_code == 303
    assert response.headers["location"] == path.replace("/?", "?").rstrip("/")


@pytest.mark.parametrize(
    "path", ["//elsewhere.example/", "//elsewhere.example/admin/", "/%5C%5Celsewhere.example/", "/none/"]
)
def test_no_redirect_leads_to_another_host_or_to_no_page(web: Browser, path: str) -> None:
    response = web.get(f"https://papers.example.org{path}")

    assert response.status_code == 404
    assert "location" not in response.headers


@pytest.mark.parametrize("path", ["/api/v1/runs/", "/api/v1/preview/"])
def test_programs_are_not_redirected(web: Browser, path: str) -> None:
    assert web.get(path).status_code == 404


def test_other_methods_are_still_refused(web: Browser) -> None:
    assert web.ask("PUT", "/subscribe").status_code == 405


@pytest.mark.parametrize("path", ["/admin/none", "/admin/runs/99", "/admin/subscribers?before=x"])
def test_an_error_keeps_an_administrator_in_the_administration(web: Browser, path: str) -> None:
    page = web.get(path, headers=signed_in(web)).text

    assert '<a href="/admin">' in page
    assert "To the start page" not in page


def test_an_expired_session_is_asked_to_sign_in(web: Browser) -> None:
    page = web.get("/admin/runs")

    assert page.status_code == 403
    assert 'action="/admin/sign-in"' in page.text
    assert "Sign in to see this page" in page.text


def test_a_form_sent_after_the_session_ended_says_that_nothing_was_changed(web: Browser) -> None:
    page = web.post("/admin/tokens", data={"name": "monitor"})

    assert page.status_code == 403
    assert "Nothing was changed" in page.text
    assert 'action="/admin/sign-in"' in page.text


@pytest.mark.parametrize(("site", "is_offered"), [("cross-site", True), ("same-origin", False), ("none", False)])
def test_a_link_in_a_web_mail_leads_back_to_an_open_session(web: Browser, site: str, is_offered: bool) -> None:
    page = web.get("/admin/health", headers={"sec-fetch-site": site}).text

    assert ('<a href="/admin/health">' in page) is is_offered


def test_a_mistyped_address_of_an_administrator_is_kept(web: Browser) -> None:
    page = web.post("/admin/sign-in", data={"address": "root.digest.example"})

    assert page.status_code == 422
    assert 'value="root.digest.example"' in page.text
    assert 'aria-describedby="address-error"' in page.text


def test_too_many_sign_ins_keep_the_address(web: Browser) -> None:
    pages = [web.post("/admin/sign-in", data={"address": ROOT}) for _ in range(60)]
    refused = next(page for page in pages if page.status_code == 429)

    assert f'value="{ROOT}"' in refused.text
    assert int(refused.headers["retry-after"]) > 0


def test_a_viewer_is_not_told_about_another_site(web: Browser, configured: Callable[..., None]) -> None:
    configured(VIEWER_EMAILS=ROOT, ADMIN_EMAILS="other@digest.example")
    page = web.post("/admin/runs/1", data={"action": "pause"}, headers=signed_in(web))

    assert page.status_code == 403
    assert "<h1>This is not allowed</h1>" in page.text
    assert "change nothing" in page.text


def test_a_damaged_link_is_called_a_link(web: Browser) -> None:
    page = web.get("/preferences/x")

    assert page.status_code == 400
    assert "<h1>This link can’t be read</h1>" in page.text

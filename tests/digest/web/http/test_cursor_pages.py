"""Listings of the API page by page: every row once, whatever is added meanwhile."""

from __future__ import annotations

import base64

import pytest

from digest.db.core.engine import transaction
from digest.models import Bounce
from digest.services.security import api_tokens
from digest.web.http.cursor_pages import encode_cursor
from tests.digest.web.conftest import NOW, Browser

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
LISTINGS = ("runs", "deliveries", "editions", "bounces", "suppressions", "subscriptions")


@pytest.fixture
def headers(web: Browser) -> dict[str, str]:
    return {"authorization": f"Bearer {api_tokens.create_token('admin', ['admin'], expires_at=None)}"}


def add_bounces(first: int, last: int) -> None:
    with transaction() as session:
        session.add_all(
            Bounce(report_key=f"r{n}", address_key=f"r{n}@one.example", kind="hard", at=NOW)
            for n in range(first, last + 1)
        )


def test_pages_show_every_row_once_while_rows_are_added(web: Browser, headers: dict[str, str]) -> None:
    add_bounces(1, 7)
    listed_ids: list[int] = []
    page: str | None = "/api/v1/bounces?limit=3&kind=hard"
    pages = 0
    while page:
        response = web.get(page, headers=headers)
        body = response.json()
        listed_ids += [row["id"] for row in body["bounces"]]
        page = body["next"]
        assert response.headers.get("link") == (f'<http://testserver{page}>; rel="next"' if page else None)
        pages += 1
        add_bounces(100 * pages, 100 * pages + 2)

    assert listed_ids == [7, 6, 5, 4, 3, 2, 1]
    assert pages == 3


def test_the_next_page_keeps_the_filter(web: Browser, headers: dict[str, str]) -> None:
    add_bounces(1, 3)
    body = web.get("/api/v1/bounces?address=one.example&limit=1", headers=headers).json()

    assert "address=one.example" in body["next"]


@pytest.mark.parametrize("listing", LISTINGS)
@SQLITE
def test_a_cursor_that_came_with_no_page_is_refused(web: Browser, headers: dict[str, str], listing: str) -> None:
    huge = base64.urlsafe_b64encode(f"{listing}:{2**63}".encode()).decode().rstrip("=")
    for cursor in ("x", "7", "AAAA", "é", "%ff", encode_cursor("other", 7), huge, encode_cursor(listing, 0)):
        response = web.get(f"/api/v1/{listing}", params={"cursor": cursor}, headers=headers)

        assert response.status_code == 400, cursor
        assert response.json()["errors"][0]["field"] == "cursor"

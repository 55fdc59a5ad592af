"""The sources of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from digest.services.security import api_tokens
from digest.sources import request_turns
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources import feed_server
from tests.digest.sources.feed_server import FeedServer, feed, item
from tests.digest.web.conftest import Browser

PATH = "/api/v1/sources"
NAME = "journal-of-examples"


@pytest.fixture
def server(web: Browser, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with feed_server.serving() as feeds:
        configured(FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=feeds.url, SOURCES="biorxiv", SOURCE_PATIENCE=5)
        feeds.pages["/feed.xml"] = feed(item(1, day=""), item(2, title="Editorial"))
        yield feeds


def bearer(*scopes: str) -> dict[str, str]:
    name = "-".join(scopes).replace(":", "-")
    return {"authorization": f"Bearer {api_tokens.create_token(name, scopes, expires_at=None)}"}


def test_a_feed_is_previewed_added_confirmed_paused_and_removed(server: FeedServer, web: Browser) -> None:
    headers = bearer("sources:read", "sources:manage")
    body = {"address": f"{server.url}/feed.xml"}
    preview = web.post(f"{PATH}/preview", json=body, headers=headers).json()
    added = web.post(PATH, json=body, headers=headers)
    changed = [web.post(f"{PATH}/{NAME}/{action}", headers=headers).json() for action in ("confirm", "pause", "resume")]
    listed = web.get(PATH, headers=headers).json()["sources"]
    removed = web.ask("DELETE", f"{PATH}/{NAME}", headers=headers)

    assert ([p["identifier"] for p in preview["papers"]], preview["left_out"]) == (
        ["10.1234/exa.1"],
        [{"title": "Editorial", "reason": "editorial"}],
    )
    assert (added.status_code, added.json()["confirmed"], added.json()["max_a_day"]) == (201, False, 20)
    assert [(row["confirmed"], row["is_paused"]) for row in changed] == [(True, False), (True, True), (True, False)]
    assert {row["name"]: row["kind"] for row in listed}[NAME] == "feed"
    assert (removed.status_code, web.get(f"{PATH}/{NAME}", headers=headers).status_code) == (204, 404)


@MAINLY_SQLITE
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sources_need_a_token_with_their_scope(server: FeedServer, web: Browser, method: str) -> None:
    body = {"address": f"{server.url}/feed.xml"}
    statuses = [
        web.ask(method, PATH, json=body, headers=headers).status_code
        for headers in ({}, bearer("papers:read"), bearer("sources:read"))
    ]

    assert statuses == [401, 403, 200 if method == "GET" else 403]
    assert server.requests == []


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("", {"address": "ftp://a.example"}, 422, "address"),
        ("", {"address": "{url}/nothing"}, 422, "address"),
        ("", {"address": "http://127.0.0.1:1/"}, 422, "address"),
        ("", {"address": "{url}/feed.xml", "max_a_day": 0}, 422, "max_a_day"),
        ("", {"address": "{url}/feed.xml", "confirmed": True}, 422, "confirmed"),
        ("/preview", {}, 422, "address"),
        ("/nobody/pause", {}, 404, None),
        ("/biorxiv/resume", {}, 409, None),
    ],
)
def test_what_can_not_be_done_names_its_field(
    server: FeedServer, web: Browser, path: str, body: dict[str, object], status: int, field: str | None
) -> None:
    filled = {name: value.format(url=server.url) if isinstance(value, str) else value for name, value in body.items()}
    response = web.post(f"{PATH}{path}", json=filled, headers=bearer("sources:manage"))

    assert (response.status_code, _field(response)) == (status, field)


def _field(response: httpx.Response) -> str | None:
    errors = response.json().get("errors")
    return errors[0]["field"] if errors else None

"""The administrators' page of sources: a feed is added after a preview, confirmed, paused and removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from sqlmodel import select

from digest.db.core.engine import reading
from digest.models import Audit
from digest.services.admin import source_listing
from digest.services.ingestion import catch_up
from digest.sources import request_turns
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources import feed_server
from tests.digest.sources.feed_server import FeedServer, feed, item
from tests.digest.web.conftest import Browser
from tests.digest.web.pages.test_admin import ROOT, signed_in

PATH = "/admin/sources"
NAME = "journal-of-examples"


@pytest.fixture
def server(web: Browser, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with feed_server.serving() as feeds:
        configured(FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=feeds.url, SOURCES="biorxiv", SOURCE_PATIENCE=5)
        feeds.pages["/feed.xml"] = feed(item(1, day=""), item(2, day=""), item(3, title="Cover Image"))
        yield feeds


@pytest.fixture
def cookie(web: Browser) -> dict[str, str]:
    return signed_in(web)


def act(web: Browser, cookie: dict[str, str], action: str, **fields: str) -> tuple[int, str]:
    response = web.act(PATH, data={"action": action, **fields}, headers=cookie)
    return response.status_code, unescape(re.sub(r"<[^>]+>", " ", response.text))


def row() -> source_listing.SourceRow | None:
    return next((row for row in source_listing.source_rows() if row.name == NAME), None)


@MAINLY_SQLITE
def test_a_feed_is_added_after_a_preview_that_says_what_is_left_out(
    server: FeedServer, web: Browser, cookie: dict[str, str]
) -> None:
    address = f"{server.url}/feed.xml"
    status, preview = act(web, cookie, "preview", address=address)
    before = row()
    _, page = act(web, cookie, "add", address=address, title="Examples, the journal")

    assert (status, before) == (200, None)
    assert "2 papers, 2 of them new, 1 entry left out" in preview
    assert "10.1234/exa.2" in preview
    assert re.search(r"Cover Image\s+cover", preview)
    assert "Examples, the journal is added as examples-the-journal, with 2 new papers." in page


@MAINLY_SQLITE
def test_a_feed_has_a_name_with_letters(server: FeedServer, web: Browser, cookie: dict[str, str]) -> None:
    server.pages["/odd.xml"] = feed(item(1, day="")).replace(
        b"<title>Journal of Examples</title>", b"<title>***</title>"
    )
    status, page = act(web, cookie, "add", address=f"{server.url}/feed.xml", title="***")
    _, preview = act(web, cookie, "preview", address=f"{server.url}/odd.xml")

    assert (status, row()) == (422, None)
    assert "Title: use letters or digits" in page
    assert "127.0.0.1" in preview


@MAINLY_SQLITE
def test_a_feed_is_confirmed_paused_resumed_and_removed(
    server: FeedServer, web: Browser, cookie: dict[str, str], configured: Callable[..., None]
) -> None:
    configured(FEED_PAPERS_A_DAY=1)
    act(web, cookie, "add", address=f"{server.url}/feed.xml")
    catch_up.ingest(NAME)
    _, listed = act(web, cookie, "fetch", source=NAME)
    states = []
    for action in ("confirm", "pause", "resume", "remove"):
        status, _ = act(web, cookie, action, source=NAME)
        now = row()
        states.append((status, now.confirmed if now else None, now.is_paused if now else None))

    assert "not confirmed: at most 1 paper a day is mailed; 1 waits" in listed
    assert states == [(200, True, False), (200, True, True), (200, True, False), (200, None, None)]


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("action", "fields", "status", "line"),
    [
        ("preview", {"address": "{url}/page"}, 422, "A web page came, not a feed; it names a feed: {url}/feed.xml"),
        ("preview", {"address": "http://10.1.2.3/feed"}, 422, "in a private network"),
        ("add", {"address": "nothing"}, 422, "Address: write the feed's web address"),
        ("confirm", {"source": "biorxiv"}, 404, "no feed of the name biorxiv"),
        ("pause", {"source": "nobody"}, 404, "no source of the name nobody"),
        ("remove", {"source": "biorxiv"}, 409, "built in"),
        ("unknown", {}, 422, "Action: use"),
    ],
)
def test_what_can_not_be_done_is_said_on_the_page(
    server: FeedServer,
    web: Browser,
    cookie: dict[str, str],
    action: str,
    fields: dict[str, str],
    status: int,
    line: str,
) -> None:
    server.pages["/page"] = (
        b'<html><head><link rel="alternate" type="application/atom+xml" href="/feed.xml"></head></html>'
    )
    answer = act(web, cookie, action, **{name: value.format(url=server.url) for name, value in fields.items()})

    assert answer[0] == status
    assert line.format(url=server.url) in answer[1]


@MAINLY_SQLITE
def test_a_moved_feed_and_an_entry_taken_for_a_former_one_are_shown(
    server: FeedServer, web: Browser, cookie: dict[str, str]
) -> None:
    seminar = "<item><title>Weekly seminar</title><link>https://j.example/{n}</link><author>Ada Sample</author></item>"
    server.pages["/feed.xml"] = feed(seminar.format(n=1))
    act(web, cookie, "add", address=f"{server.url}/feed.xml")
    catch_up.ingest(NAME)
    server.pages["/new.xml"] = feed(seminar.format(n=2))
    server.redirects["/feed.xml"], server.redirect_status = "/new.xml", 301
    for _ in range(2):
        catch_up.ingest(NAME)
    listed = unescape(re.sub(r"<[^>]+>", " ", web.get(f"{PATH}?source={NAME}", headers=cookie).text))
    _, preview = act(web, cookie, "preview", address=f"{server.url}/new.xml")

    assert f"moved from {server.url}/feed.xml to {server.url}/new.xml" in listed
    assert re.search(r"whose address changed; neither has a date\s+Weekly seminar\s+1", listed)
    assert "0 papers, 0 of them new, 1 entry left out" in preview
    assert re.search(r"Weekly seminar\s+the title and authors of an entry that came before", preview)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_markup_in_a_feed_is_shown_as_text(server: FeedServer, web: Browser, cookie: dict[str, str]) -> None:
    attack = "&lt;img src=x onerror=alert(1)&gt; \"'&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
    server.pages["/feed.xml"] = feed(f"<item><title>{attack} title</title><guid>{attack}</guid></item>", title=attack)
    response = web.act(PATH, data={"action": "preview", "address": f"{server.url}/feed.xml"}, headers=cookie)

    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "<img src=x" not in response.text


@MAINLY_SQLITE
def test_a_fetch_is_audited_with_the_administrator(server: FeedServer, web: Browser, cookie: dict[str, str]) -> None:
    act(web, cookie, "fetch", source="biorxiv")
    with reading() as session:
        rows = session.exec(select(Audit).where(Audit.action == "fetch source")).all()

    assert [(row.actor, row.detail) for row in rows] == [(ROOT, {"source": "biorxiv"})]


@MAINLY_SQLITE
def test_without_a_session_nothing_is_fetched(server: FeedServer, web: Browser) -> None:
    response = web.post(PATH, data={"action": "preview", "address": f"{server.url}/feed.xml"})

    assert response.status_code in {403, 409}
    assert server.requests == []


@MAINLY_SQLITE
def test_a_feed_that_moved_is_set_back_by_a_button(server: FeedServer, web: Browser, cookie: dict[str, str]) -> None:
    act(web, cookie, "add", address=f"{server.url}/feed.xml")
    server.pages["/new.xml"] = server.pages.pop("/feed.xml")
    server.redirects["/feed.xml"], server.redirect_status = "/new.xml", 301
    catch_up.ingest(NAME)
    page = web.get(PATH, headers=cookie).text
    _, restored = act(web, cookie, "restore", source=NAME)
    stored_row = row()

    assert "Give Journal of Examples its former address back" in page
    assert f"{NAME} has its former address again." in restored
    assert stored_row is not None
    assert (stored_row.address, stored_row.former_address) == (f"{server.url}/feed.xml", "")
    assert act(web, cookie, "restore", source=NAME)[0] == 409

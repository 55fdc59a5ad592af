"""Fetches of feeds that moved, that end in the middle, and what becomes of items that come again and again."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import col, select

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import feed_sources
from digest.errors import Refused, SourceDown
from digest.models import Audit, Delivery, FeedSource, Reject
from digest.services.admin import admin_pages, feed_preview, source_admin, source_listing
from digest.services.alarms import alarm_rules
from digest.services.ingestion import catch_up
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources.conftest import NOW
from tests.digest.sources.feed_server import FeedServer, Reply, feed, item, web_page

only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def added(server: FeedServer, path: str = "/feed.xml") -> str:
    return source_admin.add_feed(f"{server.url}{path}", actor="test")[0].name


def stored_feed(name: str) -> FeedSource:
    with reading() as session:
        row = feed_sources.feed(session, name)
        assert row is not None
        return row


def rejects() -> list[Reject]:
    with reading() as session:
        return list(session.exec(select(Reject).order_by(col(Reject.id))).all())


def seminar(number: int) -> str:
    """An entry without a date whose title and author are those of the others."""
    return (
        f"<item><title>Weekly seminar</title><guid>{number}</guid><author>Ada Sample</author>"
        f"<link>https://society.example/{number}</link></item>"
    )


@MAINLY_SQLITE
@pytest.mark.parametrize("status", [301, 308])
def test_a_feed_that_moved_permanently_is_fetched_from_its_new_address(server: FeedServer, status: int) -> None:
    name = added(server)
    server.pages["/new.xml"] = server.pages.pop("/feed.xml")
    server.redirects["/feed.xml"], server.redirect_status = "/new.xml", status
    counts = catch_up.ingest(name).counts
    moved = stored_feed(name)
    del server.redirects["/feed.xml"]
    catch_up.ingest(name)

    assert (counts.new, moved.url, moved.former_url) == (3, f"{server.url}/new.xml", f"{server.url}/feed.xml")
    with reading() as session:
        audit = session.exec(select(Audit).where(Audit.action == "move feed")).one()
    assert (audit.actor, audit.detail["to"]) == ("service", f"{server.url}/new.xml")


def moved_feed(server: FeedServer, *paths: str) -> str:
    """A feed that moved permanently along these paths, at one fetch each."""
    name = added(server)
    server.redirect_status = 301
    for former, path in zip(("/feed.xml", *paths), paths, strict=False):
        server.pages[path] = server.pages.pop(former).replace(b"<link>", b"<link> ", 1)
        server.redirects[former] = path
        catch_up.ingest(name)
    return name


def source_row(name: str) -> source_listing.SourceRow:
    return next(row for row in source_listing.source_rows() if row.name == name)


def test_the_listing_says_when_a_feed_moved(server: FeedServer) -> None:
    row = source_row(moved_feed(server, "/new.xml"))

    assert row.moved_at == pytest.approx(NOW, abs=timedelta(minutes=5))
    assert source_listing.feed_note(row).endswith(
        f"moved from {server.url}/feed.xml to {server.url}/new.xml on 2026-08-07"
    )


NEW_ADDRESS_FAILURES: dict[str, Callable[[bytes], Reply]] = {
    "a web page": web_page,
    "gone": lambda _: (410, b"", {}),
    "a private address": lambda _: (302, b"", {"Location": "http://10.0.0.7/feed.xml"}),
}


@pytest.mark.parametrize("failure", NEW_ADDRESS_FAILURES)
def test_the_alarm_about_a_moved_feed_names_its_former_address(
    server: FeedServer, configured: Callable[..., None], failure: str
) -> None:
    configured(ADMIN_EMAILS="root@digest.example")
    name = moved_feed(server, "/new.xml")
    server.faults = [NEW_ADDRESS_FAILURES[failure]] * 9
    with pytest.raises(SourceDown):
        catch_up.ingest(name)
    alarm_rules.check_alarms(now=clock.now() + timedelta(seconds=1))
    with reading() as session:
        payloads = [row.payload for row in session.exec(select(Delivery).where(Delivery.kind == "alarm")).all()]

    assert source_row(name).state == "down"
    expected = (
        f"The feed moved from {server.url}/feed.xml to {server.url}/new.xml on 2026-08-07; `digest sources restore"
    )
    assert any(expected in str(payload) for payload in payloads)


def test_a_feed_that_moved_gets_its_former_address_back(server: FeedServer) -> None:
    name = moved_feed(server, "/new.xml")
    del server.redirects["/feed.xml"]
    server.pages = {"/feed.xml": feed(item(7)), "/new.xml": web_page(b"")[1]}
    address = source_admin.restore_feed(name, actor="test")
    counts = catch_up.ingest(name).counts
    row = stored_feed(name)

    assert (address, counts.new, row.url, row.former_url) == (f"{server.url}/feed.xml", 1, address, "")
    with reading() as session:
        audit = session.exec(select(Audit).where(Audit.action == "restore feed address")).one()
    assert (audit.actor, audit.detail["from"], audit.detail["to"]) == ("test", f"{server.url}/new.xml", address)


def test_of_a_feed_that_moved_several_times_each_former_address_comes_back_in_turn(server: FeedServer) -> None:
    name = moved_feed(server, "/b.xml", "/c.xml", "/d.xml")
    addresses = [stored_feed(name).url, *(source_admin.restore_feed(name, actor="test") for _ in range(3))]

    assert addresses == [f"{server.url}/{path}.xml" for path in ("d", "c", "b", "feed")]
    with pytest.raises(Refused, match="has not moved"):
        source_admin.restore_feed(name, actor="test")


@only_sqlite
def test_a_feed_is_not_added_again_by_any_of_its_former_addresses(server: FeedServer) -> None:
    name = moved_feed(server, "/b.xml", "/c.xml", "/d.xml")

    for path in ("/feed.xml", "/b.xml", "/c.xml", "/d.xml"):
        with pytest.raises(Refused, match=f"there already: {name}"):
            added(server, path)


@only_sqlite
def test_a_restored_address_that_still_redirects_to_the_feed_moves_again(server: FeedServer) -> None:
    name = moved_feed(server, "/new.xml")
    source_admin.restore_feed(name, actor="test")
    catch_up.ingest(name)

    assert stored_feed(name).url == f"{server.url}/new.xml"


def test_items_that_come_again_are_listed_first_and_counted_once(
    server: FeedServer, moment: time_machine.Traveller
) -> None:
    cover, news = item(8, title="Cover Image"), item(9, title="Correction: Synapses")
    other = item(7, title="Issue Information")
    pages = [(item(1), cover), (item(1), cover, news), (item(1), news, other), (item(1), cover)]
    name = added(server)
    for hour, items in enumerate(pages):
        moment.move_to(NOW + timedelta(hours=hour))
        server.pages["/feed.xml"] = feed(*items)
        catch_up.ingest(name)
    listed = [pair[0] for pair in admin_pages.newest_rejects(name, limit=10)]
    paged = [admin_pages.newest_rejects(name, limit=1, before_id=before.id)[0][0].id for before in listed[:-1]]

    assert [(row.excerpt, row.times_seen) for row in listed] == [
        ("Cover Image", 3),
        ("Issue Information", 1),
        ("Correction: Synapses", 2),
    ]
    assert paged == [row.id for row in listed[1:]]
    assert source_row(name).rejects == 3


@only_sqlite
@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_feed_that_is_elsewhere_for_a_while_keeps_its_address(server: FeedServer, status: int) -> None:
    name = added(server)
    server.pages["/new.xml"] = server.pages.pop("/feed.xml")
    server.redirects["/feed.xml"], server.redirect_status = "/new.xml", status
    counts = catch_up.ingest(name).counts

    assert (counts.new, stored_feed(name).url, stored_feed(name).former_url) == (3, f"{server.url}/feed.xml", "")


@only_sqlite
@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.7/new.xml",
        "http://[::1]/new.xml",
        "http://user:word@127.0.0.1/new.xml",
        "ftp://127.0.0.1/new.xml",
        "/feed.xml",
        "/page",
        "/other.xml",
        "/feed.xml?utm_source=feed",
    ],
)
def test_a_move_that_adding_would_refuse_leaves_the_address(server: FeedServer, target: str) -> None:
    server.pages["/other.xml"] = feed(item(9))
    other, name = added(server, "/other.xml"), added(server)
    server.pages["/page"] = web_page(b"")[1]
    server.redirects["/feed.xml"], server.redirect_status = target, 301
    try:
        catch_up.ingest(name)
    except SourceDown as error:
        assert "\n" not in str(error)  # noqa: PT017 - one line for the state of the source

    assert stored_feed(name).url == f"{server.url}/feed.xml"
    assert stored_feed(other).url == f"{server.url}/other.xml"


@only_sqlite
def test_an_undated_entry_taken_for_a_former_one_is_listed_with_its_reason(server: FeedServer) -> None:
    server.pages["/feed.xml"] = feed(seminar(1))
    name = added(server)
    catch_up.ingest(name)
    server.pages["/feed.xml"] = feed(seminar(2))
    preview = feed_preview.preview_feed(f"{server.url}/feed.xml")
    counts = catch_up.ingest(name).counts
    (reject,) = rejects()

    assert (counts.new, counts.bad, preview.papers) == (0, 1, ())
    assert (reject.excerpt, "whose address changed; neither has a date" in reject.reason) == ("Weekly seminar", True)
    assert preview.left_out == (("Weekly seminar", reject.reason),)


@only_sqlite
def test_a_feed_whose_addresses_change_at_each_fetch_has_one_reject_for_each_entry(server: FeedServer) -> None:
    name = added(server)
    for fetch in range(4):
        server.pages["/feed.xml"] = feed(seminar(fetch))
        catch_up.ingest(name)

    assert [(reject.times_seen, reject.last_seen_at is not None) for reject in rejects()] == [(3, True)]


@only_sqlite
def test_papers_that_find_no_place_to_wait_are_listed_once(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None]
) -> None:
    monkeypatch.setattr("digest.sources.feed_source.MAX_HELD", 1)
    configured(FEED_PAPERS_A_DAY=1)
    name = added(server)
    server.etags = False
    for _ in range(3):
        catch_up.ingest(name)

    assert [(reject.excerpt, reject.times_seen) for reject in rejects()] == [("Synapses number 2 grow with use", 3)]


@only_sqlite
def test_a_feed_that_brings_other_old_entries_at_each_fetch_is_bounded(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.sources.feed_source.MAX_BACKLOG", 5)
    name = added(server)
    counts = [catch_up.ingest(name).counts.new]
    for fetch in range(2):
        old = [item(f"{fetch}.{n}", title=f"Old paper {fetch} {n} of all", day="2019-01-01") for n in range(12)]
        server.pages["/feed.xml"] = feed(*old)
        counts += [catch_up.ingest(name).counts.new for _ in range(1 + fetch * 3)]
        server.etags = False

    assert counts == [3, 5, 5, 5, 2, 0]


ODD_ANSWERS: dict[str, Callable[[bytes], Reply]] = {
    "gzip": lambda body: (200, gzip.compress(body), {"Content-Encoding": "gzip"}),
    "x-gzip": lambda body: (200, gzip.compress(body), {"Content-Encoding": "x-gzip"}),
    "a saved .gz": lambda body: (200, gzip.compress(body), {"Content-Type": "application/gzip"}),
    "web page type": lambda body: (200, body, {"Content-Type": "text/html"}),
    "UTF-16": lambda body: (200, body.decode().encode("utf-16"), {"Content-Type": "application/xml; charset=utf-8"}),
    "Last-Modified only": lambda body: (200, body, {"Last-Modified": "Wed, 05 Aug 2026 10:00:00 GMT"}),
}


@only_sqlite
@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_an_odd_answer_with_a_feed_in_it_is_read(server: FeedServer, answer: str) -> None:
    name = added(server)
    server.faults = [ODD_ANSWERS[answer]]

    assert catch_up.ingest(name).counts.new == 3


FAILURES: dict[str, tuple[Callable[[bytes], Reply], str]] = {
    "gone": (lambda _: (410, b"", {}), "answered 410"),
    "unchanged without a question": (lambda _: (304, b"", {}), "answered 304"),
    "empty": (lambda _: (200, b"", {}), "the answer is empty"),
    "blank": (lambda _: (200, b" \n ", {}), "the answer is empty"),
    "no content": (lambda _: (204, b"", {}), "answered 204"),
    "forbidden": (lambda _: (403, b"<html>challenge</html>", {}), "answered 403"),
    "brotli": (lambda body: (200, body, {"Content-Encoding": "br"}), "'br' was not requested"),
    "damaged gzip": (lambda body: (200, gzip.compress(body)[:-20], {"Content-Encoding": "gzip"}), "is cut off"),
    "bomb in a saved .gz": (lambda _: (200, gzip.compress(b" " * 64 * 2**20, 9), {}), "over the limit"),
}


@only_sqlite
@pytest.mark.parametrize("failure", FAILURES)
def test_an_answer_without_a_feed_is_a_failure_that_says_what_came(server: FeedServer, failure: str) -> None:
    name = added(server)
    answer, reason = FAILURES[failure]
    server.faults = [answer] * 9
    with pytest.raises(SourceDown) as raised:
        catch_up.ingest(name)
    row = next(row for row in source_listing.source_rows() if row.name == name)

    assert reason in str(raised.value)
    assert (row.state, reason in row.detail) == ("down", True)
    assert rejects() == []

"""Feeds as sources, against a local server: every paper once, within the limit of a day, whatever the feed does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlmodel import col, select

from digest.db.core.engine import reading
from digest.db.papers import papers as papers_store
from digest.errors import BadInput, NotFound, Refused, SourceDown
from digest.models import Audit, Paper, PaperVersion, Reject
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.admin import feed_preview, source_admin, source_listing
from digest.services.ingestion import catch_up, fetch_schedule, import_files
from digest.services.ingestion.import_document import store_document
from digest.services.subscriptions.preference_fields import SignUpPreferences, validate
from digest.sources import crossref, request_turns
from digest.web.ui.preference_form import grouped_fields, with_defaults
from tests.combinations import MAINLY_SQLITE
from tests.digest.sources import feed_server
from tests.digest.sources.conftest import NOW
from tests.digest.sources.feed_server import LONG, FeedServer, feed, item, work

A_DAY = timedelta(days=1)
WAIT = request_turns._wait
only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def added(server: FeedServer, path: str = "/feed.xml", **options: object) -> str:
    name, _ = source_admin.add_feed(f"{server.url}{path}", actor="test", **options)  # type: ignore[arg-type]
    return name.name


def text_of(number: int) -> str:
    """An abstract that has nothing in common with those of other numbers."""
    letters = "abcdefghijklmnopqrst"
    return " ".join(f"w{letters[number]}{first}{second}" for first in letters[:8] for second in letters[:8])


def new_dois() -> Counter[str]:
    """DOIs of the papers that are new in an announcement."""
    with reading() as session:
        return Counter(map(str, session.exec(select(Paper.doi).where(col(Paper.announcement_id).is_not(None))).all()))


def refused() -> list[tuple[str, str]]:
    with reading() as session:
        return [(row.reason, row.excerpt) for row in session.exec(select(Reject).order_by(col(Reject.id))).all()]


def test_each_paper_of_a_feed_comes_once_however_often_it_is_fetched(server: FeedServer) -> None:
    name = added(server)
    first, second = catch_up.ingest(name).counts, catch_up.ingest(name).counts
    server.pages["/feed.xml"] = feed(*(item(n) for n in range(2, 6)))
    third = catch_up.ingest(name).counts

    assert (name, first.new, second.new, third.new) == ("journal-of-examples", 3, 0, 3)
    assert new_dois() == Counter(f"10.1234/exa.{n}" for n in range(6))


@only_sqlite
def test_a_feeds_papers_say_where_they_appeared_and_have_its_subject(server: FeedServer) -> None:
    catch_up.ingest(added(server, subject="Neuroscience"))
    with reading() as session:
        papers = session.exec(select(Paper)).all()
        details = session.exec(select(PaperVersion.detail)).all()

    assert [paper.outlets for paper in papers] == ["journal-of-examples"] * 3
    assert {paper.announcement_id for paper in papers} == {NOW.toordinal()}
    assert [(detail["outlets"], detail["categories"]) for detail in details] == [
        (["Journal of Examples"], ["bio.neuroscience"])
    ] * 3


@only_sqlite
def test_a_subject_that_does_not_exist_is_refused(server: FeedServer) -> None:
    with pytest.raises(BadInput, match="'Alchemy' is not a subject such as Neuroscience"):
        added(server, subject="Alchemy")


@only_sqlite
def test_subscribers_choose_a_feed_by_its_name(server: FeedServer) -> None:
    name = added(server)
    source_keys = validate(SignUpPreferences, {"sources": "journal of examples"}).sources
    labels = [dict(field.options) for field in grouped_fields(with_defaults({}))["details"] if field.name == "sources"]
    source_admin.remove_feed(name, actor="test")

    assert source_keys == ("journal-of-examples",)
    assert labels == []
    with pytest.raises(BadInput, match="'journal' is not a source here"):
        validate(SignUpPreferences, {"sources": "journal of examples"})


@only_sqlite
def test_the_form_offers_the_sources_where_there_are_several(
    server: FeedServer, configured: Callable[..., None]
) -> None:
    configured(SOURCES="biorxiv", FEED_PRIVATE_HOSTS="127.0.0.1", CROSSREF_URL=server.url)
    added(server)
    fields = grouped_fields(with_defaults({}))["details"]

    assert [dict(field.options) for field in fields if field.name == "sources"] == [
        {"biorxiv": "bioRxiv", "journal-of-examples": "Journal of Examples"}
    ]


@only_sqlite
@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_a_feed_whose_validator_is_not_ascii_is_fetched_again_and_again(server: FeedServer, name: str) -> None:
    server.etags, server.headers = False, {name: '"\xe9"'}
    feed_name = added(server)
    first = catch_up.ingest(feed_name)
    server.pages["/feed.xml"] = feed(item(7))
    second = catch_up.ingest(feed_name)

    assert (first.counts.new, second.counts.new, second.outcome) == (3, 1, "")


@only_sqlite
def test_an_answer_that_makes_a_parser_fail_is_recorded_as_down(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError("date value out of range")

    name = added(server)
    monkeypatch.setattr("digest.sources.feed_fetch.read_papers", fail)
    with pytest.raises(SourceDown, match="not understood: OverflowError"):
        catch_up.ingest(name)

    assert next(row for row in source_listing.source_rows() if row.name == name).state == "down"


@MAINLY_SQLITE
@pytest.mark.parametrize("day", ["2026-08-05", "2019-01-01"])
def test_a_feed_only_fills_what_a_stored_paper_lacks(server: FeedServer, day: str) -> None:
    own = Record(title="Attention is all", abstract="We attend.", authors=("Ada Byron",), arxiv_id="1706.03762")
    store_document("jsonl", "papers", ParsedDocument((ListedPaper(own, announce_type="new"),)))
    server.pages["/feed.xml"] = feed(
        f"<item><title>Buy this now</title><guid isPermaLink='false'>oai:arXiv.org:1706.03762v9</guid>"
        f"<prism:doi>10.1234/a</prism:doi><dc:date>{day}</dc:date><dc:creator>Robin Example, Ada Sample</dc:creator>"
        f"<description>{LONG}</description></item>"
    )
    catch_up.ingest(added(server))
    with reading() as session:
        (paper,) = papers_store.newest_versions_chunked(session, [1])
        assert len(session.exec(select(Paper)).all()) == 1

    assert paper[1] == replace(
        own, doi="10.1234/a", published=date.fromisoformat(day), outlets=("Journal of Examples",)
    )


@only_sqlite
def test_the_version_that_a_feed_claims_does_not_outrank_that_of_the_papers_own_source(server: FeedServer) -> None:
    server.pages["/feed.xml"] = feed(
        "<item><title>Buy this now</title><guid isPermaLink='false'>oai:arXiv.org:1706.03762v9</guid>"
        f"<dc:creator>Ada Byron</dc:creator><description>{LONG}</description></item>"
    )
    catch_up.ingest(added(server))
    own = Record(
        title="Attention is all", abstract="We attend.", authors=("Ada Byron",), arxiv_id="1706.03762", version=6
    )
    store_document("jsonl", "papers", ParsedDocument((ListedPaper(own, announce_type="replace"),)))
    with reading() as session:
        (paper,) = papers_store.newest_versions_chunked(session, [1])

    assert (paper[1].title, paper[1].abstract, paper[1].version) == (own.title, own.abstract, 6)


def test_control_characters_of_a_json_feed_are_not_stored(server: FeedServer) -> None:
    values = '"id": "10.1234/a\\u0000b", "title": "Synapses\\u0000 grow \\ud800", "content_text": "\\u0000"'
    server.pages["/feed.json"] = (
        f'{{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{{{values}}}]}}'
    ).encode()
    counts = catch_up.ingest(added(server, "/feed.json")).counts

    assert (counts.new, new_dois()) == (1, Counter({"10.1234/ab": 1}))


@only_sqlite
def test_an_unchanged_feed_is_not_sent_again(server: FeedServer) -> None:
    name = added(server)
    catch_up.ingest(name)
    catch_up.ingest(name)

    assert "if-none-match" in server.requests[-1][1]
    assert source_listing.source_rows()[0].state == "on time"


def test_a_week_with_faults_brings_every_paper_once(server: FeedServer, moment: time_machine.Traveller) -> None:
    faults: list[list[Callable[[bytes], feed_server.Reply]]] = [
        [feed_server.too_many],
        [feed_server.cut] * 3,
        [feed_server.web_page],
        [feed_server.entities] * 3,
        [feed_server.huge],
        [feed_server.bomb],
        [feed_server.empty] * 3,
    ]
    name = added(server)
    for day, of_day in enumerate(faults):
        moment.move_to(NOW + day * A_DAY)
        server.pages["/feed.xml"] = feed(*(item(n) for n in range(day * 3, day * 3 + 5)))
        server.faults = list(of_day)
        for _ in range(2):
            try:
                catch_up.ingest(name)
            except SourceDown:
                continue

    assert new_dois() == Counter(f"10.1234/exa.{n}" for n in range(6 * 3 + 5))


@only_sqlite
@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (feed_server.web_page, "a web page came, not a feed and names none"),
        (feed_server.huge, "over the limit"),
        (feed_server.bomb, "over the limit"),
        (feed_server.entities, "declares entities"),
        (feed_server.empty, "the answer is empty"),
        (lambda _: (403, b"", {}), "answered 403"),
        (lambda _: (200, b"<html><head></head></html>", {}), "a web page"),
        (lambda _: (200, b"{}", {}), "not a feed"),
        (lambda _: (200, b"%PDF-1.7", {}), "malformed XML"),
    ],
)
def test_what_is_no_feed_is_refused_in_one_line(
    server: FeedServer, fault: Callable[[bytes], feed_server.Reply], line: str
) -> None:
    server.faults = [fault]
    with pytest.raises((SourceDown, BadInput)) as raised:
        added(server)

    assert line in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not any(row.kind == "feed" for row in source_listing.source_rows())


@only_sqlite
def test_a_web_page_that_names_a_feed_is_refused_with_its_address(server: FeedServer) -> None:
    server.pages["/"] = (
        b'<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>'
    )
    with pytest.raises(SourceDown, match=f"it names a feed: {server.url}/feed.xml"):
        added(server, "/")


@only_sqlite
@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/feed.xml",
        "http://localhost/feed.xml",
        "http://[::1]/feed.xml",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/feed",
        "http://[::ffff:127.0.0.1]/feed",
        "http://2130706433/feed.xml",
        "http://0x7f.1/feed.xml",
    ],
)
def test_a_private_address_is_not_fetched(server: FeedServer, configured: Callable[..., None], address: str) -> None:
    configured(FEED_PRIVATE_HOSTS="")
    with pytest.raises(SourceDown, match="in a private network"):
        source_admin.add_feed(address, actor="test")


@only_sqlite
@pytest.mark.parametrize("address", ["ftp://a.example/x", "file:///etc/passwd", "javascript:1", "", "http://", "a"])
def test_an_address_that_is_not_of_the_web_is_refused(server: FeedServer, address: str) -> None:
    with pytest.raises(BadInput, match="address:"):
        source_admin.add_feed(address, actor="test")


@only_sqlite
def test_a_redirect_into_a_private_network_is_not_followed(
    server: FeedServer, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.redirects["/moved"] = "http://192.168.0.1/feed.xml"
    with pytest.raises(SourceDown, match="in a private network"):
        added(server, "/moved")


@only_sqlite
def test_a_redirect_loop_ends(server: FeedServer) -> None:
    server.redirects["/a"], server.redirects["/b"] = "/b", "/a"
    with pytest.raises(SourceDown, match="redirected more than"):
        added(server, "/a")


def test_of_a_feed_that_nobody_confirmed_only_some_papers_a_day_are_new(
    server: FeedServer, moment: time_machine.Traveller
) -> None:
    server.pages["/feed.xml"] = feed(*(item(n) for n in range(50)))
    name = added(server)
    counts = []
    for hours in (0, 4, 24, 28, 48):
        moment.move_to(NOW + timedelta(hours=hours))
        catch_up.ingest(name)
        counts.append(sum(new_dois().values()))

    assert counts == [20, 20, 40, 40, 50]
    assert set(new_dois().values()) == {1}


def test_after_an_administrator_confirmed_it_all_that_waited_is_new(server: FeedServer) -> None:
    server.pages["/feed.xml"] = feed(*(item(n) for n in range(50)))
    name = added(server)
    catch_up.ingest(name)
    waiting = next(row for row in source_listing.source_rows() if row.name == name)
    server.pages["/feed.xml"] = feed(*(item(n) for n in range(45, 52)))  # the others have left the feed
    source_admin.confirm_feed(name, actor="test")
    due = fetch_schedule.due_sources()
    catch_up.ingest(name)

    assert (waiting.held, waiting.confirmed, due) == (30, False, [name])
    assert new_dois() == Counter(f"10.1234/exa.{n}" for n in range(52))
    with reading() as session:
        assert [row.action for row in session.exec(select(Audit)).all()] == ["add feed", "confirm feed"]


@only_sqlite
def test_a_feed_whose_identifiers_change_at_each_fetch_brings_its_papers_once(server: FeedServer) -> None:
    def changing(fetch: int) -> bytes:
        return feed(
            *(
                f"<item><title>Synapses number {n} grow with use</title><guid>{fetch}-{n}</guid>"
                f"<link>https://blog.example/p?x={fetch}{n}</link><author>Ada Sample</author></item>"
                for n in range(10)
            )
        )

    server.pages["/feed.xml"] = changing(0)
    name = added(server)
    new = []
    for fetch in range(1, 5):
        new.append(catch_up.ingest(name).counts.new)
        server.pages["/feed.xml"] = changing(fetch)

    assert new == [10, 0, 0, 0]


@only_sqlite
@pytest.mark.parametrize("day", ["", "<dc:date>2026-08-05</dc:date>"])
def test_entries_of_one_title_with_links_of_their_own_are_several_papers(server: FeedServer, day: str) -> None:
    def reviews(count: int) -> bytes:
        return feed(
            *(
                f"<item><title>New books</title><link>https://j.example/{n}</link>{day}"
                f"<description>{text_of(n)}</description></item>"
                for n in range(count)
            )
        )

    server.pages["/feed.xml"] = reviews(2)
    name = added(server)
    new = [catch_up.ingest(name).counts.new]
    server.pages["/feed.xml"] = reviews(5)
    new.append(catch_up.ingest(name).counts.new)

    assert new == [2, 3]


@only_sqlite
def test_a_column_of_one_title_that_comes_every_week_is_new_every_week(
    server: FeedServer, moment: time_machine.Traveller
) -> None:
    def column(week: int) -> bytes:
        return feed(
            f"<item><title>Weekly seminar</title><link>https://j.example/{week}</link><author>Ada Sample</author>"
            f"<dc:date>{(NOW + week * 7 * A_DAY).date()}</dc:date><description>{text_of(week)}</description></item>"
        )

    server.pages["/feed.xml"] = column(0)
    name = added(server)
    new = []
    for week in range(3):
        moment.move_to(NOW + week * 7 * A_DAY)
        server.pages["/feed.xml"] = column(week)
        new.append(catch_up.ingest(name).counts.new)

    assert new == [1, 1, 1]


@only_sqlite
def test_a_feed_in_which_everything_changes_is_bounded_by_its_day(server: FeedServer) -> None:
    name = added(server)
    for fetch in range(4):
        server.pages["/feed.xml"] = feed(*(item(f"{fetch}.{n}", title=f"Title {fetch} {n} of all") for n in range(30)))
        catch_up.ingest(name)

    assert sum(new_dois().values()) == 20


def test_old_papers_of_a_new_feed_are_stored_but_not_new(server: FeedServer) -> None:
    server.pages["/feed.xml"] = feed(item(1, day="2026-08-01"), item(2, day="2026-05-01"), item(3, day="2019-01-01"))
    name = added(server)
    catch_up.ingest(name)
    server.pages["/feed.xml"] = feed(item(4, day="2026-05-01"), item(5, day="2019-01-01"))
    catch_up.ingest(name)

    assert new_dois() == Counter({"10.1234/exa.1": 1, "10.1234/exa.4": 1})
    with reading() as session:
        assert len(session.exec(select(Paper)).all()) == 5


@only_sqlite
def test_what_is_no_paper_is_left_out_once_with_its_reason(server: FeedServer) -> None:
    server.pages["/feed.xml"] = feed(item(1), item(2, title="Correction: Synapses"), item(3, title="Cover Image"))
    name = added(server)
    catch_up.ingest(name)
    server.etags = False
    catch_up.ingest(name)

    assert refused() == [("correction", "Correction: Synapses"), ("cover", "Cover Image")]


def test_papers_without_abstract_are_completed_by_crossref(server: FeedServer) -> None:
    bare = "<item><title>Synapses {n} grow with use</title><prism:doi>10.1234/exa.{n}</prism:doi></item>"
    server.pages["/feed.xml"] = feed(*(bare.format(n=n) for n in range(4)))
    author = [{"given": "Ada", "family": "Sample"}]
    server.works["10.1234/exa.0"] = work(
        "10.1234/exa.0", abstract=f"<jats:title>Abstract</jats:title><jats:p>{feed_server.LONG}</jats:p>", author=author
    )
    server.works["10.1234/exa.1"] = work("10.1234/exa.1")
    server.works["10.1234/exa.2"] = work("10.1234/exa.2", **{"update-to": [{"type": "erratum", "DOI": "10.1/x"}]})
    name = added(server)
    server.requests.clear()
    catch_up.ingest(name)
    request_count = len(server.paths("/works/"))
    server.etags = False
    catch_up.ingest(name)

    with reading() as session:
        abstracts = {row.title: row.abstract for row in session.exec(select(PaperVersion)).all()}
    assert abstracts == {
        "Synapses 0 grow with use": " ".join(feed_server.LONG.split()),
        "Synapses 1 grow with use": "",
        "Synapses 3 grow with use": "",
    }
    assert (request_count, len(server.paths("/works/"))) == (4, 4)
    assert refused() == [("correction (Crossref)", "Synapses 2 grow with use")]


@only_sqlite
def test_papers_wait_a_day_for_crossref_when_it_is_down(server: FeedServer, moment: time_machine.Traveller) -> None:
    server.pages["/feed.xml"] = feed(
        "<item><title>Synapses grow with use</title><prism:doi>10.1234/a</prism:doi></item>"
    )
    server.works["10.1234/a"] = b"{"
    name = added(server)
    before = catch_up.ingest(name).counts.new
    moment.move_to(NOW + A_DAY)
    after = catch_up.ingest(name).counts.new

    assert (before, after) == (0, 1)


@only_sqlite
def test_a_preview_does_not_wait_for_crossrefs_turn_and_adding_asks_it_nothing(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_turns, "_wait", WAIT)
    monkeypatch.setattr(feed_preview, "LOOKUP_SECONDS", 0.3)
    server.pages["/feed.xml"] = feed(
        "<item><title>Synapses grow with use</title><prism:doi>10.1234/a</prism:doi></item>"
    )
    with request_turns.wait_for_turn(crossref.PACING):
        preview = feed_preview.preview_feed(f"{server.url}/feed.xml")
    added(server)

    assert [(paper.title, paper.abstract_from) for paper in preview.papers] == [("Synapses grow with use", "")]
    assert server.paths("/works/") == []


def test_a_paused_source_is_not_fetched_until_it_is_resumed(
    server: FeedServer, configured: Callable[..., None]
) -> None:
    configured(SOURCES="biorxiv")
    name = added(server)
    for source in (name, "biorxiv"):
        source_admin.pause_source(source, actor="test")
    paused = fetch_schedule.due_sources()
    with pytest.raises(Refused, match="is paused"):
        catch_up.ingest(name)
    with pytest.raises(Refused, match="is paused already"):
        source_admin.pause_source(name, actor="test")
    states = {row.name: row.state for row in source_listing.source_rows()}
    source_admin.resume_source(name, actor="test")

    assert (paused, states[name], states["biorxiv"]) == ([], "paused", "paused")
    assert fetch_schedule.due_sources() == [name]


def test_a_removed_feed_is_gone_and_its_papers_stay(server: FeedServer) -> None:
    name = added(server)
    catch_up.ingest(name)
    source_admin.remove_feed(name, actor="test")

    assert len(new_dois()) == 3
    with pytest.raises(BadInput, match="unknown"):
        catch_up.ingest(name)
    with pytest.raises(NotFound):
        source_admin.remove_feed(name, actor="test")
    with pytest.raises(Refused, match="built in"):
        source_admin.remove_feed("biorxiv", actor="test")


@only_sqlite
def test_a_feed_is_added_once_under_a_free_name(server: FeedServer) -> None:
    server.pages["/other.xml"] = server.pages["/feed.xml"]
    names = [added(server), added(server, "/other.xml")]
    with pytest.raises(Refused, match="there already"):
        added(server)
    with pytest.raises(BadInput, match="in use"):
        added(server, "/other.xml?2", name="biorxiv")

    assert names == ["journal-of-examples", "journal-of-examples-2"]


@only_sqlite
def test_an_empty_feed_is_reported(server: FeedServer) -> None:
    server.pages["/feed.xml"] = feed()
    name = added(server)
    result = catch_up.ingest(name)

    assert (result.outcome, result.detail) == ("stale", "the feed has no entries")


@only_sqlite
def test_a_feed_in_another_character_set_is_read(server: FeedServer) -> None:
    text = feed(item(1, title="Synapsen wachsen größer"), title="Zeitschrift für Beispiele").decode()
    server.pages["/feed.xml"] = text.replace("UTF-8", "utf-8").encode("latin-1")
    name = added(server)
    catch_up.ingest(name)

    with reading() as session:
        assert session.exec(select(PaperVersion.title)).all() == ["Synapsen wachsen größer"]


def test_a_fetch_that_ends_before_its_commit_is_done_again_in_full(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise SourceDown("ended here")

    name = added(server)
    with monkeypatch.context() as patched:
        patched.setattr("digest.db.papers.feed_sources.store_items", broken)
        with pytest.raises(SourceDown, match="ended here"):
            catch_up.ingest(name)
    before = new_dois()
    catch_up.ingest(name)

    assert (before, new_dois()) == (Counter(), Counter(f"10.1234/exa.{n}" for n in range(3)))


def test_two_processes_that_fetch_a_feed_at_once_store_its_papers_once(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digest.sources import feed_source

    complete, name = feed_source.complete_papers, added(server)
    others: list[int] = []

    def complete_after_the_other(*arguments: object) -> object:
        if not others:
            others.append(0)
            others[0] = catch_up.ingest(name).counts.new
        return complete(*arguments)  # type: ignore[arg-type]

    server.pages["/feed.xml"] = feed(
        *(f"<item><title>Synapses {n} grow</title><link>https://b.example/{n}</link></item>" for n in range(3))
    )
    monkeypatch.setattr(feed_source, "complete_papers", complete_after_the_other)
    with pytest.raises(SourceDown, match="at the same time"):
        catch_up.ingest(name)
    catch_up.ingest(name)

    assert others == [3]
    with reading() as session:
        assert len(session.exec(select(Paper)).all()) == 3


@only_sqlite
@pytest.mark.parametrize("resolved", [["10.0.0.7"], ["192.0.2.1", "127.0.0.1"], ["fd00::1"], ["100.64.0.1"]])
def test_a_name_that_leads_into_a_private_network_is_not_fetched(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch, resolved: list[str]
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (address, 80)) for address in resolved])
    with pytest.raises(SourceDown, match=r"journal\.example is in a private network"):
        source_admin.add_feed("https://journal.example/feed.xml", actor="test")


@only_sqlite
def test_saved_answers_of_a_feed_are_imported(server: FeedServer, tmp_path: Path) -> None:
    file = tmp_path / "saved.xml"
    file.write_bytes(feed(item(7), item(8, title="Cover Image")))
    counts = import_files.ingest_files(added(server), [file], seeds=lambda *_: [])

    assert (counts.new, counts.bad) == (1, 1)

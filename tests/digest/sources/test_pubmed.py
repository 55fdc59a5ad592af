"""PubMed, against a local server that speaks the E-utilities with their faults."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlmodel import col, select

from digest.db.core.engine import reading
from digest.errors import SourceDown
from digest.models import Batch, Paper, PaperIdentifier, Reject, SourceDay
from digest.services.admin import source_listing
from digest.services.ingestion import catch_up, source_status
from digest.sources import pubmed, pubmed_search, request_turns
from tests.digest.sources.pubmed_server import (
    Answer,
    Article,
    Fault,
    PubmedServer,
    in_windows_1252,
    notice,
    without_closing,
)
from tests.forked_processes import ForkedProcess
from tests.patience import PATIENCE, wait_for

NOW = datetime(2026, 8, 7, 12, 0, tzinfo=UTC)
WEEK = [date(2026, 8, day) for day in range(1, 7)]
DAY, EMPTY_DAY = WEEK[-1], WEEK[2]
KEY = "0123456789abcdef"


@pytest.fixture
def server(database: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[PubmedServer]:
    articles = PubmedServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """The tests read `queries`."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body, headers = articles.answer(url.path, url.query)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    configured(
        PUBMED_URL=f"http://127.0.0.1:{http_server.server_address[1]}/entrez/eutils/",
        PUBMED_QUERY="neurons AND mice",
        SOURCES="pubmed",
        SOURCE_PATIENCE=5,
        ADMIN_EMAILS="root@digest.example",
    )
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("digest.sources.http.time.sleep", lambda _: None)
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    monkeypatch.setattr(pubmed, "PAGE_SIZE", 20)
    with time_machine.travel(NOW, tick=True):
        yield articles
    http_server.shutdown()
    http_server.server_close()


def stored() -> Counter[str]:
    """The stored PubMed ids."""
    with reading() as session:
        rows = session.exec(select(PaperIdentifier.identifier).where(PaperIdentifier.identifier.startswith("pmid:")))  # type: ignore[attr-defined]
        return Counter(rows.all())


def count_papers() -> int:
    with reading() as session:
        return len(session.exec(select(Paper.id)).all())


def marked_days() -> dict[date, bool]:
    with reading() as session:
        return {day.day: day.final for day in session.exec(select(SourceDay)).all()}


def week(per_day: int = 45) -> list[Article]:
    """A week of articles, every fifth without DOI, and a day without any."""
    days = [day for day in WEEK if day != EMPTY_DAY]
    return [
        Article(number + 100 * day.day, day, doi="" if number % 5 == 0 else None)
        for day in days
        for number in range(per_day)
    ]


def test_every_article_of_a_week_is_stored_once(server: PubmedServer) -> None:
    server.articles = week()
    first = catch_up.ingest("pubmed", first=WEEK[0], last=DAY).counts
    second = catch_up.ingest("pubmed", first=WEEK[0], last=DAY).counts

    assert (first.new, first.bad, second.new, second.updated) == (45 * 5, 0, 0, 0)
    assert stored() == Counter({f"pmid:{article.pmid}": 1 for article in server.articles})
    assert marked_days() == {day: day < DAY for day in WEEK}


def test_a_catch_up_killed_in_the_week_goes_on_and_stores_each_article_once(
    server: PubmedServer, configured: Callable[..., None]
) -> None:
    configured(PUBMED_API_KEY=KEY)
    server.articles = week()
    for requests in (6, 0):
        process = ForkedProcess("tests.digest.sources.fetcher_main", "pubmed", str(WEEK[0]), str(DAY))
        if requests:
            wait_for(lambda requests=requests: len(server.queries) >= requests)  # type: ignore[misc]
            process.kill()
        code = process.wait(PATIENCE)

    assert code == 0
    assert stored() == Counter({f"pmid:{article.pmid}": 1 for article in server.articles})
    assert (count_papers(), set(marked_days())) == (45 * 5, set(WEEK))


def too_large(body: bytes) -> Answer:
    """An answer that says that it has 2 GB."""
    return 200, body, {"Content-Length": str(2 * 1024**3)}


def with_entities(body: bytes) -> Answer:
    """Entities that only HTML defines, and a bare ampersand."""
    return 200, body.replace(b"We recorded", b"We &amp; others&nbsp;&eacute; & &bogus; recorded"), {}


FAULTS: dict[str, tuple[str, Fault]] = {
    "429 with Retry-After": ("efetch", lambda _: (429, b'{"error":"API rate limit exceeded"}', {"Retry-After": "1"})),
    "rate limit with 200": ("efetch", lambda _: (200, b'{"error":"API rate limit exceeded","count":"4"}', {})),
    "search over the rate with 200": ("esearch", lambda _: (200, b'{"error":"API rate limit exceeded"}', {})),
    "search failed with 200": ("esearch", lambda _: (200, b'{"esearchresult":{"ERROR":"Search Backend\nfailed"}}', {})),
    "cut page": ("efetch", lambda body: (200, without_closing(body), {})),
    "cut search": ("esearch", lambda body: (200, without_closing(body), {})),
    "HTML instead of XML": ("efetch", lambda _: (200, b"<!DOCTYPE html><html><title>Error</title></html>", {})),
    "HTML instead of JSON": ("esearch", lambda _: (200, b"<html><head></head></html>", {})),
    "empty body": ("efetch", lambda _: (200, b"", {})),
    "bad gateway": ("efetch", lambda _: (502, b"<html>502 Bad Gateway</html>", {})),
    "entities": ("efetch", with_entities),
    "another character set": ("efetch", lambda body: (200, in_windows_1252(body), {})),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_passing_fault_loses_no_article_and_doubles_none(server: PubmedServer, fault: str) -> None:
    server.articles = week()
    tool, bad_answer = FAULTS[fault]
    server.faults[tool] = [lambda body: (200, body, {}), bad_answer] * 4
    result = catch_up.ingest("pubmed", first=WEEK[0], last=DAY)

    assert (result.counts.new, result.counts.bad, result.outcome) == (45 * 5, 0, "")
    assert stored() == Counter({f"pmid:{article.pmid}": 1 for article in server.articles})


@pytest.mark.parametrize("fault", ["rate limit with 200", "HTML instead of XML", "empty body", "bad gateway"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lasting_fault_is_no_empty_day_and_what_came_before_is_kept(server: PubmedServer, fault: str) -> None:
    server.articles = week()
    server.faults["efetch"] = [lambda body: (200, body, {}), *[FAULTS[fault][1]] * 5]
    with pytest.raises(SourceDown):
        catch_up.ingest("pubmed", first=DAY, last=DAY)

    assert (len(stored()), marked_days()) == (20, {})
    assert source_status.source_statuses()[0].state == "down"
    assert catch_up.ingest("pubmed", first=DAY, last=DAY).counts.new == 25
    assert list(marked_days()) == [DAY]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_search_that_the_server_forgot_is_repeated(server: PubmedServer) -> None:
    def forget(body: bytes) -> Answer:
        server.forget()
        return 200, body, {}

    server.articles = week()
    server.faults["efetch"] = [forget]
    result = catch_up.ingest("pubmed", first=DAY, last=DAY)

    assert (result.counts.new, result.outcome) == (45, "")
    assert [query[""] for query in server.queries].count("esearch") == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_server_that_repeats_a_page_is_reported(server: PubmedServer) -> None:
    server.articles = week()
    server.ignores_offset = True
    with pytest.raises(SourceDown, match="repeats a page"):
        catch_up.ingest("pubmed", first=DAY, last=DAY)

    assert (len(stored()), marked_days()) == (20, {})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_fewer_articles_than_results_leave_a_recent_day_open_and_an_old_one_is_closed(server: PubmedServer) -> None:
    server.articles = week()
    server.missing = 7
    recent = catch_up.ingest("pubmed", first=DAY, last=DAY)
    old = catch_up.ingest("pubmed", first=WEEK[0], last=WEEK[0])

    assert (recent.outcome, recent.detail) == ("partial", f"38 of 45 articles of {DAY} arrived")
    assert (old.outcome, marked_days()) == ("", {WEEK[0]: True})


@pytest.mark.parametrize("tool", ["esearch", "efetch"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_body_of_two_gigabytes_is_refused_before_it_is_read(server: PubmedServer, tool: str) -> None:
    server.articles = week()
    server.faults[tool] = [too_large]
    with pytest.raises(SourceDown, match="over the limit"):
        catch_up.ingest("pubmed", first=DAY, last=DAY)

    assert (len(stored()), marked_days()) == (0, {})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_over_the_limit_of_a_search_is_split(server: PubmedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubmed_search, "MAX_RESULTS", 30)
    server.articles = [
        Article(n, DAY, abstract="" if n % 2 else "<AbstractText>Mice.</AbstractText>") for n in range(1, 51)
    ]
    counts = catch_up.ingest("pubmed", first=DAY, last=DAY).counts

    assert (counts.new, len(stored())) == (50, 50)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_that_no_split_makes_small_enough_is_an_error(
    server: PubmedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubmed_search, "MAX_RESULTS", 30)
    server.articles = [Article(n, DAY) for n in range(1, 51)]
    with pytest.raises(SourceDown, match="narrow DIGEST_PUBMED_QUERY"):
        catch_up.ingest("pubmed", first=DAY, last=DAY)

    assert marked_days() == {}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_query_journals_key_and_contact_are_sent(server: PubmedServer, configured: Callable[..., None]) -> None:
    configured(PUBMED_JOURNALS="Nature, J Neurosci", PUBMED_API_KEY=KEY)
    server.articles = week()
    catch_up.ingest("pubmed", first=DAY, last=DAY)
    search, page = server.queries[:2]

    assert search["term"] == '((neurons AND mice) OR "Nature"[ta] OR "J Neurosci"[ta])'
    assert (search["datetype"], search["mindate"], search["maxdate"]) == ("edat", "2026/08/06", "2026/08/06")
    for query in (search, page):
        assert (query["tool"], query["email"], query["api_key"]) == ("papers-inbox", "root@digest.example", KEY)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_without_query_and_journals_nothing_is_fetched_and_the_state_says_why(
    server: PubmedServer, configured: Callable[..., None]
) -> None:
    configured(PUBMED_QUERY=" ", PUBMED_JOURNALS="")
    with pytest.raises(SourceDown, match="set DIGEST_PUBMED_QUERY or DIGEST_PUBMED_JOURNALS"):
        catch_up.ingest("pubmed", first=DAY, last=DAY)

    assert server.queries == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_query_with_an_unknown_field_is_refused(server: PubmedServer) -> None:
    body = b'{"esearchresult":{"count":"0","errorlist":{"phrasesnotfound":[],"fieldsnotfound":["titel"]}}}'
    server.faults["esearch"] = [lambda _: (200, body, {})]
    with pytest.raises(SourceDown, match="unknown fields: titel"):
        catch_up.ingest("pubmed", first=DAY, last=DAY)


def test_a_retraction_marks_the_stored_paper_and_adds_none(server: PubmedServer) -> None:
    server.articles = [Article(1, DAY), Article(2, DAY, doi="")]
    catch_up.ingest("pubmed", first=DAY, last=DAY)
    server.articles += [
        notice(3, DAY, "RetractionOf", "Retraction of Publication", about=1, doi="10.5555/ex.1"),
        notice(4, DAY, "RetractionOf", "Retraction of Publication", about=99, doi="10.5555/ex.99"),
    ]
    server.articles[1].types = ("Retracted Publication",)
    server.articles[1].changed = NOW.date()
    catch_up.ingest("pubmed", first=DAY)

    with reading() as session:
        withdrawn = session.exec(select(Paper.withdrawn)).all()
        reasons = set(session.exec(select(Reject.reason)).all())
    assert list(withdrawn) == [True, True]
    assert reasons == {"a retraction notice, no paper"}


def test_a_refused_item_is_one_reject_however_often_its_day_is_fetched(server: PubmedServer) -> None:
    server.articles = [
        Article(1, DAY, types=("Editorial",)),
        Article(2, DAY, types=("News",)),
        Article(3, DAY, title=" ", doi=""),
        Article(4, DAY),
    ]
    refused = [catch_up.ingest("pubmed", first=DAY, last=DAY).counts.bad for _ in range(3)]
    server.articles.insert(0, Article(5, DAY, types=("Interview",)))  # the others' positions change
    catch_up.ingest("pubmed", first=DAY, last=DAY)

    with reading() as session:
        rejects = session.exec(select(Reject).order_by(col(Reject.excerpt))).all()
        batches = session.exec(select(Batch.new, Batch.bad)).all()
    assert refused == [3, 3, 3]
    assert [(row.excerpt, row.times_seen) for row in rejects] == [
        ("PMID 1", 4),
        ("PMID 2", 4),
        ("PMID 3", 4),
        ("PMID 5", 1),
    ]
    assert sorted(batches) == [(0, 1), (1, 3)]
    assert [row.rejects for row in source_listing.source_rows() if row.name == "pubmed"] == [4]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_preprint_stored_before_and_its_article_are_one_paper(server: PubmedServer) -> None:
    preprint = "10.1101/2026.01.02.000003"
    update = (
        '<CommentsCorrectionsList><CommentsCorrections RefType="UpdateOf"><RefSource>bioRxiv. 2026 Jan 5. doi: '
        f'{preprint}.</RefSource><PMID Version="1">1</PMID></CommentsCorrections></CommentsCorrectionsList>'
    )
    server.articles = [
        Article(1, WEEK[0], doi=preprint, types=("Preprint",), title="Neurons of mice fire in bursts"),
        Article(2, DAY, extra=update, title="Bursts of firing in cortical neurons"),
    ]
    catch_up.ingest("pubmed", first=WEEK[0], last=DAY)

    assert (count_papers(), len(stored())) == (1, 2)

"""bioRxiv and medRxiv, against a local server that speaks their API with its faults."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlmodel import col, select

from digest.db.core.engine import reading
from digest.errors import BadInput, SourceDown
from digest.models import Paper, PaperVersion, Reject, SourceDay
from digest.services.ingestion import catch_up, fetch_schedule, source_status
from digest.sources import biorxiv, request_turns

NOW = datetime(2026, 8, 7, 12, 0, tzinfo=UTC)
WEEK = [date(2026, 8, day) for day in range(1, 7)]
DAY = WEEK[-1]
SHARED_SAMPLES = Path("data/sources/biorxiv")
Row = dict[str, object]
Answer = tuple[int, bytes, dict[str, str]]


def row(number: int, day: date, *, version: int = 1, server: str = "bioRxiv", **fields: object) -> Row:
    prefix = "10.1101" if number % 2 else "10.64898"
    doi = f"{prefix}/{day:%Y.%m.%d}.{number:06}"
    title = f"Firing rates of neuron {number} on day {day.day}"
    common = {"doi": doi, "title": title, "authors": "Byron, A.; Noether, E.", "abstract": "We recorded neurons."}
    return {**common, "date": str(day), "version": str(version), "server": server, "published": "NA", **fields}


class PreprintServer:
    """Answers `details` and `pubs`. `faults` are used up first, one an answer, and given the good answer."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.journals: list[Row] = []
        self.page_size = 30
        self.extra_total = 0
        self.ignores_cursor = False
        self.faults: list[Callable[[bytes], Answer]] = []
        self.paths: list[str] = []

    def answer(self, path: str) -> Answer:
        self.paths.append(path)
        kind, server, first, last, cursor = path.strip("/").split("/")[:5]
        if kind == "pubs":
            rows, size, nothing = self.journals, 100, "no articles found for published version of "
        else:
            size, nothing = self.page_size, "no posts found"
            rows = [r for r in self.rows if first <= str(r["date"]) <= last and str(r["server"]).lower() == server]
        offset = 0 if self.ignores_cursor else int(cursor)
        page = rows[offset : offset + size]
        message: dict[str, object] = {"status": "ok", "cursor": offset, "count": len(page)}
        message["total"] = str(len(rows) + self.extra_total)
        body = json.dumps({"messages": [message if page else {"status": nothing}], "collection": page}).encode()
        return self.faults.pop(0)(body) if self.faults else (200, body, {})


@pytest.fixture
def server(database: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[PreprintServer]:
    preprints = PreprintServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """The tests read `paths`."""

        def do_GET(self) -> None:
            status, body, headers = preprints.answer(urlsplit(self.path).path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    configured(BIORXIV_URL=f"http://127.0.0.1:{http_server.server_address[1]}/", SOURCES="biorxiv", SOURCE_PATIENCE=5)
    monkeypatch.setattr("digest.sources.http.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(request_turns, "_wait", lambda *_: None)
    with time_machine.travel(NOW, tick=True):
        yield preprints
    http_server.shutdown()
    http_server.server_close()


def stored() -> Counter[str]:
    with reading() as session:
        return Counter(str(doi) for doi in session.exec(select(Paper.doi)).all())


def marked_days() -> dict[date, bool]:
    with reading() as session:
        return {day.day: day.final for day in session.exec(select(SourceDay)).all()}


@pytest.mark.parametrize("page_size", [30, 100, 7])
def test_every_preprint_of_a_week_is_stored_once_whatever_the_page_size(server: PreprintServer, page_size: int) -> None:
    server.page_size = page_size
    server.rows = [row(number, day) for day in WEEK for number in range(61)]
    first = catch_up.ingest("biorxiv", first=WEEK[0], last=DAY).counts
    second = catch_up.ingest("biorxiv", first=WEEK[0], last=DAY).counts

    assert (first.new, second.new, second.updated) == (61 * len(WEEK), 0, 0)
    assert stored() == Counter({str(r["doi"]): 1 for r in server.rows})
    assert marked_days() == {day: day < DAY for day in WEEK}  # preprints of yesterday may still appear


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_only_a_first_version_is_new_and_a_later_one_revises_its_paper(server: PreprintServer) -> None:
    server.rows = [row(1, DAY), row(1, DAY, version=2, title="A revised title"), row(2, DAY, version=3)]
    catch_up.ingest("biorxiv", first=DAY)

    with reading() as session:
        papers = {p.doi: p for p in session.exec(select(Paper)).all()}
        titles = session.exec(select(PaperVersion.title).order_by(col(PaperVersion.id))).all()
    announced = [papers[str(server.rows[i]["doi"])].announcement_id is not None for i in (0, 2)]
    assert announced == [True, False]
    assert "A revised title" in titles


FAULTS: dict[str, Callable[[bytes], Answer]] = {
    "empty body": lambda _: (200, b"", {}),
    "free text": lambda _: (200, b'{"messages":[{"status":"error: interval not recognized"}],"collection":[]}', {}),
    "web page": lambda _: (200, b"<!DOCTYPE html><html><title>Just a moment...</title></html>", {}),
    "other object": lambda _: (200, b'{"detail": "try again"}', {}),
    "truncated": lambda body: (200, body[: len(body) // 2], {}),
    "busy": lambda _: (429, b"slow down", {"Retry-After": "1"}),
    "down": lambda _: (503, b"", {}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_passing_fault_loses_no_preprint(server: PreprintServer, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.sources.http.time.sleep", lambda _: None)
    server.rows = [row(number, DAY) for number in range(45)]
    server.faults = [lambda body: (200, body, {}), FAULTS[fault]]
    result = catch_up.ingest("biorxiv", first=DAY, last=DAY)

    assert (result.counts.new, result.counts.bad, result.outcome) == (45, 0, "")


@pytest.mark.parametrize("fault", ["empty body", "free text", "web page", "down"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_lasting_fault_is_no_empty_day(server: PreprintServer, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.sources.http.time.sleep", lambda _: None)
    server.rows = [row(number, DAY) for number in range(45)]
    server.faults = [lambda body: (200, body, {}), *[FAULTS[fault]] * 5]
    with pytest.raises(SourceDown):
        catch_up.ingest("biorxiv", first=DAY, last=DAY)

    assert (len(stored()), marked_days()) == (30, {})
    assert source_status.source_statuses()[0].state == "down"
    assert catch_up.ingest("biorxiv", first=DAY, last=DAY).counts.new == 15
    assert list(marked_days()) == [DAY]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_day_without_preprints_is_complete(server: PreprintServer) -> None:
    assert catch_up.ingest("biorxiv", first=WEEK[0], last=WEEK[0]).outcome == ""
    assert marked_days() == {WEEK[0]: True}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_server_that_ignores_the_cursor_is_reported(server: PreprintServer) -> None:
    server.rows = [row(number, DAY) for number in range(45)]
    server.ignores_cursor = True
    with pytest.raises(SourceDown, match="repeats a page"):
        catch_up.ingest("biorxiv", first=DAY, last=DAY)

    assert (len(stored()), marked_days()) == (30, {})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_fewer_rows_than_promised_leave_a_recent_day_open_and_an_old_one_is_closed(server: PreprintServer) -> None:
    server.rows = [row(1, DAY), row(2, WEEK[0])]
    server.extra_total = 3
    recent = catch_up.ingest("biorxiv", first=DAY, last=DAY)
    old = catch_up.ingest("biorxiv", first=WEEK[0], last=WEEK[0])

    assert (recent.outcome, recent.detail) == ("partial", f"1 of 4 versions of {DAY} arrived")
    assert old.outcome == ""
    assert marked_days() == {WEEK[0]: True}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_incomplete_day_shows_although_later_fetches_succeed(server: PreprintServer) -> None:
    server.rows = [row(1, DAY)]
    server.extra_total = 3
    catch_up.ingest("biorxiv", first=DAY)  # then the day of NOW and the journals

    assert source_status.source_statuses()[0].state == "partial"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_medrxiv_is_a_source_of_its_own_on_the_same_host(server: PreprintServer) -> None:
    server.rows = [row(1, DAY), row(2, DAY, server="medRxiv")]
    counts = catch_up.ingest("medrxiv", first=DAY, last=DAY).counts

    assert (counts.source, counts.new) == ("medrxiv", 1)
    assert list(stored()) == [str(server.rows[1]["doi"])]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_published_preprint_gets_its_journal_and_unknown_ones_add_no_paper(server: PreprintServer) -> None:
    server.rows = [row(1, DAY)]
    journal = {"published_doi": "10.1091/x", "published_journal": "Journal of Cells &amp; Tissues"}
    server.journals = [
        {"preprint_doi": str(server.rows[0]["doi"]).upper(), **journal},
        {"preprint_doi": "10.1101/000001", **journal},
    ]
    catch_up.ingest("biorxiv", first=DAY)

    with reading() as session:
        details = [v.detail for v in session.exec(select(PaperVersion).order_by(col(PaperVersion.id))).all()]
    assert len(stored()) == 1
    assert details[-1]["venue"] == "Journal of Cells & Tissues"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_malformed_row_is_refused_by_its_field_and_the_others_are_stored(server: PreprintServer) -> None:
    malformed_rows: list[Row] = [
        row(2, DAY, doi="doi:2"),
        row(3, DAY, title=" "),
        row(4, DAY, version="two"),
        row(5, DAY, date="yesterday"),
        row(6, DAY, abstract=["text"]),
    ]
    pages = json.dumps(
        {"messages": [{"status": "ok", "total": "7"}], "collection": [row(1, DAY), *malformed_rows, None]}
    )
    server.faults = [lambda _: (200, pages.encode(), {})] * 2
    server.rows = [row(1, DAY)]
    catch_up.ingest("biorxiv", first=DAY, last=DAY)
    counts = catch_up.ingest("biorxiv", first=DAY, last=DAY).counts

    with reading() as session:
        reasons = session.exec(select(Reject.reason).order_by(col(Reject.position))).all()
    assert (counts.new, counts.unchanged, counts.bad) == (0, 1, 6)
    assert len(reasons) == 6
    assert [reason.partition(":")[0] for reason in reasons[:5]] == ["doi", "title", "version", "date", "abstract"]


@pytest.mark.parametrize(
    ("flattened", "plain"),
    [
        ("O_SCPLOWABSTRACTC_SCPLOWO_ST_ABSAimC_ST_ABSWe measured.", "Aim We measured."),
        ("O_LIFirst pointC_LIO_LISecondC_LI", "First point Second"),
        ("10{superscript 3} at 37{degrees}C, {beta} and {Delta}", "10^3 at 37°C, β and Δ"),
        ("{unheardof} {O}", "{unheardof} {O}"),
        ("p &lt; 0.05 in <i>Mus</i>", "p < 0.05 in Mus"),
        ("Text. O_FIG O_LINKSMALLFIG WIDTH=200 C_FIG End.", "Text. End."),
        ("AO_SCPCAPBSTRACTC_SCPCAP An essential step.", "An essential step."),
        ("Abstract painting and abstraction", "Abstract painting and abstraction"),
        (
            "It is unclear.nnResultsHere, we ask.nnConclusionsIt is.",
            "It is unclear. Results: Here, we ask. Conclusions: It is.",
        ),
        ("It is known.nC_LIO_LIWe show it.", "It is known. We show it."),
        (
            "Currents of 0.5 nA.nThey rise.nnOne sentence summaryGood.",
            "Currents of 0.5 nA. They rise. One sentence summary: Good.",
        ),
        ("We use 3.nm and e.g.nodes.", "We use 3.nm and e.g.nodes."),
    ],
)
def test_abstracts_lose_the_remains_of_their_markup(flattened: str, plain: str) -> None:
    body = json.dumps({"messages": [{"status": "ok"}], "collection": [row(1, DAY, abstract=flattened)]})

    assert biorxiv.parse(body.encode()).parsed.papers[0].record.abstract == plain


def test_saved_samples_are_parsed_or_refused_with_a_reason(shared: Path) -> None:
    papers: dict[str, int] = {}
    for file in sorted((shared / SHARED_SAMPLES).iterdir()):
        try:
            papers[file.name] = len(biorxiv.parse(file.read_bytes()).parsed.papers)
        except (BadInput, SourceDown):
            papers[file.name] = -1

    assert papers["details_page_0_full.json"] == 30
    assert papers["details_page_30_last_odd.json"] == 17
    assert {name for name, count in papers.items() if count < 0} == {
        "cloudflare_403.html",
        "details_empty_body_200.txt",
        "error_interval.json",
    }


def test_six_hours_after_an_attempt_a_preprint_server_is_due_again(server: PreprintServer) -> None:
    catch_up.ingest("biorxiv", first=DAY)

    assert fetch_schedule.due_sources(NOW + timedelta(hours=5)) == []
    assert fetch_schedule.due_sources(NOW + timedelta(hours=7)) == ["biorxiv"]

"""Lines about papers from an own endpoint: stored once, checked, bounded; its faults delay nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import source_days
from digest.db.papers import summaries as store
from digest.models import Paper, PaperSummary
from digest.papers import ListedPaper, ParsedDocument, Record, Summary
from digest.services.admin import doctor
from digest.services.ingestion import summarize_papers
from digest.services.ingestion.import_document import store_document
from digest.sources import http, registry, summary_endpoint
from tests.chat_server import ChatServer, Reply, chat_server, completion
from tests.combinations import MAINLY_SQLITE

DAY = date(2025, 9, 30)
NOW = datetime(2025, 9, 30, 6, 0, tzinfo=UTC)
LINE = "The authors show that 40 robots learn to walk in 2.5 hours."


@pytest.fixture(autouse=True)
def at_a_known_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.01)


@pytest.fixture
def chat(database: str, configured: Callable[..., None]) -> Iterator[ChatServer]:
    """The endpoint, configured, for three papers; it answers well."""
    with chat_server(lambda _title: completion(LINE)) as server:
        configured(SUMMARY_URL=server.url, SUMMARY_MODEL="small-model", SUMMARY_KEY="secret")
        put_papers(3)
        yield server


def put_papers(number: int, *, first: int = 0, day: date = DAY, summary: str = "") -> None:
    listed = [
        ListedPaper(
            Record(
                f"Walking robots of the kind {place}",
                "We let 40 robots learn to walk. They walk after 2.50 hours.",
                (f"Author Number{place}",),
                arxiv_id=f"2509.{place:05}",
            ),
            announce_type="new",
            summary=summary,
        )
        for place in range(first, first + number)
    ]
    source = "huggingface" if summary else "arxiv-rss"
    store_document(source, f"{day} {first}", ParsedDocument(tuple(listed), ()), day=day)


def stored() -> dict[str, str]:
    """The stored lines by the paper's arXiv id."""
    with reading() as session:
        rows = session.exec(select(Paper.arxiv_id, PaperSummary.text).where(Paper.id == PaperSummary.paper_id))
        return {str(arxiv_id): text for arxiv_id, text in rows}


def stored_summaries() -> list[Summary]:
    """The first paper's summaries, as mails show them."""
    with reading() as session:
        paper = session.exec(select(Paper.id).where(Paper.arxiv_id == "2509.00000")).one()
        return store.summaries_of(session, [paper or 0], registry.summary_origins()).get(paper or 0, [])


def failure() -> str:
    """What the last attempt failed with, '' for a success or none."""
    with reading() as session:
        state = source_days.source_state(session, summarize_papers.STATE)
        return state.detail if state else ""


def summarize(seconds: float = 60) -> summarize_papers.SummaryPass:
    return summarize_papers.summarize_papers(seconds=seconds)


def test_each_new_paper_gets_one_line_with_its_origin(chat: ChatServer) -> None:
    assert summarize().stored == 3
    assert [(summary.origin, summary.text) for summary in stored_summaries()] == [("small-model", LINE)]


def test_a_paper_is_asked_about_once(chat: ChatServer) -> None:
    summarize()
    assert summarize().stored == 0
    assert sorted(chat.titles) == [f"Walking robots of the kind {place}" for place in range(3)]


def test_a_request_is_a_chat_completion_with_the_key(chat: ChatServer) -> None:
    summarize()

    assert set(chat.paths) == {"/v1/chat/completions"}
    assert set(chat.keys) == {"Bearer secret"}
    assert chat.bodies[0]["model"] == "small-model"
    assert "We let 40 robots learn to walk." in chat.bodies[0]["messages"][-1]["content"]


def test_a_paper_with_a_line_of_a_source_is_not_asked_about(chat: ChatServer) -> None:
    put_papers(1, first=9, summary="A source's line about robots.")
    summarize()

    assert "Walking robots of the kind 9" not in chat.titles


def test_a_source_s_line_is_shown_before_ours(chat: ChatServer) -> None:
    summarize()
    put_papers(1, summary="A source's line about robots.")

    assert [summary.origin for summary in stored_summaries()] == ["Hugging Face", "small-model"]


def test_papers_of_older_announcements_are_left_alone(chat: ChatServer) -> None:
    for days in (1, 2, 3):
        put_papers(1, first=10 * days, day=DAY - timedelta(days=days))
    summarize()

    assert "Walking robots of the kind 10" in chat.titles
    assert "Walking robots of the kind 30" not in chat.titles


def test_nothing_is_asked_without_an_endpoint(chat: ChatServer, configured: Callable[..., None]) -> None:
    configured(SUMMARY_URL="")

    assert not summarize_papers.is_due()
    assert summarize().stored == 0
    assert not chat.bodies


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"oops"),
        Reply(503, b""),
        Reply(401, b'{"error": "wrong key"}'),
        Reply(200, b"<html><body>Welcome to the proxy</body></html>"),
        Reply(200, b'{"choices": []}'),
        Reply(200, b'{"choices": [{"message": {"content": [1]}}]}'),
        Reply(200, b"[" * 100_000),
        Reply(200, b'{"choices": "' + b"x" * 300_000 + b'"}'),
        Reply(200, b""),
        Reply(200, b'{"choices": [{"mess', {"Content-Length": "900"}),
    ],
    ids=["500", "503", "wrong key", "HTML", "no choice", "no text", "deep", "huge", "nothing", "cut off"],
)
def test_a_fault_of_the_endpoint_ends_the_pass_and_is_retried_later(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr(summary_endpoint, "REQUEST_SECONDS", 2.0)
    working = chat.answer
    chat.answer = lambda _title: reply

    assert summarize().stored == 0
    assert len(set(chat.titles)) == 1
    assert failure()
    assert not summarize_papers.is_due()

    chat.answer = working
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=16))
    assert summarize().stored == 3
    assert not failure()


def test_a_slow_endpoint_is_not_waited_for(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_endpoint, "REQUEST_SECONDS", 0.2)
    chat.answer = lambda _title: Reply(delay=3.0)

    assert summarize().stored == 0
    assert "in time" in failure()


def test_an_endpoint_that_asks_to_wait_is_left_alone_for_as_long(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.answer = lambda _title: Reply(429, b"", {"Retry-After": "7200"})
    summarize()

    assert len(chat.bodies) == 1
    for minutes, due in ((90, False), (121, True)):
        monkeypatch.setattr(clock, "now", lambda later=minutes: NOW + timedelta(minutes=later))
        assert summarize_papers.is_due() is due


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "Robots.",
        "The authors show that 50 robots learn to walk quickly.",
        "The authors show walking robots, see https://evil.example/now for more.",
        "The authors show walking robots, write to somebody@evil.example for more.",
        "<think>The authors show that robots learn to walk",
    ],
    ids=["empty", "null", "short", "wrong number", "link", "address", "unfinished thought"],
)
def test_a_useless_line_is_not_stored_and_the_paper_is_given_up(chat: ChatServer, text: str | None) -> None:
    finish = "length" if text and text.startswith("<think>") else "stop"
    chat.answer = lambda title: completion(text, finish) if title.endswith("kind 1") else completion(LINE)
    result = summarize()
    result_later = summarize()
    put_papers(1, first=5)
    summarize()

    assert result.stored + result_later.stored == 2
    assert stored()["2509.00000"] == stored()["2509.00005"] == LINE
    assert stored().get("2509.00001", "") == ""


def test_a_paper_that_is_always_refused_is_not_asked_about_at_each_pass(chat: ChatServer) -> None:
    chat.answer = lambda title: completion("") if title.endswith("kind 1") else completion(LINE)
    summarize()
    requests = len(chat.titles)
    summarize()
    summarize()

    assert len(chat.titles) == requests


def test_useless_answers_in_a_row_are_a_fault_of_the_endpoint(chat: ChatServer) -> None:
    put_papers(5, first=20)
    chat.answer = lambda _title: completion("")
    summarize()

    assert len(chat.bodies) == summarize_papers.MAX_REFUSED
    assert not stored()
    assert "useless answers" in failure()


def test_thoughts_and_quotation_marks_are_no_part_of_the_line(chat: ChatServer) -> None:
    chat.answer = lambda _title: completion(f'<think>\nThere are 99 ways.\n</think>\n\n"{LINE}"')
    summarize()

    assert [summary.text for summary in stored_summaries()] == [LINE]


def test_papers_a_day_are_bounded(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarize_papers, "MAX_A_DAY", 2)

    assert summarize().stored == 2
    assert summarize().stored == 0
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=25))
    assert summarize().stored == 1


def test_a_pass_ends_at_its_time_and_the_next_goes_on(chat: ChatServer) -> None:
    assert summarize(seconds=0).is_incomplete
    assert summarize().stored == 3


@MAINLY_SQLITE
@pytest.mark.parametrize("values", [{"SUMMARY_MODEL": ""}, {"SUMMARY_URL": "127.0.0.1:11434"}])
def test_the_doctor_names_a_setting_that_is_missing(
    chat: ChatServer, configured: Callable[..., None], values: dict[str, str]
) -> None:
    configured(**values)

    assert [finding.level for finding in doctor.run_checks() if finding.name == "summaries"] == [doctor.ERROR]
    assert not summarize_papers.is_due()


@MAINLY_SQLITE
def test_the_doctor_tells_the_last_result(chat: ChatServer) -> None:
    def finding() -> str:
        return next(f"{result.level} {result.text}" for result in doctor.run_checks() if result.name == "summaries")

    assert "not asked yet" in finding()
    chat.answer = lambda _title: Reply(500)
    summarize()
    assert "500" in finding()

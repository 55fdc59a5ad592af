"""A replay: what would have gone out, as runs would have sent it, with nothing stored."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlmodel import col, select

from digest.db.core.engine import reading
from digest.errors import BadInput
from digest.matching.profile import Profile, Topic
from digest.models import Edition
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.runs import build_editions, run_planning
from digest.services.runs import replay as replaying
from digest.services.runs.replay import replay
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_subscriber
from tests.digest.web.conftest import everything

MONDAY, FRIDAY = date(2025, 11, 17), date(2025, 11, 21)
GRAPHS = Profile(topics=(Topic("graph"),), close=False)


def paper(number: int, words: str) -> ListedPaper:
    record = Record(
        title=f"{words} number {number}",
        abstract=f"We study {words} in depth, and find {number} things.",
        authors=(f"Ada Byron{number}",),
        arxiv_id=f"2511.{number:05}",
        categories=("cs.LG",),
    )
    return ListedPaper(record, announce_type="new")


@pytest.fixture
def papers(service: str) -> None:
    """Two papers on graphs on Tuesday, one on Thursday, and some on whales."""
    with time_machine.travel(datetime(2025, 11, 22, 12, tzinfo=UTC)):
        for day, papers_of_day in {
            date(2025, 11, 18): (paper(1, "graph colouring"), paper(2, "graph minors"), paper(3, "whale songs")),
            date(2025, 11, 19): (paper(4, "whale migration"),),
            date(2025, 11, 20): (paper(5, "graph drawing"), paper(6, "whale diets")),
        }.items():
            store_document("test", f"{day}", ParsedDocument(papers=papers_of_day, announced=day))


@pytest.fixture
def ada(papers: None) -> int:
    return add_subscriber("ada@one.example", profile=GRAPHS)


def days(first: date = MONDAY, last: date = FRIDAY, only: int | None = None) -> list[tuple[int, int, int]]:
    """(day of the month, mails, papers) of each date with due subscribers."""
    return [
        (result.date.day, result.mails, result.papers)
        for result in replay(first, last, only=only)
        if result.mails or result.skipped
    ]


def test_each_paper_goes_out_on_its_day_and_once(ada: int) -> None:
    assert days() == [(17, 0, 0), (18, 1, 2), (19, 0, 0), (20, 1, 1), (21, 0, 0)]


@MAINLY_SQLITE
def test_a_replay_changes_nothing(ada: int) -> None:
    before = everything()
    days()

    assert everything() == before


def test_a_replay_returns_what_runs_would_send(ada: int) -> None:
    foreseen = [(day, papers) for day, mails, papers in days() if mails]
    for day in (date(2025, 11, n) for n in range(17, 22)):
        for run in run_planning.plan_day(day):
            build_editions.build_shard(run, 0)

    with reading() as session:
        frozen = [(row.day.day, row.papers) for row in session.exec(select(Edition).order_by(col(Edition.day)))]
    assert foreseen == frozen


@MAINLY_SQLITE
def test_subscribers_may_be_replayed_in_parts(ada: int, monkeypatch: pytest.MonkeyPatch) -> None:
    add_subscriber("bob@one.example", profile=GRAPHS)
    add_subscriber("cyd@one.example", profile=Profile(topics=(Topic("whale"),), close=False))
    all_days = days()
    monkeypatch.setattr(replaying, "SUBSCRIBERS_PER_PART", 1)

    assert days() == all_days == [(17, 0, 0), (18, 3, 5), (19, 1, 1), (20, 3, 3), (21, 0, 0)]


def test_one_subscriber_may_be_replayed_alone(ada: int) -> None:
    add_subscriber("bob@one.example", profile=GRAPHS)

    assert [mails for _, mails, _ in days(only=ada)] == [0, 1, 0, 1, 0]


def test_a_later_start_leaves_out_what_was_known_before(ada: int) -> None:
    assert days(first=date(2025, 11, 20)) == [(20, 1, 1), (21, 0, 0)]


@pytest.mark.parametrize(("first", "last"), [(FRIDAY, MONDAY), (date(2020, 1, 1), FRIDAY)])
def test_a_span_that_makes_no_sense_is_refused(service: str, first: date, last: date) -> None:
    with pytest.raises(BadInput, match="days"):
        replay(first, last)

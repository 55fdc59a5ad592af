"""The day on which papers are new: arXiv's calendar for arXiv, the day of their first sight for other sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from digest.db.core.engine import reading
from digest.errors import SourceDown
from digest.models import Batch, Paper
from digest.papers import AuthorId, ListedPaper, ParsedDocument, Record
from digest.services.ingestion import catch_up, source_status
from digest.sources import registry
from digest.sources.request_turns import Pacing
from digest.sources.source import CurrentFetch, DayMark, FetchedDocument, FetchResult, Source, each_file
from tests.combinations import MAINLY_SQLITE

NOW = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
WEEK = timedelta(days=7)


def fetch_day(day: date) -> FetchResult:
    parsed = ParsedDocument((ListedPaper(Record(f"Toys of {day}", doi=f"10.5555/{day}"), announce_type="new"),))
    return FetchResult((FetchedDocument(f"toys of {day}", parsed, current_on=day, mark=DayMark(day, 1)),))


TOY = Source(
    name="toy",
    parser=each_file(lambda data: ParsedDocument()),
    pacing=Pacing("toy"),
    settings=(),
    fetch_day=fetch_day,
    fresh_for=WEEK,
    outlet="Journal of Toys",
)


@pytest.fixture
def toy(database: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setitem(registry.SOURCES, "toy", TOY)
    configured(SOURCES="toy")
    with time_machine.travel(NOW, tick=False):
        yield TOY


def announced_on() -> dict[str, date]:
    """The announcement of each paper, by DOI."""
    with reading() as session:
        rows = session.exec(select(Paper.doi, Paper.announcement_id)).all()
    return {str(doi): date.fromordinal(announcement) for doi, announcement in rows if announcement}


@MAINLY_SQLITE
@pytest.mark.parametrize("age", [0, 1, 7])
def test_a_recent_paper_is_new_on_the_day_on_which_it_was_first_seen(toy: Source, age: int) -> None:
    day = TODAY - timedelta(days=age)

    catch_up.ingest("toy", first=day, last=day)

    assert announced_on() == {f"10.5555/{day}": TODAY}


def test_an_older_paper_joins_the_announcement_of_its_own_day(toy: Source) -> None:
    day = TODAY - timedelta(days=8)

    catch_up.ingest("toy", first=day, last=day)

    assert announced_on() == {f"10.5555/{day}": registry.ANNOUNCEMENTS.current(day)}


def test_a_source_that_is_new_here_brings_no_backlog(toy: Source) -> None:
    catch_up.ingest("toy")

    assert announced_on().keys() == {f"10.5555/{TODAY}"}


def test_after_an_outage_the_missed_days_are_fetched_and_those_of_the_last_week_are_new(toy: Source) -> None:
    catch_up.ingest("toy", first=TODAY - timedelta(days=20), last=TODAY - timedelta(days=20))

    catch_up.ingest("toy")

    announced = announced_on()
    assert len(announced) == 21
    assert sum(day == TODAY for day in announced.values()) == 8


def test_a_paper_seen_again_stays_new_on_the_day_of_its_first_sight(toy: Source) -> None:
    catch_up.ingest("toy", first=TODAY)
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        catch_up.ingest("toy", first=TODAY, last=TODAY)

    assert announced_on() == {f"10.5555/{TODAY}": TODAY}


def test_a_source_without_that_rule_keeps_the_days_of_its_documents(
    toy: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.SOURCES, "toy", replace(TOY, fresh_for=None))
    day = TODAY - timedelta(days=1)

    catch_up.ingest("toy", first=day, last=day)

    assert announced_on() == {f"10.5555/{day}": day}


def test_its_papers_carry_its_outlet_and_language(toy: Source) -> None:
    catch_up.ingest("toy", first=TODAY)

    with reading() as session:
        paper = session.exec(select(Paper)).one()
        batch = session.exec(select(Batch)).one()
    assert (paper.outlets, paper.language, batch.source) == ("journal-of-toys", "", "toy")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_value_that_the_database_refuses_is_recorded_as_a_failure_of_its_source(
    toy: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = ListedPaper(Record("Toys", doi="10.5555/toys"), author_ids=(AuthorId("Ada", "s" * 99, "1"),))
    document = FetchedDocument("toys", ParsedDocument((odd,)), current_on=TODAY)
    current = (CurrentFetch("toys", lambda: FetchResult((document,))),)
    monkeypatch.setitem(registry.SOURCES, "toy", replace(TOY, fetch_day=None, current=current))
    with pytest.raises(SourceDown, match="toys: the database refuses a value"):
        catch_up.ingest("toy")

    (status,) = source_status.source_statuses(NOW)
    assert (status.source, status.state) == ("toy", "down")

"""Late sources: runs wait or mention them, doctor and health report them; clean-up of old snapshots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.papers import source_days as store
from digest.models import Signal, Subscriber
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.queues import NoQueue
from digest.services.admin import doctor
from digest.services.ingestion import fetch_schedule, signal_cleanup, source_status
from digest.services.ingestion.import_document import store_document
from digest.services.runs import run_planning
from digest.sources import arxiv_calendar

MON, TUE = date(2025, 9, 29), date(2025, 9, 30)
SLOT = datetime(2025, 9, 30, 5, 0, tzinfo=UTC)  # an hour after Tuesday's feed

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def put_day(day: date, fetched_at: datetime, source: str = "arxiv-rss") -> None:
    with transaction() as session:
        store.store_day(session, source, day, at=fetched_at, papers=5, final=True)


@pytest.fixture
def subscriber(database: str) -> None:
    with transaction() as session:
        session.add(
            Subscriber(
                address="a@one.example", address_key="a@one.example", state="active", created_at=SLOT, next_due_at=SLOT
            )
        )


@pytest.mark.parametrize(("minutes", "planned"), [(0, 1), (29, 0), (31, 1)])
def test_a_run_waits_for_a_late_announcement_as_long_as_the_setting_says(
    subscriber: None, configured: Callable[..., None], minutes: int, planned: int
) -> None:
    configured(SOURCE_WAIT=30 if minutes else 0)
    put_day(MON, SLOT - timedelta(days=1))

    assert len(run_planning.plan_due(NoQueue(), now=SLOT + timedelta(minutes=minutes))) == planned


def test_a_run_goes_at_once_when_the_announcement_is_there(subscriber: None, configured: Callable[..., None]) -> None:
    configured(SOURCE_WAIT=600)
    put_day(TUE, SLOT - timedelta(minutes=30))

    assert len(run_planning.plan_due(NoQueue(), now=SLOT)) == 1


def test_a_mail_without_the_announcement_says_so(database: str) -> None:
    put_day(MON, SLOT - timedelta(days=1))
    with reading() as session:
        line = source_status.missing_announcement_notice(session, SLOT, SLOT)

    assert line == "arXiv's announcement of 30 September had not arrived when this was made. Its papers come next time."


def test_no_notice_on_a_day_without_announcement(database: str) -> None:
    put_day(date(2025, 10, 3), SLOT)
    sunday = datetime(2025, 10, 5, 12, tzinfo=UTC)
    with reading() as session:
        assert source_status.missing_announcement_notice(session, sunday, sunday) == ""


def test_no_notice_where_arxiv_is_not_fetched(database: str) -> None:
    with reading() as session:
        assert source_status.missing_announcement_notice(session, SLOT, SLOT) == ""


def test_a_run_knows_only_the_days_stored_by_its_time(database: str) -> None:
    put_day(MON, SLOT - timedelta(days=1))
    put_day(TUE, SLOT + timedelta(hours=5))
    with reading() as session:
        assert source_status.missing_announcement(session, SLOT, SLOT) == TUE
        assert source_status.missing_announcement(session, SLOT, SLOT + timedelta(hours=6)) is None


def test_the_doctor_names_each_source_its_state_and_the_cure(database: str, configured: Callable[..., None]) -> None:
    configured(SOURCES="arxiv-rss,huggingface")
    with transaction() as session:
        store.store_source_state(session, "arxiv-rss", at=clock.now(), outcome="down", detail="no route", retry_at=None)
    findings = [f for f in doctor.run_checks() if f.name == "sources" and ":" in f.text]

    assert [f.text.split(";")[0] for f in findings] == ["arxiv-rss: down (no route)", "huggingface: never fetched"]
    assert all(f.level == doctor.WARNING and f.cure for f in findings)


def test_retries_of_a_failing_source_back_off(database: str, configured: Callable[..., None]) -> None:
    configured(SOURCES="arxiv-rss")
    waits = []
    for _ in range(6):
        with transaction() as session:
            store.store_source_state(session, "arxiv-rss", at=SLOT, outcome="down", detail="", retry_at=None)
        waits.append(next(m for m in range(0, 200, 5) if fetch_schedule.due_sources(SLOT + timedelta(minutes=m))))

    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_fetched_feed_is_due_again_at_the_next_midnight_in_new_york(
    database: str, configured: Callable[..., None]
) -> None:
    configured(SOURCES="arxiv-rss")
    friday = datetime(2025, 10, 3, 4, 6, tzinfo=UTC)
    with transaction() as session:
        store.store_source_state(session, "arxiv-rss", at=friday, outcome="", detail="", retry_at=None)
    monday = arxiv_calendar.feed_at(date(2025, 10, 6))

    assert fetch_schedule.due_sources(monday) == []
    assert fetch_schedule.due_sources(monday + timedelta(minutes=5)) == ["arxiv-rss"]


# --- old snapshots


def take(session: Session, taken_at: datetime, value: float, name: str = "upvotes") -> None:
    session.add(Signal(paper_id=1, source="huggingface", name=name, taken_at=taken_at, value=value))


def values(name: str = "upvotes") -> list[float]:
    with reading() as session:
        snapshots_left = session.exec(select(Signal).where(Signal.name == name)).all()
    return [
        snapshot_row.value for snapshot_row in sorted(snapshots_left, key=lambda snapshot_row: snapshot_row.taken_at)
    ]


@pytest.fixture
def paper(database: str) -> None:
    parsed = ParsedDocument((ListedPaper(Record("A title of some words", arxiv_id="2509.00001")),), announced=MON)
    store_document("jsonl", "one", parsed)


def test_of_old_snapshots_first_last_and_each_days_best_stay(paper: None) -> None:
    first = datetime(2025, 9, 1, tzinfo=UTC)
    with transaction() as session:
        for hour, value in enumerate((3, 1, 9, 4, 5)):
            take(session, first + timedelta(hours=hour), value)
            take(session, first + timedelta(hours=hour), value, "rank")
        for hour, value in enumerate((6, 8, 7)):
            take(session, first + timedelta(days=1, hours=hour), value)
    removed = signal_cleanup.thin_out_snapshots(first + timedelta(days=40))

    assert values() == [3, 9, 8, 7]
    assert values("rank") == [3, 1, 5]
    assert removed == 4 + 2
    assert signal_cleanup.thin_out_snapshots(first + timedelta(days=40)) == 0


def test_recent_snapshots_all_stay(paper: None) -> None:
    now = datetime(2025, 9, 20, tzinfo=UTC)
    with transaction() as session:
        for hour in range(10):
            take(session, now - timedelta(hours=hour), hour)

    assert signal_cleanup.thin_out_snapshots(now) == 0

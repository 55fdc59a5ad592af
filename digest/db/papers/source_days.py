"""The stored days of each source, and the result of its last attempt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.models import Paper, Signal, SourceDay, SourceState


def stored_days(
    session: Session, sources: Iterable[str], first_day: date, last_day: date, *, stored_by: datetime | None = None
) -> dict[date, bool]:
    """Days that any of these sources has stored (`stored_by`: until then), each with whether one of them is final."""
    statement = select(col(SourceDay.day), col(SourceDay.final)).where(
        col(SourceDay.source).in_(list(sources)), col(SourceDay.day).between(first_day, last_day)
    )
    if stored_by is not None:
        statement = statement.where(col(SourceDay.stored_at) <= stored_by)
    is_final_by_day: dict[date, bool] = {}
    for day, final in session.execute(statement):
        is_final_by_day[day] = is_final_by_day.get(day, False) or final
    return is_final_by_day


def oldest_day(session: Session, sources: Iterable[str], since: date) -> date | None:
    """The oldest day since `since` that any of these sources has stored."""
    statement = select(func.min(col(SourceDay.day))).where(
        col(SourceDay.source).in_(list(sources)), col(SourceDay.day) >= since
    )
    oldest: date | None = session.execute(statement).scalar_one()
    return oldest


def store_day(session: Session, source: str, day: date, *, at: datetime, papers: int, final: bool) -> None:
    """Record that a day of the source is stored. Call it in the transaction that stores the day."""
    row = session.get(SourceDay, (source, day))
    if row is None:
        session.add(SourceDay(source=source, day=day, stored_at=at, papers=papers, final=final))
    else:
        row.stored_at, row.papers, row.final = at, max(papers, row.papers), row.final or final


def source_state(session: Session, source: str) -> SourceState | None:
    """The result of the last attempt, None where there was none."""
    return session.get(SourceState, source)


def source_states(session: Session) -> dict[str, SourceState]:
    """The result of the last attempt by source."""
    return {row.source: row for row in session.execute(select(SourceState)).scalars()}


def store_source_state(
    session: Session, source: str, *, at: datetime, outcome: str, detail: str, retry_at: datetime | None
) -> None:
    """Record an attempt. Failures are counted until one succeeds."""
    row = session.get(SourceState, source) or SourceState(source=source, attempted_at=at)
    row.attempted_at, row.outcome, row.detail, row.retry_at = at, outcome, detail[:300], retry_at
    row.failures = row.failures + 1 if outcome else 0
    if outcome != "down":
        row.succeeded_at = at
    session.add(row)


def announcements_by_arxiv_id(session: Session, arxiv_ids: Sequence[str]) -> dict[str, tuple[int | None, str | None]]:
    """The announcement (None: in none) and announce type of those of these papers that are stored."""
    announcements: dict[str, tuple[int | None, str | None]] = {}
    for start in range(0, len(arxiv_ids), 500):
        statement = select(col(Paper.arxiv_id), col(Paper.announcement_id), col(Paper.announce_type)).where(
            col(Paper.arxiv_id).in_(arxiv_ids[start : start + 500])
        )
        announcements |= {
            str(arxiv_id): (announcement_id, announce_type)
            for arxiv_id, announcement_id, announce_type in session.execute(statement)
        }
    return announcements


def papers_without_count(
    session: Session, source: str, name: str, *, since_announcement: int, taken_after: datetime, limit: int
) -> Collection[str]:
    """ArXiv ids of papers announced since then without a newer snapshot of that counter.

    In random order, because papers that the source does not know would otherwise block the others for ever.
    """
    counted = select(col(Signal.paper_id)).where(
        col(Signal.source) == source, col(Signal.name) == name, col(Signal.taken_at) > taken_after
    )
    statement = (
        select(col(Paper.arxiv_id))
        .where(
            col(Paper.announcement_id) >= since_announcement,
            col(Paper.arxiv_id).is_not(None),
            col(Paper.id).not_in(counted),
        )
        .order_by(func.random())
        .limit(limit)
    )
    return [str(arxiv_id) for arxiv_id in session.execute(statement).scalars()]

"""Counters of rate limits. One statement checks and counts an attempt, so concurrent attempts cannot exceed a limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, delete, select

from digest.models import RateLimitCounter

# A counter that is further ahead began while a clock was wrong, and is over; clocks of two machines may differ by less.
MAX_CLOCK_SKEW = timedelta(minutes=5)


def count_in_window(session: Session, action: str, key: str, *, limit: int, window: timedelta, now: datetime) -> int:
    """Count one attempt where fewer than `limit` were counted in the window, which begins with the first attempt.

    Returns its number within the window, or 0 where it is refused; a refused attempt is not counted.
    """
    if limit < 1:
        return 0
    started_at = col(RateLimitCounter.started_at)
    window_over = or_(started_at <= now - window, started_at > now + MAX_CLOCK_SKEW)
    return _upsert(session, action, key, restart=window_over, allowed=col(RateLimitCounter.count) < limit, now=now)


def count_with_backoff(
    session: Session, action: str, key: str, *, gaps: Sequence[timedelta], forget_after: timedelta, now: datetime
) -> int:
    """Count one attempt where the last one is old enough: `gaps[n-1]` after the n-th, the last gap after later ones.

    After `forget_after` without an allowed attempt the count restarts. Returns the attempt's number, 0 if refused.
    """
    count, last_at = col(RateLimitCounter.count), col(RateLimitCounter.last_at)
    gap_over = [and_(count == number, last_at <= now - gap) for number, gap in enumerate(gaps[:-1], start=1)]
    gap_over.append(and_(count >= len(gaps), last_at <= now - gaps[-1]))
    restart = or_(last_at <= now - forget_after, last_at > now + MAX_CLOCK_SKEW)
    return _upsert(session, action, key, restart=restart, allowed=or_(*gap_over), now=now)


def _upsert(
    session: Session,
    action: str,
    key: str,
    *,
    restart: ColumnElement[bool],
    allowed: ColumnElement[bool],
    now: datetime,
) -> int:
    """PostgreSQL locks an existing row and checks its newest version; SQLite has one writer at a time."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    insert_first = insert(RateLimitCounter).values(action=action, key=key, count=1, started_at=now, last_at=now)
    statement = insert_first.on_conflict_do_update(
        index_elements=["action", "key"],
        set_={
            "count": case((restart, 1), else_=col(RateLimitCounter.count) + 1),
            "started_at": case((restart, insert_first.excluded.started_at), else_=col(RateLimitCounter.started_at)),
            "last_at": insert_first.excluded.last_at,
        },
        where=or_(restart, allowed),
    ).returning(col(RateLimitCounter.count))
    return session.execute(statement).scalar_one_or_none() or 0


def find(session: Session, action: str, key: str) -> RateLimitCounter | None:
    """The counter of a key, None where nothing was counted."""
    query = select(RateLimitCounter).where(RateLimitCounter.action == action, RateLimitCounter.key == key)
    return session.exec(query).one_or_none()


def reset(session: Session, actions: Sequence[str], key: str) -> None:
    """Delete the counters of a key."""
    session.execute(
        delete(RateLimitCounter).where(col(RateLimitCounter.action).in_(actions), col(RateLimitCounter.key) == key)
    )


def delete_older_than(session: Session, before: datetime) -> int:
    """Delete counters whose last allowed attempt was before then. Returns how many."""
    return session.exec(delete(RateLimitCounter).where(col(RateLimitCounter.last_at) < before)).rowcount

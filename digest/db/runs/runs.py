"""Stored runs, shards and epochs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlmodel import Session, col

from digest.db.core.column_reads import read_column
from digest.db.core.dialect import in_values, insert_ignore
from digest.models import Delivery, Epoch, Run, Shard, Subscriber
from digest.models.delivery import EDITION_KINDS
from digest.models.edition import COMPLETE, PLANNED
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id

_SUBSCRIBERS_PER_PAGE = 5000


def due_slots(session: Session, now: datetime, *, only_id: int | None = None, limit: int = 500) -> list[datetime]:
    """Slots up to now at which subscribers are due, oldest first."""
    due = (col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) <= now, *_has_id(only_id))
    slot = col(Subscriber.next_due_at)
    due_times = session.execute(select(slot).where(*due).distinct().order_by(slot).limit(limit)).scalars()
    return [due_at for due_at in due_times if due_at]


def due_subscriber_ids(session: Session, slot: datetime, *, only_id: int | None = None) -> list[int]:
    """Ids of the subscribers due at that slot, in order."""
    due = (col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) == slot, *_has_id(only_id))
    due_ids = select(col(Subscriber.id).label("id")).where(*due).order_by(col(Subscriber.id)).subquery()
    return session.execute(select(read_column(session, due_ids.c.id))).scalar_one() or []


def due_subscribers(session: Session, until: datetime, *, only_id: int | None = None) -> Iterator[Subscriber]:
    """Active subscribers whose next slot is not after that instant, by id."""
    return _active_in_pages(session, col(Subscriber.next_due_at) <= until, *_has_id(only_id))


def _has_id(subscriber_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if subscriber_id is None else (col(Subscriber.id) == subscriber_id,)


def lock_due_later(session: Session, longest_waits: Mapping[str, datetime], *, after_id: int) -> list[Subscriber]:
    """A page of active subscribers whose next slot is later than it can be, by id, locked until the transaction ends.

    `longest_waits`: the latest time of the next slot, by cadence.
    """
    is_later = or_(
        *(
            (col(Subscriber.cadence) == cadence) & (col(Subscriber.next_due_at) > latest)
            for cadence, latest in longest_waits.items()
        )
    )
    statement = select(Subscriber).where(
        col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) > min(longest_waits.values()), is_later
    )
    statement = statement.where(col(Subscriber.id) > after_id).order_by(col(Subscriber.id)).limit(_SUBSCRIBERS_PER_PAGE)
    return list(session.execute(statement.with_for_update()).scalars())


def _active_in_pages(session: Session, *conditions: ColumnElement[bool]) -> Iterator[Subscriber]:
    """Active subscribers that meet the conditions, by id, read page by page."""
    statement = select(Subscriber).where(col(Subscriber.state) == ACTIVE, *conditions).order_by(col(Subscriber.id))
    last_id = 0
    while page := list(
        session.execute(statement.where(col(Subscriber.id) > last_id).limit(_SUBSCRIBERS_PER_PAGE)).scalars()
    ):
        last_id = stored_id(page[-1])
        yield from page


def run_at_slot(session: Session, slot: datetime) -> Run | None:
    """The run of that slot."""
    return session.execute(select(Run).where(col(Run.slot) == slot)).scalar_one_or_none()


def claim_slot(session: Session, run: Run) -> Run:
    """The slot's only run, locked until the transaction ends: this one, or an existing one."""
    insert_ignore(session, Run, [run.model_dump(exclude={"id"})])
    locked_run: Run = session.execute(
        select(Run).where(col(Run.slot) == run.slot).with_for_update(key_share=True)
    ).scalar_one()
    return locked_run


def lock_run(session: Session, run_id: int) -> Run | None:
    """The current row of a run, locked until the transaction ends."""
    statement = select(Run).where(col(Run.id) == run_id).with_for_update(key_share=True)
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def add_shards(session: Session, run: Run, ids: Sequence[int], *, size: int, day: date | None) -> None:
    """Split subscribers (sorted ids) into shards of at most `size` and reopen the run. The caller holds its lock."""
    start = session.execute(
        select(func.coalesce(func.max(col(Shard.number)), -1)).where(col(Shard.run_id) == run.id)
    ).scalar_one()
    for number, shard_ids in enumerate(_split_ids(ids, size), start=int(start) + 1):
        session.add(Shard(run_id=stored_id(run), number=number, first=shard_ids[0], last=shard_ids[-1], day=day))
        run.state = PLANNED
    session.flush()


def _split_ids(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Split the ids into parts of at most `size` by halving the range of ids, so that bounds are stable across days."""
    ranges = [(0, 1 << ids[-1].bit_length(), 0, len(ids))] if ids else []
    while ranges:
        low, width, start, end = ranges.pop()
        if end - start > size:
            half = width // 2
            middle = bisect_left(ids, low + half, start, end)
            ranges += [(low + half, half, middle, end), (low, half, start, middle)]
        elif start < end:
            yield ids[start:end]


def waiting_ranges(session: Session, run: Run, day: date | None) -> list[tuple[int, int]]:
    """The id ranges (first, last) of this run's open shards."""
    same_day = col(Shard.day).is_(None) if day is None else col(Shard.day) == day
    statement = select(col(Shard.first), col(Shard.last)).where(
        col(Shard.run_id) == run.id, col(Shard.done_at).is_(None), same_day
    )
    return [(int(first), int(last)) for first, last in session.execute(statement)]


def open_shards(session: Session, run_id: int | None = None, *, limit: int | None = None) -> list[tuple[int, int]]:
    """(run, shard number) of unfinished shards of planned runs, at most `limit`, the earliest slots first."""
    statement = (
        select(col(Shard.run_id), col(Shard.number))
        .join(Run, col(Run.id) == col(Shard.run_id))
        .where(col(Shard.done_at).is_(None), col(Run.state) == PLANNED)
        .order_by(col(Run.slot), col(Shard.number))
        .limit(limit)
    )
    if run_id is not None:
        statement = statement.where(col(Shard.run_id) == run_id)
    return [(int(run), int(number)) for run, number in session.execute(statement)]


def shard_by_number(session: Session, run_id: int, number: int) -> tuple[Run, Shard] | None:
    """One shard with its run."""
    statement = (
        select(Run, Shard)
        .join(Shard, col(Shard.run_id) == col(Run.id))
        .where(col(Run.id) == run_id, col(Shard.number) == number)
    )
    row = session.execute(statement).one_or_none()
    return (row[0], row[1]) if row else None


def finish_shard(session: Session, shard: Shard, *, at: datetime, subscribers: int, skipped: int, papers: int) -> bool:
    """Mark a shard as done. False where it already was."""
    updated = session.execute(
        update(Shard)
        .where(col(Shard.id) == shard.id, col(Shard.done_at).is_(None))
        .values(done_at=at, readers=subscribers, skipped=skipped, papers=papers)
    )
    return bool(getattr(updated, "rowcount", 0))


def complete_run(session: Session, run: Run) -> None:
    """Mark the run as complete where all its shards are done. The caller holds the run's lock."""
    open_shard = select(col(Shard.id)).where(col(Shard.run_id) == run.id, col(Shard.done_at).is_(None)).limit(1)
    if session.execute(open_shard).first() is None:
        run.state = COMPLETE


def active_subscribers(session: Session, *, after: int, only_id: int | None, limit: int) -> list[Subscriber]:
    """Active subscribers with ids above `after`, by id; with `only_id` that one alone."""
    statement = select(Subscriber).where(col(Subscriber.state) == ACTIVE, col(Subscriber.id) > after)
    if only_id is not None:
        statement = statement.where(col(Subscriber.id) == only_id)
    return list(session.execute(statement.order_by(col(Subscriber.id)).limit(limit)).scalars())


def count_deliveries_of_runs(session: Session, run_ids: Sequence[int]) -> dict[str, int]:
    """Numbers of deliveries of these runs by state."""
    return _by_state(session, col(Delivery.run_id).in_(run_ids))


def count_deliveries_between(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    """Numbers of the mails of editions by state, sent again or not, of those created or tried between the two."""
    is_recent = or_(col(Delivery.created_at).between(since, until), col(Delivery.tried_at).between(since, until))
    return _by_state(session, col(Delivery.kind).in_(EDITION_KINDS), is_recent)


def _by_state(session: Session, *conditions: ColumnElement[bool]) -> dict[str, int]:
    statement = select(col(Delivery.state), func.count()).where(*conditions).group_by(col(Delivery.state))
    return {str(state): int(count) for state, count in session.execute(statement)}


def shard_totals(
    session: Session, run_ids: Sequence[int], *, since: datetime | None = None, until: datetime | None = None
) -> tuple[int, int, int]:
    """Numbers of subscribers with an edition, of skipped ones, and of papers; of shards done between the two."""
    statement = select(
        func.coalesce(func.sum(col(Shard.readers)), 0),
        func.coalesce(func.sum(col(Shard.skipped)), 0),
        func.coalesce(func.sum(col(Shard.papers)), 0),
    ).where(col(Shard.run_id).in_(run_ids))
    if since is not None:
        statement = statement.where(col(Shard.done_at) >= since)
    if until is not None:
        statement = statement.where(col(Shard.done_at) <= until)
    subscribers, skipped, papers = session.execute(statement).one()
    return int(subscribers), int(skipped), int(papers)


def lock_epochs(session: Session) -> None:
    """Let one transaction at a time create epochs (SQLite: BEGIN IMMEDIATE)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE epoch IN SHARE ROW EXCLUSIVE MODE"))


def newest_epoch(session: Session) -> Epoch | None:
    """The newest epoch."""
    return session.execute(select(Epoch).order_by(col(Epoch.id).desc()).limit(1)).scalar_one_or_none()


def epoch_created_before(session: Session, instant: datetime) -> Epoch | None:
    """The newest epoch that was stored by then."""
    statement = select(Epoch).where(col(Epoch.created_at) <= instant).order_by(col(Epoch.id).desc()).limit(1)
    return session.execute(statement).scalar_one_or_none()


def store_progress(session: Session, progress: Iterable[tuple[int, int, datetime | None]]) -> None:
    """Store (subscriber, seen_through, next_due_at), with one statement for all subscribers with equal values."""
    ids_by_progress: dict[tuple[int, datetime | None], list[int]] = {}
    for subscriber_id, seen_through, next_due_at in progress:
        ids_by_progress.setdefault((seen_through, next_due_at), []).append(subscriber_id)
    for (seen_through, next_due_at), subscriber_ids in ids_by_progress.items():
        statement = update(Subscriber).where(in_values(session, col(Subscriber.id), subscriber_ids))
        session.execute(
            statement.values(seen_through=seen_through, next_due_at=next_due_at),
            execution_options={"synchronize_session": False},
        )

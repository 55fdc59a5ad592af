"""Runs, shards and editions as stored."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlmodel import Session, SQLModel, col

from digest.db.core.column_reads import read_column
from digest.db.core.dialect import in_values, insert_ignore
from digest.models import Delivery, Edition, Epoch, Run, Shard, Subscriber
from digest.models.edition import COMPLETE, PLANNED
from digest.models.subscriber import ACTIVE

_PAGE = 5000


def due_slots(session: Session, now: datetime, *, only: int | None = None, limit: int = 500) -> list[datetime]:
    """Slots up to now at which readers are due, oldest first."""
    due = (col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) <= now, *_only(only))
    slot = col(Subscriber.next_due_at)
    found = session.execute(select(slot).where(*due).distinct().order_by(slot).limit(limit)).scalars()
    return [one for one in found if one]


def due_subscriber_ids(session: Session, slot: datetime, *, only: int | None = None) -> list[int]:
    """Numbers of the readers due at that slot, in order."""
    due = (col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) == slot, *_only(only))
    found = select(col(Subscriber.id).label("id")).where(*due).order_by(col(Subscriber.id)).subquery()
    return session.execute(select(read_column(session, found.c.id))).scalar_one() or []


def due_subscribers(session: Session, until: datetime, *, only: int | None = None) -> Iterator[Subscriber]:
    """Active readers whose slot is not after that instant, in order of their numbers."""
    return _paged(session, col(Subscriber.next_due_at) <= until, *_only(only))


def _only(reader: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if reader is None else (col(Subscriber.id) == reader,)


def without_edition(session: Session, day: date, *, only: int | None = None) -> Iterator[Subscriber]:
    """Active readers who have no edition of that day, in order of their numbers."""
    has = select(col(Edition.id)).where(col(Edition.subscriber_id) == col(Subscriber.id), col(Edition.day) == day)
    return _paged(session, ~has.exists(), *_only(only))


def _paged(session: Session, *wanted: ColumnElement[bool]) -> Iterator[Subscriber]:
    """Active readers, some thousands at a time."""
    statement = select(Subscriber).where(col(Subscriber.state) == ACTIVE, *wanted).order_by(col(Subscriber.id))
    last = 0
    while found := list(session.execute(statement.where(col(Subscriber.id) > last).limit(_PAGE)).scalars()):
        last = found[-1].id or 0
        yield from found


def run_at_slot(session: Session, slot: datetime) -> Run | None:
    """The run of that slot."""
    return session.execute(select(Run).where(col(Run.slot) == slot)).scalar_one_or_none()


def claim_slot(session: Session, run: Run) -> Run:
    """The slot's one run, locked until the transaction ends: this one, or the one that was there before."""
    insert_ignore(session, Run, [run.model_dump(exclude={"id"})])
    found: Run = session.execute(
        select(Run).where(col(Run.slot) == run.slot).with_for_update(key_share=True)
    ).scalar_one()
    return found


def lock_run(session: Session, run_id: int) -> Run | None:
    """That run as it is now, locked until the transaction ends."""
    statement = select(Run).where(col(Run.id) == run_id).with_for_update(key_share=True)
    return session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def add_shards(session: Session, run: Run, ids: Sequence[int], *, size: int, day: date | None) -> None:
    """Cut readers (sorted ids) into shards of at most `size`; the run goes on. The caller holds the run's lock."""
    start = session.execute(
        select(func.coalesce(func.max(col(Shard.number)), -1)).where(col(Shard.run_id) == run.id)
    ).scalar_one()
    for number, part in enumerate(_blocks(ids, size), start=int(start) + 1):
        session.add(Shard(run_id=run.id or 0, number=number, first=part[0], last=part[-1], day=day))
        run.state = PLANNED
    session.flush()


def _blocks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The ids in parts of at most `size`: halves of halves of all numbers, so that they are alike another day."""
    parts = [(0, 1 << ids[-1].bit_length(), 0, len(ids))] if ids else []
    while parts:
        first, width, begin, end = parts.pop()
        if end - begin > size:
            half = width // 2
            middle = bisect_left(ids, first + half, begin, end)
            parts += [(first + half, half, middle, end), (first, half, begin, middle)]
        elif begin < end:
            yield ids[begin:end]


def waiting_subscriber_ids(session: Session, run: Run, day: date | None) -> list[tuple[int, int]]:
    """The ranges of readers (first, last) that open shards of this run will take."""
    same = col(Shard.day).is_(None) if day is None else col(Shard.day) == day
    statement = select(col(Shard.first), col(Shard.last)).where(
        col(Shard.run_id) == run.id, col(Shard.done_at).is_(None), same
    )
    return [(int(first), int(last)) for first, last in session.execute(statement)]


def open_shards(session: Session, run_id: int | None = None) -> list[tuple[int, int]]:
    """(run, shard number) of shards still to be frozen, of runs that go on."""
    statement = (
        select(col(Shard.run_id), col(Shard.number))
        .join(Run, col(Run.id) == col(Shard.run_id))
        .where(col(Shard.done_at).is_(None), col(Run.state) == PLANNED)
        .order_by(col(Run.slot), col(Shard.number))
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


def finish_shard(session: Session, shard: Shard, *, at: datetime, readers: int, skipped: int, papers: int) -> bool:
    """Mark it done, if nobody did before."""
    done = session.execute(
        update(Shard)
        .where(col(Shard.id) == shard.id, col(Shard.done_at).is_(None))
        .values(done_at=at, readers=readers, skipped=skipped, papers=papers)
    )
    return bool(getattr(done, "rowcount", 0))


def complete_run(session: Session, run: Run) -> None:
    """A run whose shards are all done is complete. The caller holds the run's lock: two that finish at once wait."""
    left = select(col(Shard.id)).where(col(Shard.run_id) == run.id, col(Shard.done_at).is_(None)).limit(1)
    if session.execute(left).first() is None:
        run.state = COMPLETE


def active_subscribers(session: Session, *, after: int, only: int | None, limit: int) -> list[Subscriber]:
    """Active readers with numbers beyond `after`, in order; or that one alone."""
    statement = select(Subscriber).where(col(Subscriber.state) == ACTIVE, col(Subscriber.id) > after)
    if only is not None:
        statement = statement.where(col(Subscriber.id) == only)
    return list(session.execute(statement.order_by(col(Subscriber.id)).limit(limit)).scalars())


def editions_of(session: Session, reader: int) -> list[Edition]:
    """All editions of a reader that stand."""
    statement = select(Edition).where(col(Edition.subscriber_id) == reader, col(Edition.cancelled).is_(False))
    return list(session.execute(statement).scalars())


def editions_by_date(session: Session, readers: Iterable[int], days: Iterable[date]) -> set[tuple[int, date]]:
    """(reader, day) pairs that have an edition."""
    edition = SQLModel.metadata.tables["edition"].c
    statement = select(edition.subscriber_id, edition.day).where(
        in_values(session, edition.subscriber_id, list(readers)), edition.day.in_(list(days))
    )
    return {(int(reader), day) for reader, day in session.execute(statement)}


def subscribers_with_editions(session: Session, readers: Iterable[int]) -> set[int]:
    """Those of these readers who have any edition that was not cancelled."""
    theirs = in_values(session, col(Edition.subscriber_id), list(readers)), col(Edition.cancelled).is_(False)
    some = select(col(Edition.subscriber_id)).where(*theirs).distinct()
    return {int(number) for number in session.execute(some).scalars()}


def edition_of(session: Session, reader: int, day: date | None) -> Edition | None:
    """A reader's edition of that day, or the newest."""
    statement = select(Edition).where(col(Edition.subscriber_id) == reader).order_by(col(Edition.day).desc()).limit(1)
    if day is not None:
        statement = statement.where(col(Edition.day) == day)
    return session.execute(statement).scalar_one_or_none()


def deliveries_of(session: Session, run_ids: Sequence[int]) -> dict[str, int]:
    """How many deliveries of these runs are in each state."""
    return _by_state(session, col(Delivery.run_id).in_(run_ids))


def deliveries_since(session: Session, instant: datetime) -> dict[str, int]:
    """How many mails of runs that were owed or tried since then are in each state."""
    lately = or_(col(Delivery.created_at) >= instant, col(Delivery.tried_at) >= instant)
    return _by_state(session, col(Delivery.run_id).is_not(None), lately)


def _by_state(session: Session, *chosen: ColumnElement[bool]) -> dict[str, int]:
    statement = select(col(Delivery.state), func.count()).where(*chosen).group_by(col(Delivery.state))
    return {str(state): int(count) for state, count in session.execute(statement)}


def shard_totals(session: Session, run_ids: Sequence[int], *, since: datetime | None = None) -> tuple[int, int, int]:
    """Readers with an edition, readers skipped, papers chosen; with `since` of shards frozen from then on."""
    statement = select(
        func.coalesce(func.sum(col(Shard.readers)), 0),
        func.coalesce(func.sum(col(Shard.skipped)), 0),
        func.coalesce(func.sum(col(Shard.papers)), 0),
    ).where(col(Shard.run_id).in_(run_ids))
    if since is not None:
        statement = statement.where(col(Shard.done_at) >= since)
    readers, skipped, papers = session.execute(statement).one()
    return int(readers), int(skipped), int(papers)


def lock_epochs(session: Session) -> None:
    """One at a time makes epochs (SQLite: BEGIN IMMEDIATE)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE epoch IN SHARE ROW EXCLUSIVE MODE"))


def newest_epoch(session: Session) -> Epoch | None:
    """The epoch made last."""
    return session.execute(select(Epoch).order_by(col(Epoch.id).desc()).limit(1)).scalar_one_or_none()


def epoch_created_before(session: Session, instant: datetime) -> Epoch | None:
    """The newest epoch that was stored by then."""
    statement = select(Epoch).where(col(Epoch.created_at) <= instant).order_by(col(Epoch.id).desc()).limit(1)
    return session.execute(statement).scalar_one_or_none()


def store_progress(session: Session, readers: Iterable[tuple[int, int, datetime | None]]) -> None:
    """Set (reader, seen through, next due): few statements, since most readers move on alike."""
    alike: dict[tuple[int, datetime | None], list[int]] = {}
    for number, seen, due in readers:
        alike.setdefault((seen, due), []).append(number)
    for (seen, due), numbers in alike.items():
        chosen = update(Subscriber).where(in_values(session, col(Subscriber.id), numbers))
        session.execute(
            chosen.values(seen_through=seen, next_due_at=due), execution_options={"synchronize_session": False}
        )

"""Runs, shards and editions as stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from digest.db.dialect import insert_ignore
from digest.models import Delivery, Edition, Epoch, Run, Shard, Subscriber, Threshold
from digest.models.edition import COMPLETE, PLANNED
from digest.models.subscriber import ACTIVE


def due_slots(session: Session, now: datetime, limit: int = 500) -> list[datetime]:
    """Slots up to now at which readers are due, oldest first."""
    statement = (
        select(col(Subscriber.next_due_at))
        .where(col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) <= now)
        .distinct()
        .order_by(col(Subscriber.next_due_at))
        .limit(limit)
    )
    return [slot for slot in session.execute(statement).scalars() if slot]


def due_ids(session: Session, slot: datetime) -> list[int]:
    """Numbers of the readers due at that slot, in order."""
    statement = (
        select(col(Subscriber.id))
        .where(col(Subscriber.state) == ACTIVE, col(Subscriber.next_due_at) == slot)
        .order_by(col(Subscriber.id))
    )
    return [number for number in session.execute(statement).scalars() if number]


def at_slot(session: Session, slot: datetime) -> Run | None:
    """The run of that slot."""
    return session.execute(select(Run).where(col(Run.slot) == slot)).scalar_one_or_none()


def claim_slot(session: Session, run: Run) -> Run:
    """The slot's one run: this one, or the one that was there before."""
    insert_ignore(session, Run, [run.model_dump(exclude={"id"})])
    found = at_slot(session, run.slot)
    if found is None:
        raise LookupError("a run just inserted is there")
    return found


def add_shards(session: Session, run: Run, ids: Sequence[int], *, size: int, day: date | None) -> list[Shard]:
    """Cut readers (sorted ids) into shards of at most `size`."""
    start = session.execute(
        select(func.coalesce(func.max(col(Shard.number)), -1)).where(col(Shard.run_id) == run.id)
    ).scalar_one()
    shards = []
    for number, index in enumerate(range(0, len(ids), size), start=int(start) + 1):
        part = ids[index : index + size]
        shards.append(Shard(run_id=run.id or 0, number=number, first=part[0], last=part[-1], day=day))
    session.add_all(shards)
    session.flush()
    return shards


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


def shard(session: Session, run_id: int, number: int) -> tuple[Run, Shard] | None:
    """One shard with its run."""
    statement = (
        select(Run, Shard)
        .join(Shard, col(Shard.run_id) == col(Run.id))
        .where(col(Run.id) == run_id, col(Shard.number) == number)
    )
    row = session.execute(statement).one_or_none()
    return (row[0], row[1]) if row else None


def finish_shard(session: Session, shard: Shard, *, at: datetime, readers: int, skipped: int, papers: int) -> bool:
    """Mark it done, if nobody did before; a run whose shards are all done is complete."""
    done = session.execute(
        update(Shard)
        .where(col(Shard.id) == shard.id, col(Shard.done_at).is_(None))
        .values(done_at=at, readers=readers, skipped=skipped, papers=papers)
    )
    if not getattr(done, "rowcount", 0):
        return False
    left = select(col(Shard.id)).where(col(Shard.run_id) == shard.run_id, col(Shard.done_at).is_(None)).exists()
    session.execute(
        update(Run).where(col(Run.id) == shard.run_id, col(Run.state) == PLANNED, ~left).values(state=COMPLETE)
    )
    return True


def readers_between(
    session: Session, first: int, last: int, *, lock: bool = False, limit: int | None = None
) -> list[Subscriber]:
    """Active readers with numbers in that range, the first `limit` of them."""
    statement = (
        select(Subscriber)
        .where(col(Subscriber.id).between(first, last), col(Subscriber.state) == ACTIVE)
        .order_by(col(Subscriber.id))
        .limit(limit)
    )
    if lock and session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update()
    return list(session.execute(statement).scalars())


def editions_since(session: Session, readers: Iterable[int], announcement: int) -> list[Edition]:
    """What these readers were sent since that announcement: the ledger behind 'nothing twice'."""
    statement = select(Edition).where(
        col(Edition.subscriber_id).in_(list(readers)),
        col(Edition.announcement_id) >= announcement,
        col(Edition.cancelled).is_(False),
    )
    return list(session.execute(statement).scalars())


def dated(session: Session, readers: Iterable[int], days: Iterable[date]) -> set[tuple[int, date]]:
    """(reader, day) pairs that have an edition."""
    statement = select(col(Edition.subscriber_id), col(Edition.day)).where(
        col(Edition.subscriber_id).in_(list(readers)), col(Edition.day).in_(list(days))
    )
    return {(int(reader), day) for reader, day in session.execute(statement)}


def insert_editions(session: Session, editions: Sequence[dict[str, Any]]) -> list[int]:
    """Freeze editions; returns their numbers in order."""
    if not editions:
        return []
    statement = insert(Edition).returning(col(Edition.id), sort_by_parameter_order=True)
    return [int(number) for number in session.execute(statement, list(editions)).scalars()]


def edition_of(session: Session, reader: int, day: date | None) -> Edition | None:
    """A reader's edition of that day, or the newest."""
    statement = select(Edition).where(col(Edition.subscriber_id) == reader).order_by(col(Edition.day).desc()).limit(1)
    if day is not None:
        statement = statement.where(col(Edition.day) == day)
    return session.execute(statement).scalar_one_or_none()


def deliveries_of(session: Session, run_ids: Sequence[int]) -> dict[str, int]:
    """How many deliveries of these runs are in each state."""
    statement = (
        select(col(Delivery.state), func.count()).where(col(Delivery.run_id).in_(run_ids)).group_by(col(Delivery.state))
    )
    return {str(state): int(count) for state, count in session.execute(statement)}


def shard_totals(session: Session, run_ids: Sequence[int]) -> tuple[int, int, int]:
    """Readers with an edition, readers skipped, papers chosen."""
    statement = select(
        func.coalesce(func.sum(col(Shard.readers)), 0),
        func.coalesce(func.sum(col(Shard.skipped)), 0),
        func.coalesce(func.sum(col(Shard.papers)), 0),
    ).where(col(Shard.run_id).in_(run_ids))
    readers, skipped, papers = session.execute(statement).one()
    return int(readers), int(skipped), int(papers)


def newest_epoch(session: Session) -> Epoch | None:
    """The epoch made last."""
    return session.execute(select(Epoch).order_by(col(Epoch.id).desc()).limit(1)).scalar_one_or_none()


def thresholds(session: Session, epoch_id: int, profiles: Iterable[int]) -> dict[int, int | None]:
    """Calibrated thresholds by profile version, for those calibrated in this epoch."""
    statement = select(col(Threshold.profile_id), col(Threshold.tau)).where(
        col(Threshold.epoch_id) == epoch_id, col(Threshold.profile_id).in_(list(profiles))
    )
    return {int(profile): tau for profile, tau in session.execute(statement)}

"""Planning: runs for the slots that are due, or for one date; each run's readers cut into shards. May run twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.db.subscribers.shard_reads import Reader
from digest.errors import BadInput
from digest.interfaces import Enqueue
from digest.models import Epoch, Run, Shard, Subscriber
from digest.models.edition import CANCELLED, PAUSED
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.editions.assemble_edition import Chosen
from digest.services.ingestion import source_status
from digest.services.selection import profile_cache
from digest.services.subscriptions import send_schedule

SHARD = 1024  # SQLite has one writer at a time: nobody shall wait long for a shard's transaction
LARGE_SHARD = 32_768
SHARDS = 16  # where there are so many readers that shards may be large, workers still share them evenly
_NAMED = 64  # readers
AHEAD = timedelta(days=7)  # a later date is a slip of the pen, and would cost every reader that date's mail


def plan_due(enqueue: Enqueue, *, only: int | None = None, now: datetime | None = None) -> list[int]:
    """Insert runs for every slot up to now with readers due, and enqueue their shards. Returns the runs' numbers.

    A shard still open from before is enqueued again: freezing it twice is harmless, forgetting it is not.
    """
    now = now or clock.now()
    with reading() as session:
        slots = runs.due_slots(session, now, only=only)
        drafts = [draft_run(session, slot, now) for slot in slots if not source_status.waits(session, slot, now)]
    _give_epochs(drafts)
    planned = []
    with transaction() as session:
        for draft in drafts:
            run = runs.claim_slot(session, draft)
            if run.state == CANCELLED:
                _pass_over(session, run, now, only)
            elif run.state != PAUSED:
                _cut(session, run, runs.due_ids(session, run.slot, only=only), day=None)
                planned.append(run.id or 0)
        pending = runs.open_shards(session)
    for run_id, number in pending:
        enqueue.freeze(run_id, number)
    return planned


def plan_day(day: date, *, only: int | None = None) -> list[int]:
    """Insert runs for every reader's own slot on that date, as known by then. Returns the runs' numbers.

    Raises BadInput for a date more than a week ahead.
    """
    now = clock.now()
    with reading() as session:
        by_slot = _own_slots(session, day, only, now)
        drafts = [draft_run(session, slot, min(slot, now)) for slot in sorted(by_slot)]
    _give_epochs(drafts)
    planned = []
    with transaction() as session:
        for draft in drafts:
            run = runs.claim_slot(session, draft)
            if run.state not in {PAUSED, CANCELLED}:
                _cut(session, run, [r.id or 0 for r in by_slot[run.slot]], day=day)
                planned.append(run.id or 0)
    return planned


def rehearse(day: date | None, *, only: int | None = None) -> list[Chosen]:
    """What a run of that date (without: of the slots up to now) would choose for each reader now. Changes nothing."""
    now = clock.now()
    chosen: list[Chosen] = []
    with reading() as session:
        by_slot = _due(session, only, now) if day is None else _own_slots(session, day, only, now)
        for slot in sorted(by_slot):
            run = runs.at_slot(session, slot) or draft_run(session, slot, now if day is None else min(slot, now))
            if run.state in {PAUSED, CANCELLED} or (day is None and source_status.waits(session, slot, now)):
                continue
            epoch = session.get(Epoch, run.epoch_id) if run.id else epochs.fitting(session, run.announcement_id)
            dates = [(reader, day or day_at(reader, slot)) for reader in by_slot[slot]]
            dated = runs.dated(session, [r.id or 0 for r, _ in dates], {on for _, on in dates})
            chosen += assemble_edition.choose(
                session, run, epoch, [(r, on) for r, on in dates if (r.id, on) not in dated]
            )
    return chosen


def own_slot(reader: Reader, day: date) -> datetime | None:
    """When this reader's mail of that date is due, or None where the cadence or a pause leaves it out."""
    wanted = send_schedule.wants(day, cadence=reader.cadence, weekday=reader.weekday, paused_until=reader.paused_until)
    return send_schedule.slot_on(day, zone=clock.zone(reader.time_zone), send_at=reader.send_at) if wanted else None


def day_at(reader: Reader, slot: datetime) -> date:
    """The local date that a slot stands for."""
    return send_schedule.day_of(slot, zone=clock.zone(reader.time_zone), send_at=reader.send_at)


def _due(session: Session, only: int | None, now: datetime) -> dict[datetime, list[Subscriber]]:
    """The readers due up to now, by slot."""
    found: dict[datetime, list[Subscriber]] = {}
    for reader in runs.due_readers(session, now, only=only):
        if reader.next_due_at is not None:
            found.setdefault(reader.next_due_at, []).append(reader)
    return found


def _own_slots(session: Session, day: date, only: int | None, now: datetime) -> dict[datetime, list[Subscriber]]:
    """The readers without an edition of that date, by their own slot on it."""
    if day > (now + AHEAD).date():
        raise BadInput(f"date: {day.isoformat()} is more than {AHEAD.days} days ahead", field="date")
    found: dict[datetime, list[Subscriber]] = {}
    for reader in runs.without_edition(session, day, only=only):
        slot = own_slot(reader, day)
        if slot is not None:
            found.setdefault(slot, []).append(reader)
    return found


def _cut(session: Session, run: Run, ids: Iterable[int], *, day: date | None) -> None:
    """Shards for the readers that no open shard of this run will take."""
    taken = runs.waiting(session, run, day)
    left = [number for number in ids if not any(first <= number <= last for first, last in taken)]
    runs.add_shards(session, run, left, size=_size(session, len(left)), day=day)


def name(run: Run, shard: Shard) -> str:
    """About the same readers are in the shard of that name another day; '' for too few to keep anything for."""
    return profile_cache.name(f"{run.slot:%H%M}", shard.first, shard.last, _NAMED)


def _size(session: Session, readers: int) -> int:
    """How many readers a shard has: in large ones what they have in common is done less often."""
    large = session.get_bind().dialect.name == "postgresql"
    return max(SHARD, min(LARGE_SHARD, 1 << (readers // SHARDS).bit_length())) if large else SHARD


def _pass_over(session: Session, run: Run, now: datetime, only: int | None) -> None:
    """Readers due at a cancelled run wait for their next slot; what was new for them stays new."""
    for reader in runs.due_readers(session, run.slot, only=only):
        if reader.next_due_at == run.slot:
            reader.next_due_at = send_schedule.due_after(reader, max(run.slot, now))


def draft_run(session: Session, slot: datetime, known_at: datetime) -> Run:
    """A run as it would be, with what is known at `known_at`; not stored."""
    today = known_at.astimezone(clock.ARXIV_ZONE).date()
    return Run(
        slot=slot,
        created_at=clock.now(),
        signals_at=known_at,
        batch_through=store.known_through(session, known_at),
        announcement_id=store.current_announcement(session, today) or today.toordinal(),
        notice=source_status.notice(session, slot, known_at),
    )


def _give_epochs(drafts: Sequence[Run]) -> None:
    """Name the epoch that each ranks by, the oldest announcement first."""
    made = {number: epochs.current(number) for number in sorted({draft.announcement_id for draft in drafts})}
    for draft in drafts:
        draft.epoch_id = made[draft.announcement_id]

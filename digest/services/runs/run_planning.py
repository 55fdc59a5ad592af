"""Planning: insert runs for due slots or for one date, and split each run's subscribers into shards. May run twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.db.runs import editions, runs, subscriber_schedules
from digest.db.runs.subscriber_schedules import SendSchedule
from digest.db.subscribers import subscribers as subscriber_reads
from digest.db.subscribers.shard_reads import AnySubscriber
from digest.errors import BadInput
from digest.models import Epoch, Run, Shard
from digest.models.edition import CANCELLED, PAUSED
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.editions.assemble_edition import AssembledEdition
from digest.services.ingestion import source_status
from digest.services.selection import profile_cache
from digest.services.subscriptions import send_schedule

SHARD_SIZE = 1024  # subscribers; SQLite has one writer at a time, so a shard's transaction must be short
MAX_SHARD_SIZE = 32_768
SHARDS_PER_RUN = 16  # at least, on PostgreSQL, so that workers share a large run evenly
_MIN_CACHED_SHARD = 64  # subscribers of a shard whose profiles are cached
MAX_DAYS_AHEAD = timedelta(days=7)  # a later date is a typing error, and would cost every subscriber that date's mail


def plan_due(enqueue: Enqueue, *, only: int | None = None, now: datetime | None = None) -> list[int]:
    """Insert a run for every slot up to now with due subscribers, and enqueue the shards. Returns the runs' ids.

    Unfinished shards of earlier calls are enqueued again: building one twice is harmless, losing one is not.
    """
    now = now or clock.now()
    with reading() as session:
        slots = runs.due_slots(session, now, only_id=only)
        drafts = [draft_run(session, slot, now) for slot in slots if not source_status.should_wait(session, slot, now)]
    _assign_epochs(drafts)
    planned_ids = []
    with transaction() as session:
        for draft in drafts:
            run = runs.claim_slot(session, draft)
            if run.state == CANCELLED:
                _skip_cancelled_run(session, run, now, only)
            elif run.state != PAUSED:
                _add_shards(session, run, runs.due_subscriber_ids(session, run.slot, only_id=only), day=None)
                planned_ids.append(stored_id(run))
        pending = runs.open_shards(session)
    for run_id, number in pending:
        enqueue.freeze(run_id, number)
    return planned_ids


def plan_day(day: date, *, only: int | None = None) -> list[int]:
    """Insert runs for every subscriber's own slot on that date, with the papers stored by then. Returns the runs' ids.

    Raises BadInput for a date more than a week ahead.
    """
    now = clock.now()
    with reading() as session:
        ids_by_slot = _ids_by_slot(session, day, only, now)
        drafts = [draft_run(session, slot, min(slot, now)) for slot in sorted(ids_by_slot)]
    _assign_epochs(drafts)
    planned_ids = []
    with transaction() as session:
        for draft in drafts:
            run = runs.claim_slot(session, draft)
            if run.state not in {PAUSED, CANCELLED}:
                _add_shards(session, run, ids_by_slot[run.slot], day=day)
                planned_ids.append(stored_id(run))
    return planned_ids


def dry_run(day: date | None, *, only: int | None = None) -> Iterator[AssembledEdition]:
    """What a run of that date, or of the slots up to now, would choose for each subscriber. Changes nothing.

    Reads `SHARD_SIZE` subscribers at a time. Raises BadInput for a date more than a week ahead.
    """
    now = clock.now()
    with reading() as session:
        ids_by_slot = _due_ids_by_slot(session, only, now) if day is None else _ids_by_slot(session, day, only, now)
    for slot, subscriber_ids in sorted(ids_by_slot.items()):
        for start in range(0, len(subscriber_ids), SHARD_SIZE):
            yield from _choose_for(subscriber_ids[start : start + SHARD_SIZE], slot, day, now)


def _choose_for(
    subscriber_ids: Sequence[int], slot: datetime, day: date | None, now: datetime
) -> list[AssembledEdition]:
    """The editions of those of the subscribers who have none of their date yet; none where the run would not start."""
    with reading() as session:
        run = runs.run_at_slot(session, slot) or draft_run(session, slot, now if day is None else min(slot, now))
        if run.state in {PAUSED, CANCELLED} or (day is None and source_status.should_wait(session, slot, now)):
            return []
        epoch = session.get(Epoch, run.epoch_id) if run.id else epochs.epoch_before(session, run.announcement_id)
        subscribers = subscriber_reads.by_ids(session, subscriber_ids)
        dates = [(subscriber, day or day_of_slot(subscriber, slot)) for subscriber in subscribers]
        with_edition = editions.edition_dates(session, subscriber_ids, {edition_day for _, edition_day in dates})
        return assemble_edition.assemble(
            session,
            run,
            epoch,
            [
                (subscriber, edition_day)
                for subscriber, edition_day in dates
                if (subscriber.id, edition_day) not in with_edition
            ],
        )


def count_by_slot(day: date | None, *, only: int | None = None) -> dict[datetime, int]:
    """How many subscribers of each slot up to now, or of that date, have no edition of it yet. 0 where all have one.

    Raises BadInput for a date more than a week ahead.
    """
    now = clock.now()
    with reading() as session:
        return _count_due(session, only, now) if day is None else _count_of_day(session, day, only, now)


def _count_due(session: Session, only: int | None, now: datetime) -> dict[datetime, int]:
    counts: dict[datetime, int] = {}
    for due in subscriber_schedules.count_due(session, now, only_id=only):
        counts[due.slot] = counts.get(due.slot, 0) + due.subscribers
    if not counts:
        return counts
    for due in subscriber_schedules.count_due_with_editions(session, min(counts), now, only_id=only):
        if due.edition_day == send_schedule.day_of(due.slot, zone=clock.zone_info(due.time_zone), send_at=due.send_at):
            counts[due.slot] -= due.subscribers
    return counts


def _count_of_day(session: Session, day: date, only: int | None, now: datetime) -> dict[datetime, int]:
    _require_near(day, now)
    counts: dict[datetime, int] = {}
    for schedule, subscribers in subscriber_schedules.count_without_edition(session, day, only_id=only):
        slot = slot_of_day(schedule, day)
        if slot is not None:
            counts[slot] = counts.get(slot, 0) + subscribers
    return counts


def waits_for_papers(session: Session, slot: datetime, now: datetime) -> bool:
    """True while a due slot waits for an announcement that is late."""
    return source_status.should_wait(session, slot, now)


def slot_of_day(subscriber: AnySubscriber | SendSchedule, day: date) -> datetime | None:
    """When this subscriber's mail of that date is due; None where the cadence or a pause leaves the date out."""
    is_due = send_schedule.has_mail_on(
        day, cadence=subscriber.cadence, weekday=subscriber.weekday, paused_until=subscriber.paused_until
    )
    return (
        send_schedule.slot_on(day, zone=clock.zone_info(subscriber.time_zone), send_at=subscriber.send_at)
        if is_due
        else None
    )


def day_of_slot(subscriber: AnySubscriber, slot: datetime) -> date:
    """The local date that a slot stands for."""
    return send_schedule.day_of(slot, zone=clock.zone_info(subscriber.time_zone), send_at=subscriber.send_at)


def _due_ids_by_slot(session: Session, only: int | None, now: datetime) -> dict[datetime, list[int]]:
    """The ids, in order, of the subscribers due up to now, by slot."""
    slots = runs.due_slots(session, now, only_id=only)
    return {slot: runs.due_subscriber_ids(session, slot, only_id=only) for slot in slots}


def _ids_by_slot(session: Session, day: date, only: int | None, now: datetime) -> dict[datetime, list[int]]:
    """The ids, in order, of the subscribers without an edition of that date, by their own slot on it."""
    _require_near(day, now)
    slots: dict[SendSchedule, datetime | None] = {}
    ids_by_slot: dict[datetime, list[int]] = {}
    for subscriber_id, schedule in subscriber_schedules.ids_without_edition(session, day, only_id=only):
        if schedule not in slots:
            slots[schedule] = slot_of_day(schedule, day)
        slot = slots[schedule]
        if slot is not None:
            ids_by_slot.setdefault(slot, []).append(subscriber_id)
    return ids_by_slot


def _require_near(day: date, now: datetime) -> None:
    if day > (now + MAX_DAYS_AHEAD).date():
        raise BadInput(f"date: {day.isoformat()} is more than {MAX_DAYS_AHEAD.days} days ahead", field="date")


def _add_shards(session: Session, run: Run, ids: Iterable[int], *, day: date | None) -> None:
    """Add shards for the subscribers that no open shard of this run covers."""
    open_ranges = runs.waiting_ranges(session, run, day)
    remaining_ids = [
        subscriber_id
        for subscriber_id in ids
        if not any(first_id <= subscriber_id <= last_id for first_id, last_id in open_ranges)
    ]
    runs.add_shards(session, run, remaining_ids, size=_shard_size(session, len(remaining_ids)), day=day)


def shard_name(run: Run, shard: Shard) -> str:
    """A cache key under which about the same subscribers are found another day; '' for shards too small to cache."""
    return profile_cache.cache_name(f"{run.slot:%H%M}", shard.first, shard.last, _MIN_CACHED_SHARD)


def _shard_size(session: Session, subscribers: int) -> int:
    """Subscribers in a shard. What a shard's subscribers share is computed once, so large shards are cheaper."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    return (
        max(SHARD_SIZE, min(MAX_SHARD_SIZE, 1 << (subscribers // SHARDS_PER_RUN).bit_length()))
        if is_postgresql
        else SHARD_SIZE
    )


def _skip_cancelled_run(session: Session, run: Run, now: datetime, only: int | None) -> None:
    """Move subscribers who are due at a cancelled run to their next slot; new papers stay new for them."""
    for subscriber in runs.due_subscribers(session, run.slot, only_id=only):
        if subscriber.next_due_at == run.slot:
            subscriber.next_due_at = send_schedule.due_after(subscriber, max(run.slot, now))


def draft_run(session: Session, slot: datetime, as_of: datetime) -> Run:
    """An unstored run for that slot, with the papers and signals stored by `known_at`."""
    today = as_of.astimezone(clock.ARXIV_ZONE).date()
    return Run(
        slot=slot,
        created_at=clock.now(),
        signals_at=as_of,
        batch_through=store.newest_batch_known_at(session, as_of),
        announcement_id=store.current_announcement(session, today) or today.toordinal(),
        notice=source_status.missing_announcement_notice(session, slot, as_of),
    )


def _assign_epochs(drafts: Sequence[Run]) -> None:
    """Set the epoch that each run ranks by, the oldest announcement first."""
    epoch_ids = {
        announcement_id: epochs.current_epoch_id(announcement_id)
        for announcement_id in sorted({draft.announcement_id for draft in drafts})
    }
    for draft in drafts:
        draft.epoch_id = epoch_ids[draft.announcement_id]

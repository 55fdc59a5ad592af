"""A run: plan a slot's shards, freeze each shard's editions with the deliveries they owe. Any step may run twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col
from sqlmodel import select as sql

from digest import clock
from digest.compose.edition import Content
from digest.db import deliveries, runs
from digest.db import papers as store
from digest.db.engine import reading, transaction
from digest.matching.profile import Profile
from digest.models import ProfileVersion, Run, Shard, Subscriber
from digest.models.delivery import DIGEST, NOTICE
from digest.models.edition import CANCELLED, PAUSED
from digest.ports import Enqueue
from digest.services import cadence, epochs, pool, select, thresholds

SHARD = 1000
LAST_ID = 2**31 - 1  # the largest number that PostgreSQL's integer holds


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one reader is to get for one local date, before it is frozen."""

    reader: Subscriber
    day: date
    content: Content
    tau: int | None = None

    @property
    def kind(self) -> str | None:
        """The e-mail it owes: a digest, a quiet-day notice where the reader chose one, or none."""
        if self.content.entries:
            return DIGEST
        return NOTICE if self.reader.quiet_day == "notice" else None


def plan_due(enqueue: Enqueue, *, now: datetime | None = None) -> list[int]:
    """Insert runs for every slot up to now with readers due, and enqueue their shards. Returns the runs' numbers.

    A shard still open from before is enqueued again: freezing it twice is harmless, forgetting it is not.
    """
    now = now or clock.now()
    planned = []
    with transaction() as session:
        for slot in runs.due_slots(session, now):
            run = _run_for(session, slot, now)
            if not run.id or run.state in {PAUSED, CANCELLED}:
                continue
            if not runs.open_shards(session, run.id):
                runs.add_shards(session, run, runs.due_ids(session, slot), size=SHARD, day=None)
            planned.append(run.id)
        pending = runs.open_shards(session)
    for run_id, number in pending:
        enqueue.freeze(run_id, number)
    return planned


def rehearse(day: date, *, only: int | None = None) -> list[Chosen]:
    """What a run of that date would choose for each reader now. Changes nothing."""
    now = clock.now()
    chosen: list[Chosen] = []
    with reading() as session:
        by_slot: dict[datetime, list[tuple[Subscriber, date]]] = {}
        for reader in runs.readers_between(session, only or 1, only or LAST_ID):
            slot = own_slot(reader, day)
            if slot is not None and not runs.dated(session, [reader.id or 0], [day]):
                by_slot.setdefault(slot, []).append((reader, day))
        for slot, readers in sorted(by_slot.items(), key=lambda pair: pair[0]):
            run = runs.at_slot(session, slot) or draft(session, slot, min(slot, now))
            chosen += _choose(session, run, readers)
    return chosen


def plan_day(day: date, *, only: int | None = None) -> list[int]:
    """Insert runs for every reader's own slot on that date, as known by then. Returns the runs' numbers."""
    now = clock.now()
    by_slot: dict[datetime, list[int]] = {}
    planned = []
    with transaction() as session:
        for reader in runs.readers_between(session, only or 1, only or LAST_ID):
            slot = own_slot(reader, day)
            if slot is not None and reader.id and not runs.dated(session, [reader.id], [day]):
                by_slot.setdefault(slot, []).append(reader.id)
        for slot in sorted(by_slot):
            run = _run_for(session, slot, min(slot, now))
            if run.id and run.state not in {PAUSED, CANCELLED}:
                runs.add_shards(session, run, by_slot[slot], size=SHARD, day=day)
                planned.append(run.id)
    return planned


def own_slot(reader: Subscriber, day: date) -> datetime | None:
    """When this reader's mail of that date is due, or None where the cadence or a pause leaves it out."""
    if reader.paused_until is not None and day < reader.paused_until:
        return None
    if not cadence.wants(day, cadence=reader.cadence, weekday=reader.weekday):
        return None
    return cadence.slot_on(day, zone=clock.zone(reader.time_zone), send_at=reader.send_at)


def _run_for(session: Session, slot: datetime, known_at: datetime) -> Run:
    """The run of a slot; a new one knows what is known at `known_at`."""
    found = runs.at_slot(session, slot)
    if found is not None:
        return found
    run = draft(session, slot, known_at)
    store.announcement_for(session, date.fromordinal(run.announcement_id))  # before the first paper there is none
    run.epoch_id = epochs.current(session, run.announcement_id)
    return runs.claim_slot(session, run)


def draft(session: Session, slot: datetime, known_at: datetime) -> Run:
    """A run as it would be, with what is known at `known_at`; not stored."""
    today = known_at.astimezone(clock.ARXIV_ZONE).date()
    return Run(
        slot=slot,
        created_at=clock.now(),
        signals_at=known_at,
        batch_through=store.known_through(session, known_at),
        announcement_id=store.current_announcement(session, today) or today.toordinal(),
    )


def freeze_shard(run_id: int, number: int) -> bool:
    """Choose and freeze one shard. Safe to run twice and at once: one transaction marks it done, once.

    Returns whether this call froze it. Choosing happens before the transaction, so that nobody waits for it.
    """
    with reading() as session:
        found = runs.shard(session, run_id, number)
        if found is None or found[1].done_at is not None or found[0].state in {PAUSED, CANCELLED}:
            return False
        run, shard = found
        readers = [(r, d) for r in runs.readers_between(session, shard.first, shard.last) if (d := _day(run, shard, r))]
        taken = runs.dated(session, [r.id or 0 for r, _ in readers], {d for _, d in readers})
        chosen = _choose(session, run, [(r, d) for r, d in readers if (r.id, d) not in taken])
    with transaction() as session:
        return _freeze(session, run, shard, chosen)


def _day(run: Run, shard: Shard, reader: Subscriber) -> date | None:
    """The local date this run is for, if the reader belongs to this shard."""
    if shard.day is not None:
        return shard.day if own_slot(reader, shard.day) == run.slot else None
    if reader.next_due_at != run.slot:
        return None
    return cadence.day_of(run.slot, zone=clock.zone(reader.time_zone), send_at=reader.send_at)


def _choose(session: Session, run: Run, readers: Sequence[tuple[Subscriber, date]]) -> list[Chosen]:
    """What each of these readers is to get. Reads only."""
    if not readers:
        return []
    known = pool.load(session, run)
    wanted = profiles(session, [r for r, _ in readers])
    sent = select.sent_before(session, known, [r.id or 0 for r, _ in readers])
    taus = thresholds.of(session, run, wanted)
    chosen = []
    for reader, day in readers:
        profile_id = reader.profile_id or 0
        tau = taus.get(profile_id)
        content = select.choose(
            known,
            wanted.get(profile_id, Profile()),
            seen_through=reader.seen_through,
            tau=tau,
            sent=sent.get(reader.id or 0, frozenset()),
        )
        chosen.append(Chosen(reader, day, content, tau))
    return chosen


def profiles(session: Session, readers: Sequence[Subscriber]) -> Mapping[int, Profile]:
    """What these readers want, by profile version."""
    numbers = [r.profile_id for r in readers if r.profile_id]
    rows = session.exec(sql(ProfileVersion).where(col(ProfileVersion.id).in_(numbers)))
    return {row.id: Profile.from_json(row.profile) for row in rows if row.id}


def _freeze(session: Session, run: Run, shard: Shard, chosen: Sequence[Chosen]) -> bool:
    """One transaction: editions, deliveries, readers moved on, shard done. A reader changed meanwhile stays due."""
    now = clock.now()
    still = {r.id: r for r in runs.readers_between(session, shard.first, shard.last, lock=True)}
    taken = runs.dated(session, [c.reader.id or 0 for c in chosen], {c.day for c in chosen})
    good = [c for c in chosen if _unchanged(c.reader, still.get(c.reader.id)) and (c.reader.id, c.day) not in taken]
    mailed = [c for c in good if c.kind]
    papers = sum(len(c.content.entries) for c in mailed)
    skipped = len(good) - len(mailed)
    if not runs.finish_shard(session, shard, at=now, readers=len(mailed), skipped=skipped, papers=papers):
        return False
    thresholds.keep(session, run.epoch_id, {c.reader.profile_id: c.tau for c in good if c.reader.profile_id})
    numbers = runs.insert_editions(session, [_edition(run, c, now) for c in mailed])
    deliveries.owe(session, [_owed(run, c, n) for n, c in zip(numbers, mailed, strict=True)], now)
    considered = {c.reader.id for c in good}
    moved = [
        _moved_on(run, reader, reader.id in considered, now) for reader in still.values() if _day(run, shard, reader)
    ]
    if moved:
        session.execute(update(Subscriber), moved)
    return True


def _owed(run: Run, chosen: Chosen, edition_id: int) -> deliveries.Owed:
    reader = chosen.reader
    return deliveries.Owed(
        kind=chosen.kind or DIGEST,
        subject_id=edition_id,
        address=reader.address,
        subscriber_id=reader.id,
        run_id=run.id,
    )


def _unchanged(before: Subscriber, now: Subscriber | None) -> bool:
    return now is not None and (before.profile_id, before.seen_through, before.next_due_at) == (
        now.profile_id,
        now.seen_through,
        now.next_due_at,
    )


def _edition(run: Run, chosen: Chosen, now: datetime) -> dict[str, Any]:
    return {
        "subscriber_id": chosen.reader.id,
        "day": chosen.day,
        "run_id": run.id,
        "announcement_id": run.announcement_id,
        "profile_id": chosen.reader.profile_id or 0,
        "created_at": now,
        "previous_seen": chosen.reader.seen_through,
        "kind": DIGEST,
        "papers": len(chosen.content.entries),
        "content": chosen.content.to_json(),
    }


def _moved_on(run: Run, reader: Subscriber, considered: bool, now: datetime) -> dict[str, Any]:
    """The reader's next slot, always in the future; what was considered is seen, whether or not a mail goes out."""
    seen = max(reader.seen_through, run.batch_through) if considered else reader.seen_through
    due = reader.next_due_at
    if due is not None and due <= run.slot:
        due = cadence.due_after(reader, max(run.slot, now))
    return {"id": reader.id, "seen_through": seen, "next_due_at": due}

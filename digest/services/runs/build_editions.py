"""Freezing: each shard's editions with the deliveries they owe, in one transaction. Any step may run twice."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.runs import edition_writes, runs
from digest.db.subscribers import shard_reads
from digest.db.subscribers.shard_reads import Due
from digest.models import Epoch, Run, Shard
from digest.models.edition import PLANNED
from digest.services.editions import assemble_edition
from digest.services.editions.assemble_edition import Kept
from digest.services.runs import run_planning
from digest.services.selection import thresholds
from digest.services.subscriptions import send_schedule


class _Stopped(Exception):
    """The run was paused or cancelled while its shard was chosen: what was written is undone."""


def freeze_shard(run_id: int, number: int) -> bool:
    """Choose and freeze one shard. Safe to run twice and at once: one transaction marks it done, once.

    Returns whether this call froze it. Choosing happens before the transaction, so that nobody waits for it.
    """
    with _undisturbed():
        return _freeze_shard(run_id, number)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the search for values that refer to each other in rings: of millions none does, and it takes a fifth."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def _freeze_shard(run_id: int, number: int) -> bool:
    with reading() as session:
        found = runs.shard(session, run_id, number)
        if found is None or found[1].done_at is not None or found[0].state != PLANNED:
            return False
        run, shard = found
        readers = _readers(session, run, shard)
        taken = _taken(session, readers)
        epoch = session.get(Epoch, run.epoch_id) if run.epoch_id else None
        wanted = [(reader, day) for reader, day in readers if reader.id not in taken]
        chosen = [
            *map(Kept.of, assemble_edition.each(session, run, epoch, wanted, shard=run_planning.name(run, shard)))
        ]
    try:
        with transaction() as session:
            return _freeze(session, run, shard, chosen)
    except _Stopped:
        return False


def _readers(session: Session, run: Run, shard: Shard, *, lock: bool = False) -> list[tuple[Due, date]]:
    """The readers that this shard is for, with the local date."""
    found = shard_reads.of_shard(session, run, shard, settled=run.slot - assemble_edition.SETTLED, lock=lock)
    if shard.day is not None:
        fits = {id(one.alike): run_planning.own_slot(one, shard.day) == run.slot for one in _each_kind(found)}
        return [(reader, shard.day) for reader in found if fits[id(reader.alike)]]
    days = {id(one.alike): run_planning.day_at(one, run.slot) for one in _each_kind(found)}
    return [(reader, days[id(reader.alike)]) for reader in found]


def _each_kind(readers: Iterable[Due]) -> Iterable[Due]:
    """One of those readers who have all but their numbers in common."""
    return {id(reader.alike): reader for reader in readers}.values()


def _taken(session: Session, readers: Iterable[tuple[Due, date]]) -> set[int]:
    """Those who have that date's edition already."""
    dates = {reader.id or 0: day for reader, day in readers}
    return {number for number, day in runs.dated(session, dates, set(dates.values())) if dates[number] == day}


def _freeze(session: Session, run: Run, shard: Shard, chosen: Sequence[Kept]) -> bool:
    """One transaction: editions, deliveries, readers moved on, shard done."""
    now = clock.now()
    present = {reader.id or 0: (reader, day) for reader, day in _readers(session, run, shard, lock=True)}
    taken = _taken(session, present.values())
    good = [c for c in chosen if c.reader.id not in taken and _unchanged(c, present)]
    mailed = [c for c in good if c.kind]
    papers = sum(c.papers for c in mailed)
    skipped = len(good) - len(mailed)
    if not runs.finish_shard(session, shard, at=now, readers=len(mailed), skipped=skipped, papers=papers):
        return False
    taus = {c.reader.profile_id: c.tau for c in good if c.reader.profile_id and c.calibrated}
    thresholds.keep(session, run.epoch_id, taus)
    edition_writes.owe(session, edition_writes.editions(session, assemble_edition.columns(run, mailed, now)), now)
    considered = {c.reader.id or 0 for c in good}
    runs.move_on(session, _moved_on(run, [present[n][0] for n in considered | taken], considered, now))
    _go_on(session, run, shard, sorted(set(present) - considered - taken))
    return True


def _go_on(session: Session, run: Run, shard: Shard, left: Sequence[int]) -> None:
    """The run is complete with its last shard. Readers who changed meanwhile are chosen for again, in a further one."""
    held = runs.lock(session, run.id or 0)
    if held is None or held.state != PLANNED:
        raise _Stopped
    runs.add_shards(session, held, left, size=run_planning.SHARD, day=shard.day)
    runs.complete(session, held)


def _unchanged(chosen: Kept, present: Mapping[int, tuple[Due, date]]) -> bool:
    """True where what was chosen is still right for the reader."""
    now = present.get(chosen.reader.id or 0)
    if now is None:
        return False
    before, (after, day) = chosen.reader, now
    return (before.profile_id, before.seen_through, before.quiet_day, chosen.day) == (
        after.profile_id,
        after.seen_through,
        after.quiet_day,
        day,
    )


def _moved_on(
    run: Run, readers: Iterable[Due], considered: Collection[int], now: datetime
) -> list[tuple[int, int, datetime | None]]:
    """Each reader's number, what was seen, next slot (always in the future).

    What was considered is seen, also without a mail. A slot that waits between the run's and now is left: it was
    missed, and its mail is still to come.
    """
    moved, slots = [], dict[int, datetime | None]()
    for reader in readers:
        seen = max(reader.seen_through, run.batch_through) if reader.id in considered else reader.seen_through
        kind = id(reader.alike)
        if kind not in slots:
            slots[kind] = _next_slot(run, reader, now)
        moved.append((reader.id, seen, slots[kind]))
    return moved


def _next_slot(run: Run, reader: Due, now: datetime) -> datetime | None:
    due = reader.next_due_at
    if due is not None and (due == run.slot or due <= min(run.slot, now)):
        due = send_schedule.due_after(reader, max(due, now))
    return due

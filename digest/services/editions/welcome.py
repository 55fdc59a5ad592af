"""A first edition, minutes after confirming: from the last 7 announcements; it is that date's edition."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.papers import papers as store
from digest.db.runs import edition_writes, runs
from digest.db.subscribers import subscribers
from digest.db.subscribers.subscribers import WELCOME_WITHIN
from digest.interfaces import Enqueue
from digest.models import Epoch, Run
from digest.models.delivery import WELCOME
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.editions.assemble_edition import Chosen, Kept
from digest.services.selection import thresholds

ANNOUNCEMENTS = 7
AFTER = timedelta(minutes=2)  # a wake-up that was lost is given again between this and `WELCOME_WITHIN`
AT_ONCE = 1000  # so many of an import wait in the queue at a time


def first_edition(subscriber_id: int, enqueue: Enqueue | None = None) -> bool:
    """Freeze and owe it; safe to run twice. False where nothing matches, or the date has its edition."""
    now = clock.now()
    with reading() as session:
        announcement = store.current_announcement(session, now.astimezone(clock.ARXIV_ZONE).date())
    if announcement is None:
        return False
    run = Run(
        slot=clock.slot_of(now),
        created_at=now,
        signals_at=now,
        batch_through=0,
        announcement_id=announcement,
        epoch_id=epochs.current(announcement),
    )
    chosen = _choose(run, subscriber_id)
    made = chosen is not None and _freeze(run, chosen)
    _note(subscriber_id, now)
    if made and enqueue is not None:
        enqueue.deliver()
    return made


def wake_forgotten(enqueue: Enqueue, *, now: datetime | None = None) -> int:
    """Ask again for the welcomes that nobody has considered: their wake-ups were lost. Returns how many."""
    now = now or clock.now()
    with reading() as session:
        found = subscribers.unwelcomed(session, WELCOME, since=now - WELCOME_WITHIN, until=now - AFTER, limit=AT_ONCE)
    for number in found:
        enqueue.welcome(number)
    return len(found)


def _note(subscriber_id: int, now: datetime) -> None:
    """The reader's welcome was considered, whether or not there was one to send."""
    with transaction() as session:
        subscribers.leave_unwelcomed(session, subscriber_id, now=now)


def _choose(run: Run, subscriber_id: int) -> Chosen | None:
    """The reader's welcome, or None where there is nothing to send. What no run has considered yet stays new."""
    with reading() as session:
        reader = subscribers.by_id(session, subscriber_id)
        if reader is None or reader.state != ACTIVE:
            return None
        day = run.created_at.astimezone(clock.zone(reader.time_zone)).date()
        if runs.dated(session, [subscriber_id], [day]):
            return None
        run.batch_through = reader.seen_through
        epoch = session.get(Epoch, run.epoch_id) if run.epoch_id else None
        chosen = assemble_edition.choose_first(session, run, epoch, reader, day, window=ANNOUNCEMENTS)
    return chosen if chosen.frozen.papers else None


def _freeze(run: Run, chosen: Chosen) -> bool:
    """One transaction. Two at once: the second waits for the reader's row and finds the first one's edition."""
    number = stored_id(chosen.reader)
    with transaction() as session:
        reader = subscribers.by_id(session, number, lock=True)
        if reader is None or reader.state != ACTIVE or runs.dated(session, [number], [chosen.day]):
            return False
        if chosen.reader.profile_id:
            thresholds.keep(session, run.epoch_id, {chosen.reader.profile_id: chosen.tau})
        [edition_id] = edition_writes.editions(
            session, assemble_edition.columns(run, [Kept.of(chosen)], run.created_at, kind=WELCOME)
        )
        bulk = subscribers.was_imported(session, number)  # thousands at once must not delay the day's mail
        mail = deliveries.Owed(WELCOME, edition_id, reader.address, subscriber_id=number, run_id=run.id, bulk=bulk)
        deliveries.owe(session, [mail], run.created_at)
    return True

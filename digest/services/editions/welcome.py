"""The first edition, sent minutes after the confirmation; it counts as that date's edition.

Where nothing matches, who confirmed on a page gets a notice instead, which is no edition: the day's run may bring one.
"""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.papers import papers as store
from digest.db.runs import edition_writes, editions
from digest.db.subscribers import subscribers
from digest.db.subscribers.subscribers import WELCOME_WITHIN
from digest.db.subscribers.threshold_store import ProfileThreshold
from digest.models import Epoch, Run, Subscriber
from digest.models.delivery import FIRST_NOTICE, WELCOME
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.editions.assemble_edition import AssembledEdition, EditionRow
from digest.services.selection import threshold_lookup
from digest.services.subscriptions import send_schedule

WINDOW_DAYS = 14  # of announcements whose best papers a first edition shows
WELCOME_DELAY = timedelta(minutes=2)  # lost tasks are enqueued again between this and `WELCOME_WITHIN`
BATCH_SIZE = 1000  # welcomes of an import that wait in the queue at a time


def first_edition(subscriber_id: int, enqueue: Enqueue | None = None) -> bool:
    """Store the edition and its delivery, or that of a notice; idempotent. False if there is no first edition."""
    now = clock.now()
    with reading() as session:
        announcement = store.current_announcement(session, now.astimezone(clock.ARXIV_ZONE).date())
    if announcement is None:  # the sign-up page says so: the first mail comes after the next announcement
        return False
    is_stored, is_noticed = _store_edition_or_notice(subscriber_id, announcement, now)
    if not is_noticed:
        _mark_welcomed(subscriber_id, now)
    if (is_stored or is_noticed) and enqueue is not None:
        enqueue.deliver()
    return is_stored


def _store_edition_or_notice(subscriber_id: int, announcement: int, now: datetime) -> tuple[bool, bool]:
    """Store a first edition, else a notice where it would have no papers. Returns which of the two was stored."""
    run = Run(
        slot=clock.slot_of(now),
        created_at=now,
        signals_at=now,
        batch_through=0,
        announcement_id=announcement,
        epoch_id=epochs.current_epoch_id(announcement),
    )
    assembled = _assemble(run, subscriber_id)
    if assembled is None:
        return False, False
    if assembled.stored_content.papers:
        return _store(run, assembled), False
    return False, _store_notice(subscriber_id, assembled.content, announcement, now)


def announcements_shown(session: Session, announcement: int) -> int:
    """The number of announcements of the two weeks that end with this one; a first edition shows their best papers."""
    return len(announcements_of_two_weeks(session, announcement)) or 1


def announcements_of_two_weeks(session: Session, announcement: int) -> list[int]:
    """The announcements of the two weeks that end with this one."""
    numbers = store.announcement_window(session, announcement, WINDOW_DAYS)
    return [number for number in numbers if number > announcement - WINDOW_DAYS]


def days_shown(day: date) -> int:
    """How many days back the papers of a first edition of that day reach; 0 where nothing was announced yet."""
    with reading() as session:
        announcement = store.current_announcement(session, day)
        numbers = announcements_of_two_weeks(session, announcement) if announcement is not None else []
    return day.toordinal() - min(numbers) + 1 if numbers else 0


def enqueue_missing_welcomes(enqueue: Enqueue, *, now: datetime | None = None) -> int:
    """Enqueue welcomes again whose tasks were lost. Returns how many."""
    now = now or clock.now()
    with reading() as session:
        subscriber_ids = subscribers.without_welcome(
            session, WELCOME, since=now - WELCOME_WITHIN, until=now - WELCOME_DELAY, limit=BATCH_SIZE
        )
    for subscriber_id in subscriber_ids:
        enqueue.welcome(subscriber_id)
    return len(subscriber_ids)


def build_missing_welcomes(*, only: int | None, seconds: float) -> int:
    """Store first editions without a worker, for at most that long. Returns how many; a later call does the others."""
    deadline, now = time.monotonic() + seconds, clock.now()
    with reading() as session:
        subscriber_ids = subscribers.without_welcome(
            session, WELCOME, since=now - WELCOME_WITHIN, until=now, limit=BATCH_SIZE, only_id=only
        )
    stored_count = 0
    for subscriber_id in subscriber_ids:
        if time.monotonic() > deadline:
            break
        stored_count += first_edition(subscriber_id)
    return stored_count


def missing_welcome_addresses(*, confirmed_until: datetime, limit: int) -> list[str]:
    """Addresses, by id, of subscribers confirmed until then whose first edition would be built now."""
    with reading() as session:
        subscriber_ids = subscribers.without_welcome(
            session, WELCOME, since=clock.now() - WELCOME_WITHIN, until=confirmed_until, limit=limit
        )
        rows = (subscribers.by_id(session, subscriber_id) for subscriber_id in subscriber_ids)
        return [row.address for row in rows if row and _may_be_welcomed(row, clock.now())]


def _mark_welcomed(subscriber_id: int, now: datetime) -> None:
    """Record that the welcome was considered, whether or not there was anything to send."""
    with transaction() as session:
        subscribers.mark_welcomed(session, subscriber_id, now=now)


def _may_be_welcomed(subscriber: Subscriber, now: datetime) -> bool:
    """False for who left, who has paused, and who confirmed before any paper was stored.

    The first run after the pause, or after the confirmation, brings what was announced since.
    """
    is_paused = send_schedule.is_paused(subscriber, now)
    return subscriber.state == ACTIVE and not is_paused and subscriber.seen_through > 0


def _assemble(run: Run, subscriber_id: int) -> AssembledEdition | None:
    """The welcome edition; None if there is none to send. Papers of later batches stay new for the next run."""
    with reading() as session:
        subscriber = subscribers.by_id(session, subscriber_id)
        if subscriber is None or not _may_be_welcomed(subscriber, run.created_at):
            return None
        day = run.created_at.astimezone(clock.zone_info(subscriber.time_zone)).date()
        if editions.edition_dates(session, [subscriber_id], [day]):
            return None
        run.batch_through = subscriber.seen_through
        epoch = session.get(Epoch, run.epoch_id) if run.epoch_id else None
        window = announcements_shown(session, run.announcement_id)
        return assemble_edition.assemble_welcome(session, run, epoch, subscriber, day, window=window)


def _store_notice(subscriber_id: int, content: Content, announcement: int, now: datetime) -> bool:
    """Store the delivery of a notice, once for a confirmation on a page; False where there is none to send.

    The subscriber's row is locked, and the same transaction records that the welcome was considered.
    """
    with transaction() as session:
        subscriber = subscribers.by_id(session, subscriber_id, lock=True)
        if (
            subscriber is None
            or not _may_be_welcomed(subscriber, now)
            or subscribers.was_imported(session, subscriber_id)
        ):
            return False
        confirmed_at = subscriber.confirmed_at or subscriber.created_at
        if subscribers.attempts(session, WELCOME, str(subscriber_id), since=confirmed_at):
            return False
        oldest = min(announcements_of_two_weeks(session, announcement), default=None)
        notice = deliveries.NewDelivery(
            FIRST_NOTICE,
            subscriber_id,
            subscriber.address,
            serial=deliveries.next_serial(session, FIRST_NOTICE, subscriber_id),
            subscriber_id=subscriber_id,
            payload={"considered": content.considered, "since": oldest},
        )
        deliveries.enqueue(session, [notice], now)
        subscribers.mark_welcomed(session, subscriber_id, now=now)
    return True


def _store(run: Run, assembled: AssembledEdition) -> bool:
    """Store edition and delivery in one transaction.

    The subscriber's row is locked, so a concurrent call finds this edition and returns False.
    """
    subscriber_id = stored_id(assembled.subscriber)
    with transaction() as session:
        subscriber = subscribers.by_id(session, subscriber_id, lock=True)
        if (
            subscriber is None
            or not _may_be_welcomed(subscriber, run.created_at)
            or editions.edition_dates(session, [subscriber_id], [assembled.day])
        ):
            return False
        if assembled.subscriber.profile_id:
            threshold = ProfileThreshold(assembled.tau, assembled.has_contexts)
            threshold_lookup.store_thresholds(session, run.epoch_id, {assembled.subscriber.profile_id: threshold})
        [edition_id] = edition_writes.insert_editions(
            session,
            assemble_edition.edition_columns(run, [EditionRow.from_assembled(assembled)], run.created_at, kind=WELCOME),
        )
        bulk = subscribers.was_imported(session, subscriber_id)  # thousands at once must not delay the day's mail
        delivery = deliveries.NewDelivery(
            WELCOME, edition_id, subscriber.address, subscriber_id=subscriber_id, run_id=run.id, bulk=bulk
        )
        deliveries.enqueue(session, [delivery], run.created_at)
    return True

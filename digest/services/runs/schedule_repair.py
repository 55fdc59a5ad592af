"""Undoes what a wall clock that was ahead has put off: next mails, waiting mails, paused domains and papers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.engine import transaction
from digest.db.outbox import deliveries
from digest.db.papers import papers
from digest.db.runs import editions, runs
from digest.models import Subscriber
from digest.models.types import stored_id
from digest.services.runs.run_planning import day_of_slot
from digest.services.subscriptions import send_schedule

log = logs.get(__name__)

LONGEST_MAIL_WAIT = timedelta(days=2)  # longer than any delay of a retry, pause of a domain, or rate
# For a next slot, by cadence, with an hour for daylight saving; who is due later is checked one by one
LONGEST_SLOT_WAITS = {
    send_schedule.DAILY: timedelta(days=1, hours=1),
    send_schedule.WEEKDAYS: timedelta(days=3, hours=1),
    send_schedule.WEEKLY: timedelta(days=7, hours=1),
}


def repair_schedules(now: datetime | None = None) -> int:
    """Bring forward what is due later than it could be at the present time. Returns how many. Safe to run twice."""
    now = now or clock.now()
    with transaction() as session:
        mails = deliveries.advance_due(session, later_than=now + LONGEST_MAIL_WAIT, now=now)
        batches = papers.advance_batches(session, now)  # else they and all papers after them would wait
    latest_slots = {cadence: now + wait for cadence, wait in LONGEST_SLOT_WAITS.items()}
    last_id: int | None = 0
    repaired = 0
    while last_id is not None:
        with transaction() as session:
            page = runs.lock_due_later(session, latest_slots, after_id=last_id)
            repaired += _bring_forward(session, page, now)
            last_id = stored_id(page[-1]) if page else None
    if mails or batches or repaired:
        log.warning("schedules_repaired", mails=mails, batches=batches, subscribers=repaired)
    return mails + batches + repaired


def _bring_forward(session: Session, subscribers: list[Subscriber], now: datetime) -> int:
    """Set the next slot again, past dates that already have an edition. Returns how many subscribers changed."""
    due = {stored_id(subscriber): send_schedule.due_after(subscriber, now) for subscriber in subscribers}
    days = {stored_id(subscriber): day_of_slot(subscriber, due[stored_id(subscriber)]) for subscriber in subscribers}
    with_edition = editions.edition_dates(session, days, set(days.values()))
    changed = 0
    for subscriber in subscribers:
        subscriber_id = stored_id(subscriber)
        next_due_at = due[subscriber_id]
        if (subscriber_id, days[subscriber_id]) in with_edition:
            next_due_at = send_schedule.due_after(subscriber, next_due_at)
        if subscriber.next_due_at is not None and next_due_at < subscriber.next_due_at:
            subscriber.next_due_at = next_due_at
            changed += 1
    return changed

"""A subscriber's history for administrators: consent, every mail and its outcome, bounces, and why no mail comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from digest.db.core.engine import reading
from digest.db.reporting import admin_listings
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.i18n import localize
from digest.models import Delivery, Subscriber, Suppression
from digest.models.delivery import SENT, UNCERTAIN
from digest.models.types import stored_id
from digest.services.editions import why_report

MAX_EVENTS = 200  # of each kind


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """A sentence about what happened at that time. `run_id`: the run of a mail."""

    at: datetime
    text: str
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class SubscriberHistory:
    """A subscriber with the newest events first. `reasons`: why there is a next mail or none, a line each.

    `editions`: (local date, number of papers), newest first.
    """

    subscriber: Subscriber
    suppression: Suppression | None
    topics: tuple[str, ...]
    reasons: tuple[str, ...]
    events: tuple[HistoryEvent, ...]
    editions: tuple[tuple[date, int], ...]


def subscriber_history(subscriber_id: int) -> SubscriberHistory:
    """The history of a subscriber. Raises NotFound."""
    with reading() as session:
        subscriber = subscribers.by_id(session, subscriber_id) if 0 < subscriber_id < 2**31 else None
        if subscriber is None:
            raise NotFound(localize("there is no such subscriber"))
        events = sorted(_events(session, subscriber), key=lambda event: event.at, reverse=True)
        profile = subscribers.profile_of(session, subscriber)
        suppression = subscribers.suppression(session, subscriber.address_key)
        problem = _problem_of_newest_mail(session, subscriber_id)
        editions = admin_listings.editions_of_subscriber(session, subscriber_id, limit=MAX_EVENTS)
    lines = why_report.why_mail(subscriber.address)
    reasons = (*problem, *(line for line in lines if not line.startswith(" ")))  # the indented ones name its papers
    topics = tuple(f"{topic.text} ({localize('muted')})" if topic.muted else topic.text for topic in profile.topics)
    days = tuple((edition.day, edition.papers) for edition in editions)
    return SubscriberHistory(subscriber, suppression, topics, reasons, tuple(events), days)


def _events(session: Session, subscriber: Subscriber) -> Iterator[HistoryEvent]:
    subscriber_id = stored_id(subscriber)
    for consent in subscribers.consents(session, subscriber_id):
        yield HistoryEvent(
            consent.at,
            localize("Consent: %(event)s (%(wording)s)", event=localize(consent.event), wording=consent.wording),
        )
    for mail in admin_listings.deliveries_of_subscriber(session, subscriber_id, limit=MAX_EVENTS):
        yield HistoryEvent(mail.tried_at or mail.created_at, _fate(mail), mail.run_id)
    for bounce in admin_listings.bounces_of_address(session, subscriber.address_key, limit=MAX_EVENTS):
        yield HistoryEvent(
            bounce.at, localize("Bounce: %(kind)s %(status)s", kind=localize(bounce.kind), status=bounce.status)
        )
    for row in admin_listings.audit_of_subscriber(session, subscriber_id, limit=MAX_EVENTS):
        yield HistoryEvent(
            row.at, localize("%(action)s, by %(actor)s", action=row.action.capitalize(), actor=row.actor)
        )


def _problem_of_newest_mail(session: Session, subscriber_id: int) -> tuple[str, ...]:
    """What became of the newest mail where it has not arrived for certain."""
    for mail in admin_listings.deliveries_of_subscriber(session, subscriber_id, limit=1):
        if mail.state == UNCERTAIN:
            return (localize("The newest mail may have arrived. %(fate)s", fate=_fate(mail)),)
        if mail.state != SENT:
            return (localize("The newest mail has not arrived. %(fate)s", fate=_fate(mail)),)
    return ()


def _fate(mail: Delivery) -> str:
    """What became of a mail, with the server's last reply."""
    text = localize("Mail %(kind)s: %(state)s", kind=localize(mail.kind), state=localize(mail.state))
    if mail.attempts > 1:
        text += localize(" after %(n)s attempts", n=mail.attempts)
    return f"{text}. {mail.reply}" if mail.reply else f"{text}."

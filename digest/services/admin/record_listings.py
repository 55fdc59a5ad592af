"""Runs, mails, editions, bounces and subscribers as the API lists and shows them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from digest.db.core.engine import reading
from digest.db.reporting import admin_listings, mail_overview
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.i18n import localize
from digest.models import Bounce, Delivery, Edition, Run, Subscriber, Suppression
from digest.models.types import stored_id
from digest.services.subscriptions import preference_fields, preference_versions

MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run and the number of its mails by state."""

    run: Run
    deliveries: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SubscriberRecord:
    """A subscriber, the preferences by name, and the suppression of the address."""

    subscriber: Subscriber
    preferences: Mapping[str, Any]
    version: str
    suppression: Suppression | None


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails to list; None for any. `text`: part of the address."""

    state: str | None = None
    kind: str | None = None
    run_id: int | None = None
    subscriber_id: int | None = None
    text: str = ""


def runs(*, before_id: int | None, limit: int) -> list[RunRecord]:
    """Runs, the newest first."""
    with reading() as session:
        page = mail_overview.runs(session, before_id=before_id, limit=limit)
        states = mail_overview.deliveries_of_runs(session, [stored_id(run) for run in page])
        return [RunRecord(run, states[stored_id(run)]) for run in page]


def run(run_id: int) -> RunRecord:
    """A run. Raises NotFound."""
    with reading() as session:
        row = session.get(Run, run_id) if 0 < run_id < 2**31 else None
        if row is None:
            raise NotFound(localize("there is no such run"))
        return RunRecord(row, mail_overview.deliveries_of_runs(session, [run_id])[run_id])


def deliveries(mail_filter: MailFilter, *, before_id: int | None, limit: int) -> Sequence[Delivery]:
    """Mails, the newest first."""
    with reading() as session:
        return mail_overview.deliveries(
            session,
            state=mail_filter.state,
            kind=mail_filter.kind,
            run_id=mail_filter.run_id,
            subscriber_id=mail_filter.subscriber_id,
            text=mail_filter.text,
            before_id=before_id,
            limit=limit,
        )


def delivery(delivery_id: int) -> Delivery:
    """A mail. Raises NotFound."""
    with reading() as session:
        row = session.get(Delivery, delivery_id) if 0 < delivery_id <= MAX_ID else None
    if row is None:
        raise NotFound(localize("there is no such mail"))
    return row


def editions(*, run_id: int | None, subscriber_id: int | None, before_id: int | None, limit: int) -> Sequence[Edition]:
    """Editions, the newest first."""
    with reading() as session:
        return mail_overview.editions(
            session, run_id=run_id, subscriber_id=subscriber_id, before_id=before_id, limit=limit
        )


def edition(edition_id: int) -> Edition:
    """An edition. Raises NotFound."""
    with reading() as session:
        row = session.get(Edition, edition_id) if 0 < edition_id <= MAX_ID else None
    if row is None:
        raise NotFound(localize("this edition no longer exists"))
    return row


def bounces(*, text: str, kind: str | None, before_id: int | None, limit: int) -> Sequence[Bounce]:
    """Bounces, the newest first: of that kind where given, whose address contains the text."""
    with reading() as session:
        return admin_listings.bounces_page(session, text=text, kind=kind, before_id=before_id, limit=limit)


def subscriber_records(*, state: str, text: str, before_id: int | None, limit: int) -> list[SubscriberRecord]:
    """Subscribers, the newest first: those in a state ('' for any) whose address contains the text."""
    with reading() as session:
        page = admin_listings.subscribers_page(session, state=state, text=text, before_id=before_id, limit=limit)
        return [_record(session, row) for row in page]


def subscriber_record(subscriber_id: int) -> SubscriberRecord:
    """A subscriber. Raises NotFound."""
    with reading() as session:
        row = subscribers.by_id(session, subscriber_id) if 0 < subscriber_id < 2**31 else None
        if row is None:
            raise NotFound(localize("there is no such subscriber"))
        return _record(session, row)


def _record(session: Session, subscriber: Subscriber) -> SubscriberRecord:
    profile = subscribers.profile_of(session, subscriber)
    return SubscriberRecord(
        subscriber,
        preference_fields.preference_values(subscriber, profile),
        preference_versions.version_of(subscriber, profile),
        subscribers.suppression(session, subscriber.address_key),
    )


def suppression_of(address: str) -> Suppression:
    """The suppression of an address. Raises NotFound, BadInput."""
    with reading() as session:
        row = subscribers.suppression(session, subscribers.parse_address(address).key)
    if row is None:
        raise NotFound(localize("there is no such suppression"))
    return row

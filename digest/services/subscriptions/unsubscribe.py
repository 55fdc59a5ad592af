"""Unsubscribing. It may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.core.group_commit import GroupCommit
from digest.db.outbox import subscriber_mail
from digest.db.subscribers import subscribers
from digest.models import Subscriber
from digest.models.delivery import EDITION_KINDS, FIRST_NOTICE
from digest.services.subscriptions import consent_origin
from digest.services.subscriptions.sign_up import WORDING_VERSION


def subscriber_of(subscriber_id: int) -> Subscriber | None:
    """The subscriber of an unsubscribe link; None after erasure."""
    with engine.reading() as session:
        return subscribers.by_id(session, subscriber_id)


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """A request to stop all mail. `origin`: `consent_origin.stored_form` of the client, or a word."""

    subscriber_id: int
    origin: str = ""


def unsubscribe(subscriber_id: int, client: str = "") -> None:
    """Stop all mail at once. Repeated, or after erasure, it changes nothing and raises no error."""
    origin = consent_origin.stored_form(client)
    with engine.transaction() as session:
        unsubscribe_in_session(session, subscriber_id, origin, now=clock.now())


async def commit_unsubscription(unsubscription: Unsubscription) -> None:
    """Like `unsubscribe`. Returns when it is stored durably, in one transaction with concurrent ones."""
    await _COMMITS.commit(unsubscription)


def unsubscribe_in_session(session: Session, subscriber_id: int, origin: str, *, now: datetime) -> bool:
    """`unsubscribe` within a transaction. False if the subscriber had unsubscribed before, or is erased."""
    return bool(_unsubscribe_all(session, [Unsubscription(subscriber_id, origin)], now=now))


def _unsubscribe_all(session: Session, unsubscriptions: Sequence[Unsubscription], *, now: datetime) -> list[int]:
    """Stop the mail of several subscribers and record it. Returns the ids of those who had not unsubscribed before."""
    origins = {item.subscriber_id: item.origin for item in reversed(unsubscriptions)}  # the first of each subscriber
    subscriber_ids = subscribers.lock_unless_left(session, list(origins))
    if not subscriber_ids:
        return []
    subscribers.mark_left(session, subscriber_ids, now=now)
    leaving = {subscriber_id: origins[subscriber_id] for subscriber_id in subscriber_ids}
    subscribers.record_departures(session, leaving, now=now, wording=WORDING_VERSION)
    subscriber_mail.cancel_waiting(session, subscriber_ids, (*EDITION_KINDS, FIRST_NOTICE))
    return subscriber_ids


def _commit_unsubscriptions(session: Session, unsubscriptions: Sequence[Unsubscription]) -> None:
    _unsubscribe_all(session, unsubscriptions, now=clock.now())


_COMMITS = GroupCommit(_commit_unsubscriptions)

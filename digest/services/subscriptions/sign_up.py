"""Signing up. The answer is the same for every address; only the owner of the inbox learns more.

A sign-up changes nothing that is kept about an address. What it asks for waits in a request of its own until the owner
confirms it, so a stranger who knows an address can change nobody's mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.outbox.transactional_mail import owe_next
from digest.db.subscribers import subscribers
from digest.interfaces import Enqueue
from digest.models import SignUpRequest, Subscriber, Suppression
from digest.models.delivery import CONFIRMATION, LINK
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.services.security import rate_limits
from digest.services.subscriptions import consent_origin, suppressions
from digest.services.subscriptions.preference_fields import Subscription

WORDING = "2026-11"  # of the sentences on the confirmation page; change it whenever they change
AFTER_BOUNCE = timedelta(days=7)  # an address that bounced gets one confirmation in so long


def subscribe(
    request: Subscription,
    client: str,
    enqueue: Enqueue,
    *,
    client_limit: rate_limits.RateLimit = rate_limits.SIGN_UPS,
) -> None:
    """Owe a confirmation to the address, or the link to their preferences to one who is subscribed already.

    Nothing is owed to suppressed addresses and to those that had enough mail lately (`rate_limits`); an address that
    bounced may confirm once a week that it works again. `client` is where the request came from. Raises BadInput for
    the address, TooMany for the client.
    """
    who, now = subscribers.address(request.address), clock.now()
    with engine.reading() as session:
        known = subscribers.by_key(session, who.key)
    limit = rate_limits.LINKS if known is not None and known.state == ACTIVE else rate_limits.CONFIRMATIONS
    if rate_limits.allow_mail(limit, who.key, client_limit=client_limit, client=client):
        with engine.transaction() as session:
            suppression = subscribers.suppression(session, who.key)
            if suppression is None or suppressions.can_be_lifted(suppression.reason, suppression.source):
                subscriber = subscribers.admit(session, who, now=now)
                session.flush()
                _answer(session, subscriber, suppression, request, client=client, now=now)
    enqueue.deliver()


def _answer(
    session: Session,
    subscriber: Subscriber,
    suppression: Suppression | None,
    request: Subscription,
    *,
    client: str,
    now: datetime,
) -> None:
    """Mail a link: to the preferences for an active subscriber, otherwise one that confirms what was asked for."""
    known = stored_id(subscriber)
    if subscriber.state == ACTIVE and suppression is None:
        owe_next(session, LINK, subject_id=known, address=subscriber.address, subscriber_id=known, now=now)
        return
    if suppression is not None:
        since = max(suppression.at, now - AFTER_BOUNCE + timedelta(seconds=1))  # after a whole week it is due
        if subscribers.has_open_request(session, known, since=since):
            return
    asked = SignUpRequest(
        subscriber_id=known,
        created_at=now,
        profile=request.profile().to_json(),
        schedule=request.schedule_json(),
        client=consent_origin.stored_form(client),
        wording=WORDING,
    )
    session.add(asked)
    session.flush()
    owe_next(
        session,
        CONFIRMATION,
        subject_id=known,
        address=subscriber.address,
        subscriber_id=known,
        now=now,
        payload={"request_id": asked.id},
    )

"""Signing up. The answer is the same for every address; only the owner of the inbox learns more.

A sign-up changes nothing that is kept about an address. What it asks for waits in a request of its own until the owner
confirms it, so a stranger who knows an address can change nobody's mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.compose.language import say
from digest.db import engine, subscribers
from digest.errors import TooMany
from digest.models import SignUpRequest, Subscriber, Suppression
from digest.models.delivery import CONFIRMATION, LINK
from digest.models.subscriber import ACTIVE
from digest.ports import Enqueue
from digest.services import limits, suppressions
from digest.services.owing import owe_next
from digest.services.wishes import Subscription

WORDING = "2026-11"  # of the sentences on the confirmation page; change it whenever they change
AFTER_BOUNCE = timedelta(days=7)  # an address that bounced gets one confirmation in so long


def subscribe(request: Subscription, client: str, enqueue: Enqueue) -> None:
    """Owe a confirmation to the address, or the link to their preferences to one who is subscribed already.

    Nothing is owed to suppressed addresses and to those that met their limit; an address that bounced may confirm
    once a week that it works again. `client` is where the request came from. Raises BadInput for the address, TooMany
    for the client.
    """
    who, now = subscribers.address(request.address), clock.now()
    with engine.transaction() as session:
        if not limits.take(session, limits.SIGN_UPS, client, now=now):
            raise TooMany(say("too many sign-ups from here within the hour; try again later"))
        suppression = subscribers.suppression(session, who.key)
        wanted = limits.take(session, limits.CONFIRMATIONS, who.key, now=now)
        if wanted and (suppression is None or suppressions.can_be_lifted(suppression.reason, suppression.source)):
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
    known = subscriber.id or 0
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
        client=limits.keyed(client),
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

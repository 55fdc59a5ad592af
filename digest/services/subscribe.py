"""Signing up. The answer is the same for every address; only the owner of the inbox learns more."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from digest import clock
from digest.db import engine, subscribers
from digest.models import Subscriber
from digest.models.delivery import CONFIRMATION, LINK
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.ports import Enqueue
from digest.services import consent_origin, rate_limits
from digest.services.owing import owe_next
from digest.services.wishes import Subscription

WORDING = "2025-11"  # of the sentences on the confirmation page; change it whenever they change


def subscribe(
    request: Subscription,
    client: str,
    enqueue: Enqueue,
    *,
    client_limit: rate_limits.RateLimit = rate_limits.SIGN_UPS,
) -> None:
    """Owe a confirmation to the address, or the link to their preferences to one who is subscribed already.

    Suppressed addresses and those that had enough mail lately (`rate_limits`) silently get nothing. `client` is where
    the request came from. Raises BadInput for the address, TooMany for the client.
    """
    who, now = subscribers.address(request.address), clock.now()
    with engine.reading() as session:
        known = subscribers.by_key(session, who.key)
    limit = rate_limits.LINKS if known is not None and known.state == ACTIVE else rate_limits.CONFIRMATIONS
    if rate_limits.allow_mail(limit, who.key, client_limit=client_limit, client=client):
        with engine.transaction() as session:
            if subscribers.suppression(session, who.key) is None:
                _answer(session, subscribers.admit(session, who, now=now), request, client=client, now=now)
    enqueue.deliver()


def _answer(session: Session, reader: Subscriber, request: Subscription, *, client: str, now: datetime) -> None:
    """A stranger can't change an active reader; others get their wishes kept until they confirm them."""
    session.flush()
    known = stored_id(reader)
    if reader.state == ACTIVE:
        owe_next(session, LINK, subject_id=known, address=reader.address, subscriber_id=known, now=now)
        return
    request.schedule(reader)
    version = subscribers.new_profile(session, known, request.profile(), now=now)
    subscribers.consent(session, known, "asked", now=now, client=consent_origin.stored_form(client), wording=WORDING)
    owe_next(
        session,
        CONFIRMATION,
        subject_id=known,
        address=reader.address,
        subscriber_id=known,
        now=now,
        payload={"profile_id": version.id},
    )

"""Signing up. The answer is the same for every address; only the owner of the inbox learns more."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from digest import clock
from digest.compose.language import say
from digest.db import engine, subscribers
from digest.errors import TooMany
from digest.models import Subscriber
from digest.models.delivery import CONFIRMATION, LINK
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.ports import Enqueue
from digest.services import consent_origin, limits
from digest.services.owing import owe_next
from digest.services.wishes import Subscription

WORDING = "2025-11"  # of the sentences on the confirmation page; change it whenever they change


def subscribe(request: Subscription, client: str, enqueue: Enqueue) -> None:
    """Owe a confirmation to the address, or the link to their preferences to one who is subscribed already.

    Suppressed addresses and those with three mails within the hour silently get nothing. `client` is where the
    request came from. Raises BadInput for the address, TooMany for the client.
    """
    who, now = subscribers.address(request.address), clock.now()
    with engine.transaction() as session:
        if not limits.take(session, limits.SIGN_UPS, client, now=now):
            raise TooMany(say("too many sign-ups from here within the hour; try again later"))
        wanted = limits.take(session, limits.CONFIRMATIONS, who.key, now=now)
        if wanted and subscribers.suppression(session, who.key) is None:
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

"""Sign-up. The answer is the same for every address; only the owner of the inbox learns more.

A sign-up changes nothing that is stored about an address. It is stored as a request until the owner confirms it, so a
stranger who knows an address can't change its subscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.subscribers import link_requests, subscribers
from digest.models import SignUpRequest, Subscriber, Suppression
from digest.models.delivery import CONFIRMATION, LINK
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.security import rate_limits
from digest.services.subscriptions import consent_origin, example_papers, suppressions
from digest.services.subscriptions.example_papers import ExampleEntry
from digest.services.subscriptions.preference_fields import Subscription
from digest.services.subscriptions.profile_additions import new_parts

WORDING_VERSION = "2026-11"  # of the sentences on the confirmation page; change it whenever they change
CONFIRMATION_INTERVAL_AFTER_BOUNCE = timedelta(days=7)  # an address that bounced gets one confirmation in so long


def subscribe(
    request: Subscription,
    client: str,
    enqueue: Enqueue,
    *,
    examples: Sequence[ExampleEntry] = (),
    client_limit: rate_limits.RateLimit = rate_limits.SIGN_UPS,
) -> None:
    """Queue a confirmation to the address, or the preferences link if it is subscribed already.

    `examples`: papers to start from; they are kept with the request and have no effect until it is confirmed.

    Nothing is queued for suppressed addresses and for those over their limit (`rate_limits`); an address that
    bounced may confirm once a week that it works again. `client` is where the request came from. Raises BadInput for
    the address, TooMany for the client.
    """
    address, now = subscribers.parse_address(request.address), clock.now()
    with engine.reading() as session:
        subscriber = subscribers.by_key(session, address.key)
    limit = rate_limits.LINKS if subscriber is not None and subscriber.state == ACTIVE else rate_limits.CONFIRMATIONS
    if rate_limits.may_mail(limit, address.key, client_limit=client_limit, client=client):
        origin = consent_origin.stored_form(client)  # slow, so not while the transaction holds its locks
        with engine.transaction() as session:
            suppression = subscribers.suppression(session, address.key)
            if suppression is None or suppressions.can_be_lifted(suppression.reason, suppression.source):
                subscriber = subscribers.admit(session, address, now=now)
                session.flush()
                _queue_link(session, subscriber, suppression, request, examples, origin=origin, now=now)
    enqueue.deliver()


def _queue_link(
    session: Session,
    subscriber: Subscriber,
    suppression: Suppression | None,
    request: Subscription,
    examples: Sequence[ExampleEntry],
    *,
    origin: str,
    now: datetime,
) -> None:
    """Queue a link: for an active subscriber to the preferences, otherwise to confirm this sign-up.

    An active subscriber gets a second link if the sign-up has topics or authors that the subscription lacks. Examples
    alone are no reason for it: those are added in the preferences.
    """
    subscriber_id = stored_id(subscriber)
    is_active = subscriber.state == ACTIVE and suppression is None
    if is_active and new_parts(request.profile(), subscribers.profile_of(session, subscriber)) is None:
        enqueue_next(
            session, LINK, subject_id=subscriber_id, address=subscriber.address, subscriber_id=subscriber_id, now=now
        )
        return
    if suppression is not None:
        week_ago = now - CONFIRMATION_INTERVAL_AFTER_BOUNCE + timedelta(seconds=1)  # after a whole week it is due
        if link_requests.has_open_sign_up(session, subscriber_id, since=max(suppression.at, week_ago)):
            return
    request_id = _store_request(session, subscriber_id, request, examples, origin=origin, now=now)
    enqueue_next(
        session,
        LINK if is_active else CONFIRMATION,
        subject_id=subscriber_id,
        address=subscriber.address,
        subscriber_id=subscriber_id,
        now=now,
        payload={"request_id": request_id},
    )


def _store_request(
    session: Session,
    subscriber_id: int,
    request: Subscription,
    examples: Sequence[ExampleEntry],
    *,
    origin: str,
    now: datetime,
) -> int:
    """Store the sign-up until its owner confirms it. Returns its id."""
    sign_up_request = SignUpRequest(
        subscriber_id=subscriber_id,
        created_at=now,
        profile=request.profile().to_json(),
        schedule=request.schedule_json(),
        client=origin,
        wording=WORDING_VERSION,
    )
    session.add(sign_up_request)
    session.flush()
    example_papers.add_request_examples(session, sign_up_request, examples)
    return stored_id(sign_up_request)

"""Confirm or refuse a sign-up. Confirming records the consent and starts the mail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from digest import clock
from digest.db.bounces import reports
from digest.db.core import engine
from digest.db.outbox import subscriber_mail
from digest.db.subscribers import former_addresses, link_requests, subscribers
from digest.errors import NotFound, Refused, StaleToken
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.models import ProfileVersion, SignUpRequest, Subscriber, Suppression
from digest.models.delivery import CONFIRMATION
from digest.models.subscriber import ACTIVE, NOT_ME
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.security.link_and_session_lifetimes import lifetime
from digest.services.subscriptions import (
    consent_origin,
    example_papers,
    profile_additions,
    removed_sources,
    send_schedule,
    suppressions,
)
from digest.services.subscriptions.preference_fields import write_schedule
from digest.services.subscriptions.sign_up import WORDING_VERSION
from digest.signing import CONFIRM


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The subject of a confirmation link. `schedule` is an unstored row with the address and the requested schedule.

    `is_active`: the subscription is active already, so confirming changes nothing, unless there is an `addition`:
    then confirming adds these topics and authors to it. `is_added`: this has just happened.
    """

    schedule: Subscriber
    profile: Profile
    is_active: bool
    addition: Profile | None = None
    is_added: bool = False


def confirmation_of(subscriber_id: int, request_id: int) -> Confirmation:
    """The confirmation of a link, without confirming. Raises NotFound after erasure, StaleToken for an old link."""
    now = clock.now()
    with engine.reading() as session:
        subscriber, request = _require_request(session, subscriber_id, request_id, now=now)
        if not _is_receiving_mail(session, subscriber):
            return _confirmation(subscriber, request, is_confirmed=False)
        addition = profile_additions.profile_addition(session, subscriber, request, now=now)
        return replace(_confirmation(subscriber, request, is_confirmed=True), addition=addition)


def confirm(subscriber_id: int, request_id: int, client: str, enqueue: Enqueue) -> Confirmation:
    """Activate the requested subscription, or add its topics to an active one. May be repeated.

    A suppression after bounces is lifted: whoever confirms has read mail at this address. Raises NotFound, StaleToken,
    and Refused where the address is suppressed for another reason, or the addition would be too much.
    """
    now = clock.now()
    with engine.transaction() as session:
        subscriber, request = _require_request(session, subscriber_id, request_id, now=now, lock=True)
        if _is_receiving_mail(session, subscriber):
            return _add_to_active(session, subscriber, request, now=now)
        suppression = subscribers.suppression(session, subscriber.address_key)
        if suppression is not None and _can_lift(suppression):
            suppressions.lift_suppression(session, suppression)
        _store_request(session, subscriber, request, now=now)
        profile = removed_sources.without_removed_sources(Profile.from_json(request.profile))
        version = subscribers.add_profile_version(session, subscriber_id, profile, now=now)
        activate(session, subscriber, version, event="confirmed", client=client, now=now)
        example_papers.adopt_request_examples(session, subscriber, request)
    enqueue.welcome(subscriber_id)
    return _confirmation(subscriber, request, is_confirmed=False)


def _add_to_active(session: Session, subscriber: Subscriber, request: SignUpRequest, *, now: datetime) -> Confirmation:
    """Add to an active subscription the topics and authors of this sign-up that it lacks."""
    confirmation = _confirmation(subscriber, request, is_confirmed=True)
    addition = profile_additions.profile_addition(session, subscriber, request, now=now)
    if addition is None:
        return confirmation
    profile_additions.store_addition(session, subscriber, request, addition, now=now)
    example_papers.adopt_request_examples(session, subscriber, request)
    return replace(confirmation, addition=addition, is_added=True)


def _store_request(session: Session, subscriber: Subscriber, request: SignUpRequest, *, now: datetime) -> None:
    """Write the requested schedule into the row, and record when and from where it was requested."""
    write_schedule(request.schedule, subscriber)
    request.confirmed_at = now
    requested_at, client, wording = request.created_at, request.client, request.wording
    subscribers.record_consent(
        session, stored_id(subscriber), "asked", now=requested_at, client=client, wording=wording
    )


def activate(
    session: Session, subscriber: Subscriber, version: ProfileVersion | None, *, event: str, client: str, now: datetime
) -> None:
    """Activate a subscriber and record the consent. Papers of earlier ingests are left to the welcome mail."""
    require_not_suppressed(session, subscriber.address_key)
    former_addresses.delete_former_address(session, subscriber.address_key)
    subscriber.state, subscriber.confirmed_at, subscriber.left_at = ACTIVE, now, None
    subscriber.profile_id = version.id if version else subscriber.profile_id
    subscriber.seen_through = subscribers.newest_batch_known_at(session, now=now)
    subscriber.next_due_at = send_schedule.due_after(subscriber, now)
    subscribers.record_consent(
        session,
        stored_id(subscriber),
        event,
        now=now,
        client=consent_origin.stored_form(client),
        wording=WORDING_VERSION,
    )


def require_not_suppressed(session: Session, address_key: str) -> None:
    """Raises Refused where that address must not be mailed."""
    if subscribers.suppression(session, address_key) is not None:
        raise Refused(localize("mail to this address is stopped after a bounce or a complaint; ask the administrator"))


def refuse_sign_up(subscriber_id: int, request_id: int) -> None:
    """'Not me, never mail me again': suppress the address, so that further sign-ups send nothing. May be repeated.

    Raises NotFound, StaleToken, and Refused for an active subscription, which its owner can end by unsubscribing.
    """
    now = clock.now()
    with engine.transaction() as session:
        subscriber = _require_refusable(session, subscriber_id, request_id, lock=True)
        reports.suppress(session, subscriber.address_key, reason=NOT_ME, source="confirmation mail", at=now)
        subscriber_mail.cancel_waiting(session, [subscriber_id], (CONFIRMATION,))


def refusal_of(subscriber_id: int, request_id: int) -> str:
    """The address that a refusal is about. Raises as `refuse_sign_up` does."""
    with engine.reading() as session:
        return _require_refusable(session, subscriber_id, request_id).address


def _require_refusable(session: Session, subscriber_id: int, request_id: int, *, lock: bool = False) -> Subscriber:
    subscriber = subscribers.by_id(session, subscriber_id, lock=lock)
    request = link_requests.sign_up_request(session, subscriber_id, request_id)
    if subscriber is None or request is None:
        raise StaleToken(localize("this link is out of date: nobody confirmed that sign-up, and it was deleted"))
    if _is_receiving_mail(session, subscriber):
        raise Refused(localize("this subscription was confirmed; to end it, use ‘unsubscribe’ in any of its mails"))
    return subscriber


def _can_lift(suppression: Suppression) -> bool:
    return suppressions.can_be_lifted(suppression.reason, suppression.source)


def _is_receiving_mail(session: Session, subscriber: Subscriber) -> bool:
    """True for an active subscriber who may be mailed."""
    return subscriber.state == ACTIVE and subscribers.suppression(session, subscriber.address_key) is None


def _confirmation(subscriber: Subscriber, request: SignUpRequest, *, is_confirmed: bool) -> Confirmation:
    schedule = Subscriber(
        address=subscriber.address, address_key=subscriber.address_key, created_at=subscriber.created_at
    )
    write_schedule(request.schedule, schedule)
    return Confirmation(schedule, Profile.from_json(request.profile), is_confirmed)


def _require_request(
    session: Session, subscriber_id: int, request_id: int, *, now: datetime, lock: bool = False
) -> tuple[Subscriber, SignUpRequest]:
    """The subscriber and request of a valid link. Raises NotFound, StaleToken."""
    subscriber = subscribers.by_id(session, subscriber_id, lock=lock)
    request = link_requests.sign_up_request(session, subscriber_id, request_id)
    if subscriber is None or request is None:
        raise NotFound(localize("this subscription no longer exists; sign up again if you want the mail"))
    suppression = subscribers.suppression(session, subscriber.address_key)
    left_since = subscriber.left_at is not None and request.created_at <= subscriber.left_at
    bounced_since = suppression is not None and _can_lift(suppression) and request.created_at < suppression.at
    is_stale = request.created_at < now - lifetime(CONFIRM) or left_since or bounced_since
    if is_stale and not _is_receiving_mail(session, subscriber):
        raise StaleToken(localize("this link is out of date; sign up again to get a new one"))
    return subscriber, request

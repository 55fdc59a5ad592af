"""Export, erasure and change of address. The preferences page only requests them; a mailed link acts.

Every mail contains the link to the preferences, and mails are forwarded. So actions that can't be undone, or that show
all stored data, need proof that the requester reads the subscriber's mail now. A change of address needs three mails:
the old address allows it, the new one confirms it, and the old one is notified.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db.bounces import reports
from digest.db.core import engine
from digest.db.outbox import subscriber_mail
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.subscribers import link_requests, subscribers
from digest.errors import NotFound, Refused, StaleToken, TooMany
from digest.i18n import localize
from digest.models import AccountRequest, Subscriber
from digest.models.delivery import ACCOUNT_LINK, MOVED
from digest.models.delivery import NEW_ADDRESS as NEW_ADDRESS_MAIL
from digest.models.subscriber import CHANGE_ADDRESS, ERASE, EXPORT, NEW_ADDRESS, PENDING
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.security import rate_limits
from digest.services.subscriptions import consent_origin, erasure, update_preferences
from digest.services.subscriptions.sign_up import WORDING_VERSION

PREFERENCES_ACTIONS = (EXPORT, ERASE, CHANGE_ADDRESS)


@dataclass(frozen=True, slots=True)
class AccountAction:
    """What a mailed link would do: `action`, for `address` (the subscriber's own, or the new one for NEW_ADDRESS)."""

    action: str
    subscriber_id: int
    address: str


def request_link(subscriber_id: int, action: str, enqueue: Enqueue) -> None:
    """Mail the subscriber a link to this action. Raises NotFound; Refused for a suppressed address; TooMany."""
    with engine.reading() as session:
        _require_mailable(session, subscriber_id)
    if not rate_limits.may_mail_below_ceiling(rate_limits.ACCOUNT_MAILS, str(subscriber_id)):
        raise TooMany(
            localize("you have requested enough links for today; use one of those you received"), seconds=24 * 3600
        )
    with engine.transaction() as session:
        subscriber = _require_mailable(session, subscriber_id, lock=True)
        _queue_link(session, subscriber, action, kind=ACCOUNT_LINK, to=subscriber.address, now=clock.now())
    enqueue.deliver()


def _require_mailable(session: Session, subscriber_id: int, *, lock: bool = False) -> Subscriber:
    """The subscriber of that id. Raises NotFound; Refused where the address is suppressed."""
    subscriber = subscribers.by_id(session, subscriber_id, lock=lock)
    if subscriber is None:
        raise NotFound(localize("this subscription no longer exists"))
    if subscribers.suppression(session, subscriber.address_key) is not None:
        raise Refused(localize("no mail may be sent to this address, so no link either; write to the administrator"))
    return subscriber


def _queue_link(session: Session, subscriber: Subscriber, action: str, *, kind: str, to: str, now: datetime) -> None:
    request = AccountRequest(
        subscriber_id=stored_id(subscriber),
        action=action,
        address=to if action == NEW_ADDRESS else "",
        created_at=now,
    )
    session.add(request)
    session.flush()
    enqueue_next(
        session,
        kind,
        subject_id=stored_id(subscriber),
        address=to,
        subscriber_id=subscriber.id,
        now=now,
        payload={"request_id": request.id},
    )


def account_action_of(action: str, request_id: int) -> AccountAction:
    """The action of a link. Raises StaleToken where it was used, replaced, or its subscriber is erased."""
    with engine.reading() as session:
        request, subscriber = _require_open_request(session, action, request_id)
        return AccountAction(action, request.subscriber_id, request.address or subscriber.address)


def export(request_id: int) -> dict[str, Any]:
    """Everything stored about the subscriber. The link can be reused until it expires. Raises StaleToken."""
    return update_preferences.export_data(account_action_of(EXPORT, request_id).subscriber_id)


def erase_subscriber(request_id: int) -> None:
    """Erase the subscriber immediately. Raises StaleToken."""
    erasure.erase(account_action_of(ERASE, request_id).subscriber_id)


def propose_address(request_id: int, text: str, enqueue: Enqueue) -> None:
    """Mail a confirmation link to the new address; it replaces those of addresses proposed before.

    Nothing is sent to an address that has a subscription of its own or may not be mailed; the answer is the same.
    Raises BadInput for the address, StaleToken; TooMany while the ceiling of the whole service is reached.
    """
    new_address, now = subscribers.parse_address(text), clock.now()
    with engine.reading() as session:
        _require_open_request(session, CHANGE_ADDRESS, request_id)
        is_free = _is_free(session, new_address.key)
    rate_limits.require_below_ceiling()  # also for addresses that get nothing, so that the answer reveals nothing
    inbox = rate_limits.canonical_inbox(new_address.key)
    allowed = is_free and rate_limits.may_mail_below_ceiling(rate_limits.CONFIRMATIONS, inbox)
    with engine.transaction() as session:
        _, subscriber = _require_open_request(session, CHANGE_ADDRESS, request_id, lock=True)
        link_requests.delete_account_requests(session, stored_id(subscriber), (NEW_ADDRESS,))
        if allowed and _is_free(session, new_address.key):
            _queue_link(session, subscriber, NEW_ADDRESS, kind=NEW_ADDRESS_MAIL, to=new_address.text, now=now)
    enqueue.deliver()


def confirm_address(request_id: int, client: str, enqueue: Enqueue) -> None:
    """Send mail to the new address from now on, and notify the old one. Raises StaleToken, Refused."""
    now, origin = clock.now(), consent_origin.stored_form(client)  # before the locks, because it is slow
    with engine.transaction() as session:
        request, subscriber = _require_open_request(session, NEW_ADDRESS, request_id, lock=True)
        new_address, old_address = subscribers.parse_address(request.address), subscriber.address
        if not _is_free(session, new_address.key):
            raise Refused(localize("this address has a subscription of its own, or no mail may be sent to it"))
        _erase_unconfirmed(session, new_address.key, now=now)
        subscriber_id = stored_id(subscriber)
        link_requests.delete_account_requests(session, subscriber_id)
        reports.delete_reports(session, subscriber.address_key)
        subscriber.address, subscriber.address_key = new_address.text, new_address.key
        subscriber_mail.redirect_editions(session, subscriber)
        subscribers.record_consent(
            session, subscriber_id, "address changed", now=now, client=origin, wording=WORDING_VERSION
        )
        enqueue_next(
            session, MOVED, subject_id=subscriber_id, address=old_address, subscriber_id=subscriber_id, now=now
        )
    enqueue.deliver()


def _is_free(session: Session, key: str) -> bool:
    """True where the address may be mailed and has no subscription but, at most, one that nobody confirmed."""
    other = subscribers.by_key(session, key)
    return (other is None or other.state == PENDING) and subscribers.suppression(session, key) is None


def _erase_unconfirmed(session: Session, key: str, *, now: datetime) -> None:
    """Erase an unconfirmed sign-up of the new address."""
    other = subscribers.by_key(session, key, lock=True)
    if other is not None:
        erasure.erase_rows(session, other, now=now)
        session.flush()


def _require_open_request(
    session: Session, action: str, request_id: int, *, lock: bool = False
) -> tuple[AccountRequest, Subscriber]:
    """The request of a link, with its subscriber; `lock` locks the subscriber's row. Raises StaleToken."""
    request = link_requests.account_request(session, request_id)
    subscriber = subscribers.by_id(session, request.subscriber_id, lock=lock) if request else None
    if lock:  # another transaction may have used it while this one waited for the row
        request = link_requests.account_request(session, request_id, refresh=True)
    if request is None or subscriber is None or request.action != action:
        raise StaleToken(
            localize("this link was used, or replaced by a newer one; ask for another on your preferences page")
        )
    return request, subscriber

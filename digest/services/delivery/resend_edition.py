"""Resends an edition as a new e-mail, on behalf of an administrator, audited; never to a suppressed address.

All mails that a run missed: `runs/run_control.resend_missed`, which `db/runs/run_deliveries.missed_deliveries` lists.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox.transactional_mail import delivery_id_of, enqueue_next
from digest.db.runs import editions
from digest.db.subscribers import subscribers
from digest.errors import NotFound, Refused
from digest.i18n import localize
from digest.models import Audit, Delivery, Edition, Subscriber
from digest.models.delivery import EDITION_KINDS, RESEND
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.text.stored_text_redaction import redact_addresses


def resend(address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
    """Queue another e-mail with the edition of that day (the newest if None). Returns the delivery's serial.

    Raises NotFound where there is no such subscriber or edition, Refused for suppressed and unsubscribed addresses.
    """
    return _resend(address, name=address, day=day, actor=actor, enqueue=enqueue)


def _resend(address: str, *, name: str, day: date | None, actor: str, enqueue: Enqueue) -> int:
    """As `resend`. `name`: of the subscriber in errors, which a caller may show to people who may not see addresses."""
    with transaction() as session:
        subscriber = _require_mailable(session, address, name)
        edition = editions.edition_of_subscriber(session, stored_id(subscriber), day)
        if edition is None:
            date_text = f" for {day.isoformat()}" if day else ""
            raise NotFound(f"{name} has no edition{date_text}")
        if edition.cancelled:
            raise Refused(f"not sent: the edition of {edition.day.isoformat()} was cancelled")
        serial = _queue(session, edition, subscriber)
        detail = {"edition": edition.id, "subscriber": subscriber.id, "serial": serial}
        session.add(Audit(at=clock.now(), actor=actor, action="resend", detail=detail))
    enqueue.deliver()
    return serial


def resend_delivery(delivery_id: int, *, actor: str, enqueue: Enqueue) -> int:
    """Queue another e-mail with the edition of a delivery. Returns the id of the new delivery.

    Raises NotFound where the delivery or its edition no longer exists, Refused for a mail that has no edition and for
    suppressed and unsubscribed addresses. No error names an address.
    """
    with reading() as session:
        delivery = session.get(Delivery, delivery_id) if 0 < delivery_id < 2**63 else None
        if delivery is None:
            raise NotFound(localize("there is no such mail"))
        if delivery.kind not in EDITION_KINDS:
            raise Refused(
                localize("only the mail of an edition can be sent again, not one of kind %(kind)s", kind=delivery.kind)
            )
        edition = session.get(Edition, delivery.subject_id)
        subscriber = subscribers.by_id(session, delivery.subscriber_id) if delivery.subscriber_id else None
    if edition is None or subscriber is None:
        raise NotFound(localize("this edition no longer exists"))
    name = f"subscriber {subscriber.id}"
    serial = _resend(subscriber.address, name=name, day=edition.day, actor=actor, enqueue=enqueue)
    with reading() as session:
        return delivery_id_of(session, RESEND, stored_id(edition), serial)


def _require_mailable(session: Session, address: str, name: str) -> Subscriber:
    """Lock and return the subscriber with that address. Raises NotFound, or Refused if they must not be mailed."""
    subscriber = subscribers.by_key(session, subscribers.parse_address(address).key, lock=True)
    if subscriber is None:
        raise NotFound(f"nobody is subscribed as {name}")
    if subscriber.state != ACTIVE:
        since = f" since {subscriber.left_at:%Y-%m-%d}" if subscriber.left_at else ""
        raise Refused(f"not sent: {name} is not subscribed{since} (state: {subscriber.state})")
    suppression = subscribers.suppression(session, subscriber.address_key)
    if suppression is not None:
        reason = redact_addresses(suppression.reason)
        raise Refused(f"not sent: {name} is suppressed since {suppression.at:%Y-%m-%d} ({reason})")
    return subscriber


def _queue(session: Session, edition: Edition, subscriber: Subscriber) -> int:
    """Queue another e-mail with that edition. Returns its serial."""
    return enqueue_next(
        session,
        RESEND,
        subject_id=stored_id(edition),
        address=subscriber.address,
        subscriber_id=stored_id(subscriber),
        run_id=edition.run_id,
        now=clock.now(),
        first_serial=1,
    )

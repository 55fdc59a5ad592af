"""The same edition again, as a new e-mail: an administrator's act, audited; never to who must not be mailed."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox.transactional_mail import owe_next
from digest.db.runs import runs
from digest.db.subscribers import subscribers
from digest.errors import NotFound, Refused
from digest.interfaces import Enqueue
from digest.models import Audit, Edition, Subscriber
from digest.models.delivery import RESEND
from digest.models.subscriber import ACTIVE
from digest.models.types import stored_id


def resend(address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
    """Owe one more e-mail with that day's edition (the newest without a day). Returns the delivery's serial.

    Raises NotFound where there is no such reader or edition, Refused for suppressed and unsubscribed addresses.
    """
    with transaction() as session:
        reader = _mailable(session, address)
        edition = runs.edition_of(session, stored_id(reader), day)
        if edition is None:
            when = f" for {day.isoformat()}" if day else ""
            raise NotFound(f"{address} has no edition{when}")
        if edition.cancelled:
            raise Refused(f"not sent: the edition of {edition.day.isoformat()} was cancelled")
        serial = _owe(session, edition, reader)
        detail = {"edition": edition.id, "subscriber": reader.id, "serial": serial}
        session.add(Audit(at=clock.now(), actor=actor, action="resend", detail=detail))
    enqueue.deliver()
    return serial


def _mailable(session: Session, address: str) -> Subscriber:
    """The reader with that address, locked, who may be mailed. Raises NotFound, Refused."""
    reader = subscribers.by_key(session, subscribers.address(address).key, lock=True)
    if reader is None:
        raise NotFound(f"nobody is subscribed as {address}")
    if reader.state != ACTIVE:
        left = f" since {reader.left_at:%Y-%m-%d}" if reader.left_at else ""
        raise Refused(f"not sent: {address} is not subscribed{left} (state: {reader.state})")
    suppression = subscribers.suppression(session, reader.address_key)
    if suppression is not None:
        raise Refused(f"not sent: {address} is suppressed since {suppression.at:%Y-%m-%d} ({suppression.reason})")
    return reader


def _owe(session: Session, edition: Edition, reader: Subscriber) -> int:
    """Owe one more e-mail with that edition. Returns its serial."""
    return owe_next(
        session,
        RESEND,
        subject_id=stored_id(edition),
        address=reader.address,
        subscriber_id=stored_id(reader),
        run_id=edition.run_id,
        now=clock.now(),
        first=1,
    )

"""The same edition again, as a new e-mail: an administrator's act, audited; never to who must not be mailed."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlmodel import col

from digest import clock
from digest.db import deliveries, runs, subscribers
from digest.db.engine import transaction
from digest.errors import NotFound, Refused
from digest.models import Audit, Delivery
from digest.models.delivery import RESEND
from digest.models.subscriber import ACTIVE
from digest.ports import Enqueue


def resend(address: str, *, day: date | None, actor: str, enqueue: Enqueue) -> int:
    """Owe one more e-mail with that day's edition (the newest without a day). Returns the delivery's serial.

    Raises NotFound where there is no such reader or edition, Refused for suppressed and unsubscribed addresses.
    """
    with transaction() as session:
        reader = subscribers.by_key(session, subscribers.address(address).key, lock=True)
        if reader is None or reader.id is None:
            raise NotFound(f"nobody is subscribed as {address}")
        if reader.state != ACTIVE:
            left = f" since {reader.left_at:%Y-%m-%d}" if reader.left_at else ""
            raise Refused(f"not sent: {address} is not subscribed{left} (state: {reader.state})")
        suppression = subscribers.suppression(session, reader.address_key)
        if suppression is not None:
            raise Refused(f"not sent: {address} is suppressed since {suppression.at:%Y-%m-%d} ({suppression.reason})")
        edition = runs.edition_of(session, reader.id, day)
        if edition is None or edition.id is None:
            when = f" for {day.isoformat()}" if day else ""
            raise NotFound(f"{address} has no edition{when}")
        if edition.cancelled:
            raise Refused(f"not sent: the edition of {edition.day.isoformat()} was cancelled")
        count = select(func.count()).where(col(Delivery.kind) == RESEND, col(Delivery.subject_id) == edition.id)
        serial = int(session.execute(count).scalar_one()) + 1
        owed = deliveries.Owed(
            kind=RESEND,
            subject_id=edition.id,
            serial=serial,
            address=reader.address,
            subscriber_id=reader.id,
            run_id=edition.run_id,
        )
        deliveries.owe(session, [owed], clock.now())
        detail = {"edition": edition.id, "subscriber": reader.id, "serial": serial}
        session.add(Audit(at=clock.now(), actor=actor, action="resend", detail=detail))
    enqueue.deliver()
    return serial

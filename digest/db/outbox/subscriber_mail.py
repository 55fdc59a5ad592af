"""The mail of subscribers, of one address or about one edition: reading, cancelling, redirecting, anonymizing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select, update

from digest.db.core.dialect import in_values
from digest.db.outbox.deliveries import UNSENT_STATES
from digest.models import Delivery, Subscriber
from digest.models.delivery import CANCELLED, EDITION_KINDS, OPEN_STATES, WAITING_STATES


def mail_of_subscriber(session: Session, subscriber: Subscriber) -> Sequence[Delivery]:
    """All deliveries to a subscriber or to their present address, by id."""
    return session.exec(select(Delivery).where(_is_to(subscriber)).order_by(col(Delivery.id))).all()


def all_mail(session: Session) -> Sequence[Delivery]:
    """All deliveries to anybody, by id."""
    return session.exec(select(Delivery).order_by(col(Delivery.id))).all()


def mail_to_address(session: Session, address: str) -> Sequence[Delivery]:
    """All deliveries to exactly this address, by id."""
    return session.exec(select(Delivery).where(Delivery.address == address).order_by(col(Delivery.id))).all()


def mail_about_edition(session: Session, edition_id: int) -> Sequence[Delivery]:
    """The deliveries that carry an edition: its first mail and its resends, by id."""
    carries = col(Delivery.subject_id) == edition_id, col(Delivery.kind).in_(EDITION_KINDS)
    return session.exec(select(Delivery).where(*carries).order_by(col(Delivery.id))).all()


def cancel_waiting(session: Session, subscriber_ids: Sequence[int], kinds: Sequence[str]) -> None:
    """Cancel the subscribers' waiting mails of these kinds. Mails that are being sent can't be recalled."""
    is_waiting_mail = (
        in_values(session, col(Delivery.subscriber_id), subscriber_ids),
        col(Delivery.kind).in_(kinds),
        col(Delivery.state).in_(WAITING_STATES),
    )
    session.exec(update(Delivery).where(*is_waiting_mail).values(state=CANCELLED, due_at=None))


def redirect_editions(session: Session, subscriber: Subscriber) -> None:
    """Send editions that are not sent yet to the subscriber's present address; an uncertain one stays as it is."""
    unsent = (
        col(Delivery.subscriber_id) == subscriber.id,
        col(Delivery.kind).in_(EDITION_KINDS),
        col(Delivery.state).in_(UNSENT_STATES),
    )
    domain = subscriber.address.rpartition("@")[2].lower()
    session.exec(update(Delivery).where(*unsent).values(address=subscriber.address, domain=domain))


def anonymize_mail(session: Session, subscriber: Subscriber) -> None:
    """Cancel a subscriber's open mails, and remove address, server replies and content from all of them."""
    open_mail = _is_to(subscriber), col(Delivery.state).in_(OPEN_STATES)
    session.exec(update(Delivery).where(*open_mail).values(state=CANCELLED, due_at=None, lease_id=None))
    anonymous = {"address": "", "domain": "", "reply": "", "payload": None, "subscriber_id": None}
    session.exec(update(Delivery).where(_is_to(subscriber)).values(anonymous))


def _is_to(subscriber: Subscriber) -> ColumnElement[bool]:
    return or_(col(Delivery.subscriber_id) == subscriber.id, col(Delivery.address) == subscriber.address)

"""Pages of rows for administrators: deliveries, subscribers, suppressions, rejected items and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, and_, col, func, or_, select

from digest.models import Audit, Batch, Bounce, Delivery, Edition, Reject, Subscriber, Suppression


def run_deliveries_page(
    session: Session, run_id: int, *, state: str, text: str, after_id: int, limit: int
) -> Sequence[Delivery]:
    """A run's deliveries by id, after that id: those in a state ('' for any) whose address contains the text."""
    query = select(Delivery).where(Delivery.run_id == run_id, col(Delivery.id) > after_id)
    if state:
        query = query.where(Delivery.state == state)
    if text:
        query = query.where(col(Delivery.address).icontains(text, autoescape=True))
    return session.exec(query.order_by(col(Delivery.id)).limit(limit)).all()


def subscribers_page(
    session: Session, *, state: str, text: str, before_id: int | None, limit: int
) -> Sequence[Subscriber]:
    """Subscribers, the newest first: those in a state ('' for any) whose address contains the text."""
    query = select(Subscriber)
    if state:
        query = query.where(Subscriber.state == state)
    if text:
        query = query.where(col(Subscriber.address_key).contains(text.lower(), autoescape=True))
    if before_id is not None:
        query = query.where(col(Subscriber.id) < before_id)
    return session.exec(query.order_by(col(Subscriber.id).desc()).limit(limit)).all()


def suppressions_page(
    session: Session, *, text: str, reason: str, before_id: int | None, limit: int
) -> Sequence[Suppression]:
    """Suppressions, the newest first: those with a reason ('' for any) whose address contains the text."""
    query = select(Suppression)
    if text:
        query = query.where(col(Suppression.address_key).contains(text.lower(), autoescape=True))
    if reason:
        query = query.where(Suppression.reason == reason)
    if before_id is not None:
        query = query.where(col(Suppression.id) < before_id)
    return session.exec(query.order_by(col(Suppression.id).desc()).limit(limit)).all()


def suppression_reasons(session: Session) -> Sequence[str]:
    """The reasons that suppressions have."""
    return session.exec(select(Suppression.reason).distinct()).all()


def audit_page(session: Session, *, text: str, before_id: int | None, limit: int) -> Sequence[Audit]:
    """Actions, the newest first, whose actor or name contains the text."""
    query = select(Audit)
    if text:
        contains = col(Audit.actor).icontains(text, autoescape=True), col(Audit.action).icontains(text, autoescape=True)
        query = query.where(contains[0] | contains[1])
    if before_id is not None:
        query = query.where(col(Audit.id) < before_id)
    return session.exec(query.order_by(col(Audit.id).desc()).limit(limit)).all()


def bounces_page(
    session: Session,
    *,
    text: str,
    kind: str | None,
    before_id: int | None,
    limit: int,
    since: datetime | None = None,
) -> Sequence[Bounce]:
    """Bounces, the newest first: of that kind and after that time where given, whose address contains the text."""
    query = select(Bounce)
    if since is not None:
        query = query.where(col(Bounce.at) > since)
    if text:
        query = query.where(col(Bounce.address_key).contains(text.lower(), autoescape=True))
    if kind is not None:
        query = query.where(Bounce.kind == kind)
    if before_id is not None:
        query = query.where(col(Bounce.id) < before_id)
    return session.exec(query.order_by(col(Bounce.id).desc()).limit(limit)).all()


def newest_rejects(
    session: Session, source: str, *, limit: int, before_id: int | None = None
) -> Sequence[tuple[Reject, Batch]]:
    """Items of a source that could not be used, with their batches: those that came last first.

    `before_id`: only items after that one in this order.
    """
    seen_at = func.coalesce(col(Reject.last_seen_at), col(Batch.started_at))
    query = select(Reject, Batch).join(Batch, col(Batch.id) == col(Reject.batch_id)).where(Batch.source == source)
    if before_id is not None:
        last = select(seen_at).join(Batch, col(Batch.id) == col(Reject.batch_id)).where(Reject.id == before_id)
        last_seen_at = last.scalar_subquery()
        query = query.where(
            or_(seen_at < last_seen_at, and_(seen_at == last_seen_at, col(Reject.id) < before_id)),
        )
    return session.exec(query.order_by(seen_at.desc(), col(Reject.id).desc()).limit(limit)).all()


def reject_counts(session: Session) -> dict[str, int]:
    """The number of items left out by source, each counted once however often it came."""
    query = select(Batch.source, func.sum(Batch.bad)).group_by(col(Batch.source))
    return {source: int(count) for source, count in session.exec(query).all()}


def deliveries_of_subscriber(session: Session, subscriber_id: int, *, limit: int) -> Sequence[Delivery]:
    """A subscriber's newest deliveries."""
    query = select(Delivery).where(Delivery.subscriber_id == subscriber_id)
    return session.exec(query.order_by(col(Delivery.id).desc()).limit(limit)).all()


def editions_of_subscriber(session: Session, subscriber_id: int, *, limit: int) -> Sequence[Edition]:
    """A subscriber's newest editions."""
    query = select(Edition).where(Edition.subscriber_id == subscriber_id)
    return session.exec(query.order_by(col(Edition.day).desc()).limit(limit)).all()


def bounces_of_address(session: Session, address_key: str, *, limit: int) -> Sequence[Bounce]:
    """The newest bounces of an address."""
    query = select(Bounce).where(Bounce.address_key == address_key)
    return session.exec(query.order_by(col(Bounce.at).desc()).limit(limit)).all()


def audit_of_subscriber(session: Session, subscriber_id: int, *, limit: int) -> Sequence[Audit]:
    """The newest actions of administrators on a subscriber."""
    query = select(Audit).where(col(Audit.detail)["subscriber"].as_integer() == subscriber_id)
    return session.exec(query.order_by(col(Audit.id).desc()).limit(limit)).all()

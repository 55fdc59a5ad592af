"""Requests that mailed links refer to: sign-ups to be confirmed, and actions on an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, and_, col, delete, func, or_, select

from digest.models import AccountRequest, SignUpRequest, Subscriber
from digest.models.subscriber import PENDING


def sign_up_request(session: Session, subscriber_id: int, request_id: int) -> SignUpRequest | None:
    """The sign-up with that id; None where there is none, or where it is another subscriber's."""
    request = session.get(SignUpRequest, request_id) if request_id < 2**31 else None
    return request if request is not None and request.subscriber_id == subscriber_id else None


def has_open_sign_up(session: Session, subscriber_id: int, *, since: datetime) -> bool:
    """True where a sign-up since then was not confirmed yet."""
    query = select(SignUpRequest.id).where(
        SignUpRequest.subscriber_id == subscriber_id,
        col(SignUpRequest.created_at) >= since,
        col(SignUpRequest.confirmed_at).is_(None),
    )
    return session.exec(query.limit(1)).first() is not None


def sign_ups_of(session: Session, subscriber_id: int) -> Sequence[SignUpRequest]:
    """A subscriber's sign-ups, oldest first."""
    query = select(SignUpRequest).where(SignUpRequest.subscriber_id == subscriber_id)
    return session.exec(query.order_by(col(SignUpRequest.id))).all()


def newest_sign_ups(session: Session) -> dict[int, SignUpRequest]:
    """The newest sign-up of each subscriber, by subscriber."""
    requests = session.exec(select(SignUpRequest).order_by(col(SignUpRequest.id)))
    return {request.subscriber_id: request for request in requests}


def delete_sign_ups_before(session: Session, cutoff: datetime) -> None:
    """Delete all sign-ups created before then."""
    session.exec(delete(SignUpRequest).where(col(SignUpRequest.created_at) < cutoff))


def expired_subscribers(session: Session, cutoff: datetime, *, limit: int) -> Sequence[Subscriber]:
    """Subscribers who never confirmed and whose newest sign-up was before `cutoff`; locks their rows."""
    newest_sign_up = (
        select(func.max(SignUpRequest.created_at))
        .where(SignUpRequest.subscriber_id == Subscriber.id)
        .correlate(Subscriber)
        .scalar_subquery()
    )
    is_expired = and_(
        col(Subscriber.state) == PENDING,
        col(Subscriber.created_at) < cutoff,
        or_(newest_sign_up.is_(None), newest_sign_up < cutoff),
    )
    return session.exec(select(Subscriber).where(is_expired).limit(limit).with_for_update()).all()


def account_request(session: Session, request_id: int, *, refresh: bool = False) -> AccountRequest | None:
    """The account request with that id, None where there is none; `refresh` reads the row again from the database."""
    return session.get(AccountRequest, request_id, populate_existing=refresh) if request_id < 2**31 else None


def account_requests_of(session: Session, subscriber_id: int) -> Sequence[AccountRequest]:
    """A subscriber's account requests, oldest first."""
    query = select(AccountRequest).where(AccountRequest.subscriber_id == subscriber_id)
    return session.exec(query.order_by(col(AccountRequest.id))).all()


def delete_account_requests(session: Session, subscriber_id: int, actions: Sequence[str] = ()) -> None:
    """Delete a subscriber's account requests of these actions; without `actions`, all of them."""
    deletion = delete(AccountRequest).where(col(AccountRequest.subscriber_id) == subscriber_id)
    session.exec(deletion.where(col(AccountRequest.action).in_(actions)) if actions else deletion)


def delete_account_requests_before(session: Session, cutoff: datetime) -> None:
    """Delete all account requests created before then."""
    session.exec(delete(AccountRequest).where(col(AccountRequest.created_at) < cutoff))

"""Reads what deliveries need to become mails, as it is at the moment of sending."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from digest.models import AccountRequest, AdminLogin, Delivery, Edition, ProfileVersion, Subscriber, Suppression
from digest.models.delivery import EDITION_KINDS


class MailedSubscriber(NamedTuple):
    """The fields of a subscriber that a mail needs."""

    id: int
    state: str
    time_zone: str
    created_at: datetime
    confirmed_at: datetime | None
    profile_id: int | None


class MailedEdition(NamedTuple):
    """The fields of an edition that a mail needs."""

    id: int
    day: date
    kind: str
    cancelled: bool
    content: Mapping[str, Any]
    created_at: datetime


class MailData(NamedTuple):
    """The rows that belong to one delivery. `profile`: that of the edition; `reason`, `source`: of the suppression."""

    delivery_id: int
    subscriber: MailedSubscriber | None
    edition: MailedEdition | None
    profile: Mapping[str, Any] | None
    reason: str | None
    source: str | None


_SUBSCRIBER_COLUMNS = len(MailedSubscriber._fields)
# Built once, because building a statement costs more than running it.
_MAIL_DATA = (
    select(
        col(Delivery.id),
        *[getattr(Subscriber, name) for name in MailedSubscriber._fields],
        *[getattr(Edition, name) for name in MailedEdition._fields],
        col(ProfileVersion.profile),
        col(Suppression.reason),
        col(Suppression.source),
    )
    .select_from(Delivery)
    .outerjoin(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    .outerjoin(Edition, (col(Edition.id) == col(Delivery.subject_id)) & col(Delivery.kind).in_(EDITION_KINDS))
    .outerjoin(ProfileVersion, col(ProfileVersion.id) == col(Edition.profile_id))
    .outerjoin(Suppression, col(Suppression.address_key) == col(Subscriber.address_key))
    .where(col(Delivery.id).in_(bindparam("ids", expanding=True)))
)


def mail_data(session: Session, delivery_ids: Sequence[int]) -> Iterator[MailData]:
    """Subscriber, edition, profile and suppression of each delivery, in one query."""
    rows = session.connection().execute(_MAIL_DATA, {"ids": list(delivery_ids)})
    for delivery_id, *columns, profile, reason, source in rows:
        subscriber, edition = columns[:_SUBSCRIBER_COLUMNS], columns[_SUBSCRIBER_COLUMNS:]
        yield MailData(
            delivery_id,
            MailedSubscriber(*subscriber) if subscriber[0] is not None else None,
            MailedEdition(*edition) if edition[0] is not None else None,
            profile,
            reason,
            source,
        )


def logins(session: Session, login_ids: Collection[int]) -> dict[int, AdminLogin]:
    """Administrator logins by id."""
    if not login_ids:
        return {}
    rows = session.execute(select(AdminLogin).where(col(AdminLogin.id).in_(login_ids))).scalars()
    return {login.id: login for login in rows if login.id is not None}


def account_requests(session: Session, request_ids: Collection[int]) -> dict[int, AccountRequest]:
    """Account requests by id."""
    if not request_ids:
        return {}
    rows = session.execute(select(AccountRequest).where(col(AccountRequest.id).in_(request_ids))).scalars()
    return {request.id: request for request in rows if request.id is not None}

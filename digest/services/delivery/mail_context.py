"""What deliveries need to become mails: readers, editions, topics, and whether they may go, read as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from digest.db.outbox.deliveries import Claimed, address_key
from digest.db.subscribers import subscribers
from digest.mail.mime.outgoing_message import Withheld
from digest.models import AccountRequest, AdminLogin, Delivery, Edition, ProfileVersion, Subscriber, Suppression
from digest.models.delivery import (
    ACCOUNT_LINK,
    ALARM,
    CANCELLED,
    CONFIRMATION,
    DIGEST,
    LINK,
    MOVED,
    NEW_ADDRESS,
    NOTICE,
    RESEND,
    SIGN_IN,
    SUPPRESSED,
    TEST,
    WELCOME,
)
from digest.models.subscriber import ACTIVE, LEFT, PENDING
from digest.services.editions.web_view import by_id, typed
from digest.services.subscriptions import suppressions

EDITIONS = (DIGEST, WELCOME, NOTICE, RESEND)
ACCOUNT = (ACCOUNT_LINK, NEW_ADDRESS)  # the mails of an account request
ELSEWHERE = (NEW_ADDRESS, MOVED)  # mails about a subscription to an address that is not, or no longer, its own
TO_SUBSCRIBER = (CONFIRMATION, LINK, MOVED, *ACCOUNT)
# In which states a subscriber gets a mail; other kinds go to active subscribers alone.
_STATES = {CONFIRMATION: (PENDING, LEFT, ACTIVE), **dict.fromkeys((LINK, MOVED, *ACCOUNT), (ACTIVE, LEFT))}


class MailedReader(NamedTuple):
    """What of a subscriber a mail needs."""

    id: int
    state: str
    time_zone: str
    created_at: datetime
    confirmed_at: datetime | None
    profile_id: int | None


class MailedEdition(NamedTuple):
    """What of an edition a mail needs."""

    id: int
    day: date
    kind: str
    cancelled: bool
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Needed:
    """What one delivery needs. `suppressed`: why its reader must not be mailed, None where they may.

    `liftable`: the suppression is one that its owner may lift by confirming, so a confirmation may go out.
    """

    reader: MailedReader | None = None
    edition: MailedEdition | None = None
    topics: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    suppressed: str | None = None
    liftable: bool = False
    login: AdminLogin | None = None
    request: AccountRequest | None = None


# Readers, editions, profiles and suppressions of some deliveries, in one query. Made once: building costs too.
_OF_READER = len(MailedReader._fields)
_WINDOW = (
    select(
        col(Delivery.id),
        *[getattr(Subscriber, name) for name in MailedReader._fields],
        *[getattr(Edition, name) for name in MailedEdition._fields],
        col(ProfileVersion.profile),
        col(Suppression.reason),
        col(Suppression.source),
    )
    .select_from(Delivery)
    .outerjoin(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    .outerjoin(Edition, (col(Edition.id) == col(Delivery.subject_id)) & col(Delivery.kind).in_(EDITIONS))
    .outerjoin(ProfileVersion, col(ProfileVersion.id) == col(Edition.profile_id))
    .outerjoin(Suppression, col(Suppression.address_key) == col(Subscriber.address_key))
    .where(col(Delivery.id).in_(bindparam("ids", expanding=True)))
)


def look_up(session: Session, deliveries: Sequence[Claimed]) -> dict[int, Needed]:
    """What each delivery needs, by its id."""
    logins = by_id(session, AdminLogin, {d.subject_id for d in deliveries if d.kind == SIGN_IN})
    requests = by_id(session, AccountRequest, {_request_id(d) for d in deliveries if d.kind in ACCOUNT})
    needed = {
        d.id: Needed(login=logins.get(d.subject_id), request=requests.get(_request_id(d) or 0)) for d in deliveries
    }
    for number, *columns, profile, reason, source in session.connection().execute(_WINDOW, {"ids": list(needed)}):
        reader = MailedReader(*columns[:_OF_READER]) if columns[0] is not None else None
        edition = MailedEdition(*columns[_OF_READER:]) if columns[_OF_READER] is not None else None
        topics = typed(profile) if profile else ()
        categories = tuple(profile.get("categories", ())) if profile else ()
        liftable = reason is not None and suppressions.can_be_lifted(reason, source)
        known = needed[number]
        needed[number] = Needed(reader, edition, topics, categories, reason, liftable, known.login, known.request)
    _look_elsewhere(session, deliveries, needed)
    return needed


def _request_id(delivery: Claimed) -> int | None:
    return (delivery.payload or {}).get("request_id") if delivery.kind in ACCOUNT else None


def _look_elsewhere(session: Session, deliveries: Sequence[Claimed], needed: dict[int, Needed]) -> None:
    """For mail that goes to another address than the subscriber's, that address decides whether it may."""
    for delivery in deliveries:
        if delivery.kind in ELSEWHERE:
            found = subscribers.suppression(session, address_key(delivery.address))
            needed[delivery.id] = replace(needed[delivery.id], suppressed=found.reason if found else None)


def withheld(delivery: Claimed, needed: Needed) -> Withheld | None:
    """Why this mail must not go out now; None where it may."""
    if delivery.kind in {SIGN_IN, ALARM, TEST}:
        return None
    reader = needed.reader
    if reader is None:
        return Withheld(CANCELLED, "the reader is gone")
    lifts = delivery.kind == CONFIRMATION and needed.liftable
    if needed.suppressed is not None and not lifts:
        return Withheld(SUPPRESSED, f"suppressed: {needed.suppressed}")
    confirmed = delivery.kind == CONFIRMATION and reader.state == ACTIVE and not lifts
    if confirmed or reader.state not in _STATES.get(delivery.kind, (ACTIVE,)):
        return Withheld(CANCELLED, f"the reader is {reader.state}")
    return None

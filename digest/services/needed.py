"""What deliveries need to become mails: readers, editions, topics, and whether they may go, read as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from digest.db.deliveries import Claimed
from digest.deliver.letter import Withheld
from digest.models import AdminLogin, Delivery, Edition, ProfileVersion, Subscriber, Suppression
from digest.models.delivery import (
    ALARM,
    CANCELLED,
    CONFIRMATION,
    DIGEST,
    NOTICE,
    RESEND,
    SIGN_IN,
    SUPPRESSED,
    TEST,
    WELCOME,
)
from digest.models.subscriber import ACTIVE, PENDING
from digest.services.editions import by_id, typed

EDITIONS = (DIGEST, WELCOME, NOTICE, RESEND)


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
    """What one delivery needs. `suppressed`: why its reader must not be mailed, None where they may."""

    reader: MailedReader | None = None
    edition: MailedEdition | None = None
    topics: tuple[str, ...] = ()
    suppressed: str | None = None
    login: AdminLogin | None = None


# Readers, editions, profiles and suppressions of some deliveries, in one query. Made once: building costs too.
_OF_READER = len(MailedReader._fields)
_WINDOW = (
    select(
        col(Delivery.id),
        *[getattr(Subscriber, name) for name in MailedReader._fields],
        *[getattr(Edition, name) for name in MailedEdition._fields],
        col(ProfileVersion.profile),
        col(Suppression.reason),
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
    needed = {d.id: Needed(login=logins.get(d.subject_id)) for d in deliveries}
    for number, *columns, profile, reason in session.connection().execute(_WINDOW, {"ids": list(needed)}):
        reader = MailedReader(*columns[:_OF_READER]) if columns[0] is not None else None
        edition = MailedEdition(*columns[_OF_READER:]) if columns[_OF_READER] is not None else None
        topics = typed(profile) if profile else ()
        needed[number] = Needed(reader, edition, topics, reason, needed[number].login)
    return needed


def withheld(delivery: Claimed, needed: Needed) -> Withheld | None:
    """Why this mail must not go out now; None where it may."""
    if delivery.kind in {SIGN_IN, ALARM, TEST}:
        return None
    reader = needed.reader
    if reader is None:
        return Withheld(CANCELLED, "the reader is gone")
    if needed.suppressed is not None:
        return Withheld(SUPPRESSED, f"suppressed: {needed.suppressed}")
    wanted = {CONFIRMATION: PENDING}.get(delivery.kind, ACTIVE)
    if reader.state != wanted and not (delivery.kind == CONFIRMATION and reader.state != ACTIVE):
        return Withheld(CANCELLED, f"the reader is {reader.state}")
    return None

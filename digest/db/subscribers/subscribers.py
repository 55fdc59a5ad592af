"""Subscribers: who they are, what they want, what they consented to. An address has one key, made here alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, String, cast, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from digest import settings
from digest.db.core.dialect import in_values
from digest.db.subscribers import former_addresses
from digest.errors import BadInput
from digest.matching.profile import Profile
from digest.models import Attempt, Batch, Consent, Edition, ProfileVersion, SignUpRequest, Subscriber, Suppression
from digest.models.delivery import WELCOME
from digest.models.subscriber import ACTIVE, PENDING
from digest.models.types import stored_id

MAX_ADDRESS = 254
IMPORTED = "imported"  # the consent event of who was put in by an administrator
WELCOME_WITHIN = timedelta(days=1)  # who was confirmed longer ago gets no first edition any more


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """An address that can be mailed. `text` is what is mailed (its domain in ASCII); `key` is the same for one inbox.

    The key is in NFC, the domain in lower-case IDNA, the part before the @ case-folded.
    """

    text: str
    key: str


def parse_address(text: str) -> ParsedAddress:
    """Read an address as typed. No look-up in the network. Raises BadInput naming the field.

    A part before the @ outside ASCII is refused: most servers can't take it.
    """
    typed = text.strip()
    if len(typed) > MAX_ADDRESS:
        raise BadInput(f"address: at most {MAX_ADDRESS} characters, got {len(typed)}", field="address")
    try:
        valid = validate_email(typed, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise BadInput(f"address: {error}", field="address") from error
    domain = valid.ascii_domain.lower()
    local = unicodedata.normalize("NFC", valid.local_part)
    return ParsedAddress(text=f"{local}@{domain}", key=f"{local.casefold()}@{domain}")


def active_subscribers(session: Session) -> int:
    """How many there are who get mail."""
    return session.exec(select(func.count()).where(col(Subscriber.state) == ACTIVE)).one()


def count_profile_words(session: Session, most: int) -> list[int]:
    """How many words, authors and words of likes each of the newest profiles looks for, `most` profiles at most."""
    newest = select(col(ProfileVersion.profile)).order_by(col(ProfileVersion.id).desc()).limit(most)
    found = [Profile.from_json(profile) for profile in session.execute(newest).scalars()]
    queries = ([*(topic.text for topic in one.topics), *one.exclusions] for one in found)
    words = (sum(len(text.split()) for text in texts) for texts in queries)
    return [count + len(one.authors) + len(one.likes) for count, one in zip(words, found, strict=True)]


def profiles(session: Session, versions: Sequence[int]) -> dict[int, Profile]:
    """The profiles with these version numbers."""
    if not versions:
        return {}
    query = select(col(ProfileVersion.id), col(ProfileVersion.profile))
    rows = session.execute(query.where(in_values(session, col(ProfileVersion.id), versions)))
    return {number: Profile.from_json(profile) for number, profile in rows}


def profile_version_created_at(session: Session, number: int) -> datetime | None:
    """When that profile version was made; None where there is none of that number."""
    found = session.get(ProfileVersion, number)
    return found.created_at if found else None


def by_key(session: Session, key: str, *, lock: bool = False) -> Subscriber | None:
    """The subscriber with that address key; `lock` holds the row until the transaction ends."""
    return _one(session, col(Subscriber.address_key) == key, lock=lock)


def by_id(session: Session, subscriber_id: int, *, lock: bool = False) -> Subscriber | None:
    """The subscriber with that id; `lock` holds the row until the transaction ends."""
    return _one(session, col(Subscriber.id) == subscriber_id, lock=lock)


def _one(session: Session, condition: ColumnElement[bool], *, lock: bool) -> Subscriber | None:
    query = select(Subscriber).where(condition)
    return session.exec(query.with_for_update() if lock else query).one_or_none()


def count_by_state(session: Session) -> dict[str, int]:
    """How many subscribers there are in each state."""
    rows = session.exec(select(Subscriber.state, func.count()).group_by(Subscriber.state)).all()
    return {state: int(number) for state, number in rows}


def admit(session: Session, who: ParsedAddress, *, now: datetime) -> Subscriber:
    """The row of that address, locked; made as pending where it is new. Two at once get the same row."""
    known = by_key(session, who.key, lock=True)
    if known is not None:
        return known
    made = Subscriber(address=who.text, address_key=who.key, state=PENDING, created_at=now)
    made.send_at = settings.get().send_at
    try:
        with session.begin_nested():
            session.add(made)
            former_addresses.restore_suppression(session, who.key)
    except IntegrityError:
        other = by_key(session, who.key, lock=True)
        if other is None:
            raise
        return other
    return made


def suppression(session: Session, key: str) -> Suppression | None:
    """Why that address must not be mailed; None where it may be. Also of a deleted person, known by a hash alone."""
    found = session.exec(select(Suppression).where(Suppression.address_key == key)).one_or_none()
    former = None if found else former_addresses.find_former_address(session, key)
    if former is not None and former.suppressed:
        return Suppression(address_key=key, reason=former.reason, at=former.at)
    return found


def sign_up_request(session: Session, subscriber_id: int, request_id: int) -> SignUpRequest | None:
    """That request of that subscriber; None where there is none, or where it is about another subscriber."""
    found = session.get(SignUpRequest, request_id) if request_id < 2**31 else None
    return found if found is not None and found.subscriber_id == subscriber_id else None


def has_open_request(session: Session, subscriber_id: int, *, since: datetime) -> bool:
    """True where a confirmation was sent since then, because somebody signed up, and nobody used it."""
    query = select(SignUpRequest.id).where(
        SignUpRequest.subscriber_id == subscriber_id,
        col(SignUpRequest.created_at) >= since,
        col(SignUpRequest.confirmed_at).is_(None),
    )
    return session.exec(query.limit(1)).first() is not None


def new_profile(session: Session, subscriber_id: int, profile: Profile, *, now: datetime) -> ProfileVersion:
    """Keep a further version of a reader's profile; the versions before it stay as they are."""
    last = session.exec(
        select(func.max(ProfileVersion.number)).where(ProfileVersion.subscriber_id == subscriber_id)
    ).one()
    version = ProfileVersion(
        subscriber_id=subscriber_id, number=(last or 0) + 1, created_at=now, profile=profile.to_json()
    )
    session.add(version)
    session.flush()
    return version


def profile_version(session: Session, subscriber_id: int, profile_id: int | None) -> ProfileVersion | None:
    """That version of that reader's profile; None where there is none, or where it is another reader's."""
    query = select(ProfileVersion).where(ProfileVersion.id == profile_id, ProfileVersion.subscriber_id == subscriber_id)
    return session.exec(query).one_or_none()


def profile_of(session: Session, subscriber: Subscriber) -> Profile:
    """What the reader wants now; an empty profile before the first one is confirmed."""
    version = profile_version(session, stored_id(subscriber), subscriber.profile_id)
    return Profile.from_json(version.profile) if version else Profile()


def record_consent(
    session: Session, subscriber_id: int, event: str, *, now: datetime, client: str, wording: str
) -> None:
    """Keep the proof of what a subscriber asked for. `client`: from where, a hash or a word, never an address."""
    session.add(Consent(subscriber_id=subscriber_id, event=event, at=now, client=client, wording=wording))


def consents(session: Session, subscriber_id: int) -> Sequence[Consent]:
    """A reader's consent events, oldest first."""
    query = select(Consent).where(Consent.subscriber_id == subscriber_id).order_by(col(Consent.id))
    return session.exec(query).all()


def was_imported(session: Session, subscriber_id: int) -> bool:
    """True where an administrator put the reader in last, False where the reader confirmed a sign-up."""
    events = select(Consent.event).where(Consent.subscriber_id == subscriber_id).order_by(col(Consent.id).desc())
    return session.exec(events.limit(1)).first() == IMPORTED


def newest_batch_known_at(session: Session, *, now: datetime) -> int:
    """The last ingest up to which everything is known by now, 0 where there is none: older papers aren't new."""
    later = session.exec(select(func.min(Batch.id)).where(col(Batch.known_at) > now)).one()
    return later - 1 if later is not None else session.exec(select(func.max(Batch.id))).one() or 0


def attempts(session: Session, action: str, key: str, *, since: datetime) -> Sequence[datetime]:
    """When that was tried with that key since then, oldest first."""
    query = select(Attempt.at).where(Attempt.action == action, Attempt.key == key, col(Attempt.at) > since)
    return session.exec(query.order_by(col(Attempt.at))).all()


def attempted_keys(session: Session, action: str, *, since: datetime) -> set[str]:
    """The keys with which that was tried since then."""
    return set(session.exec(select(Attempt.key).where(Attempt.action == action, col(Attempt.at) > since)))


def delete_attempts(session: Session, action: str, key: str) -> None:
    """That key's tries count no more."""
    session.exec(delete(Attempt).where(col(Attempt.action) == action, col(Attempt.key) == key))


def without_welcome(session: Session, action: str, *, since: datetime, until: datetime, limit: int) -> list[int]:
    """Active readers confirmed between those times without any edition, and without a note of that action."""
    has = select(Edition.id).where(col(Edition.subscriber_id) == col(Subscriber.id))
    noted = select(Attempt.id).where(Attempt.action == action, Attempt.key == cast(col(Subscriber.id), String))
    query = (
        select(Subscriber.id)
        .where(Subscriber.state == ACTIVE, col(Subscriber.confirmed_at).between(since, until))
        .where(~has.exists(), ~noted.exists())
        .order_by(col(Subscriber.id))
        .limit(limit)
    )
    return [number for number in session.exec(query) if number]


def mark_welcomed(session: Session, subscriber_id: int, *, now: datetime) -> None:
    """As if the reader's first edition had been considered and there was nothing to send."""
    record_attempt(session, WELCOME, str(subscriber_id), now=now, forget_before=now - 2 * WELCOME_WITHIN)


def record_attempt(session: Session, action: str, key: str, *, now: datetime, forget_before: datetime) -> None:
    """Count one more try, and drop those that no longer matter."""
    session.exec(delete(Attempt).where(col(Attempt.action) == action, col(Attempt.at) <= forget_before))
    session.add(Attempt(action=action, key=key, at=now))

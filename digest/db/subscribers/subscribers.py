"""Subscribers, their profile versions and consents. The only place that derives the key of a typed address."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, String, cast, func, insert, literal
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select, update

from digest import settings
from digest.db.core.dialect import in_values
from digest.db.subscribers import former_addresses
from digest.errors import BadInput
from digest.matching.profile import Profile
from digest.models import Attempt, Batch, Consent, Edition, ProfileVersion, Subscriber, Suppression
from digest.models.delivery import WELCOME
from digest.models.subscriber import ACTIVE, PENDING, UNSUBSCRIBED
from digest.models.types import UTCDateTime, stored_id

MAX_ADDRESS = 254
IMPORTED = "imported"  # the consent event of a subscriber whom an administrator imported
WELCOME_WITHIN = timedelta(days=1)  # after confirmation; later no welcome edition is sent


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """An address that can be mailed. `text`: for the mail, with its domain in ASCII; `key`: the same for one mailbox.

    The key is in NFC, the domain in lower-case IDNA, the part before the @ case-folded.
    """

    text: str
    key: str


def parse_address(text: str) -> ParsedAddress:
    """Parse a typed address, without a look-up in the network. Raises BadInput naming the field.

    A local part outside ASCII is refused, because most servers do not accept it.
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
    """The number of active subscribers."""
    return session.exec(select(func.count()).where(col(Subscriber.state) == ACTIVE)).one()


def count_profile_words(session: Session, max_profiles: int) -> list[int]:
    """The number of words, authors, and words of liked and example papers in each of the newest profiles."""
    newest = select(col(ProfileVersion.profile)).order_by(col(ProfileVersion.id).desc()).limit(max_profiles)
    newest_profiles = [Profile.from_json(profile) for profile in session.execute(newest).scalars()]
    queries = ([*(topic.text for topic in profile.topics), *profile.exclusions] for profile in newest_profiles)
    words = (sum(len(text.split()) for text in texts) for texts in queries)
    return [
        count + len(profile.authors) + len(profile.likes) + len(profile.example_terms)
        for count, profile in zip(words, newest_profiles, strict=True)
    ]


def profiles(session: Session, version_ids: Sequence[int]) -> dict[int, Profile]:
    """The profiles with these version ids."""
    if not version_ids:
        return {}
    query = select(col(ProfileVersion.id), col(ProfileVersion.profile))
    rows = session.execute(query.where(in_values(session, col(ProfileVersion.id), version_ids)))
    return {version_id: Profile.from_json(profile) for version_id, profile in rows}


def ids_by_source(session: Session, outlet: str) -> list[int]:
    """Ids of the subscribers, in whatever state, whose current profile names that outlet as a source."""
    sources = col(ProfileVersion.profile)["sources"].as_string()  # missing where all are chosen
    query = select_columns(col(Subscriber.id), sources).join(
        ProfileVersion, col(ProfileVersion.id) == col(Subscriber.profile_id)
    )
    rows = session.execute(query.where(sources.is_not(None)).order_by(col(Subscriber.id)))
    return [int(subscriber_id) for subscriber_id, names in rows if outlet in json.loads(names)]


def profile_version_created_at(session: Session, version_id: int) -> datetime | None:
    """When that profile version was created; None where there is none with that id."""
    version = session.get(ProfileVersion, version_id)
    return version.created_at if version else None


def by_key(session: Session, key: str, *, lock: bool = False) -> Subscriber | None:
    """The subscriber with that address key; `lock` holds the row until the transaction ends."""
    return _find_one(session, col(Subscriber.address_key) == key, lock=lock)


def by_id(session: Session, subscriber_id: int, *, lock: bool = False) -> Subscriber | None:
    """The subscriber with that id; `lock` holds the row until the transaction ends."""
    return _find_one(session, col(Subscriber.id) == subscriber_id, lock=lock)


def by_ids(session: Session, subscriber_ids: Sequence[int]) -> Sequence[Subscriber]:
    """The subscribers with these ids, in the order of ids."""
    query = select(Subscriber).where(in_values(session, col(Subscriber.id), subscriber_ids))
    return session.execute(query.order_by(col(Subscriber.id))).scalars().all()


def lock_unless_left(session: Session, subscriber_ids: Sequence[int]) -> list[int]:
    """Lock those of the subscribers who have not unsubscribed, in the order of ids. Returns their ids."""
    query = select(col(Subscriber.id)).where(
        in_values(session, col(Subscriber.id), subscriber_ids), Subscriber.state != UNSUBSCRIBED
    )
    locked_ids = session.execute(query.order_by(col(Subscriber.id)).with_for_update()).scalars()
    return [subscriber_id for subscriber_id in locked_ids if subscriber_id is not None]


def mark_left(session: Session, subscriber_ids: Sequence[int], *, now: datetime) -> None:
    """Set the state of subscribers who unsubscribe. The caller holds their rows."""
    session.execute(
        update(Subscriber)
        .where(in_values(session, col(Subscriber.id), subscriber_ids))
        .values(state=UNSUBSCRIBED, left_at=now, next_due_at=None)
    )


def _find_one(session: Session, condition: ColumnElement[bool], *, lock: bool) -> Subscriber | None:
    query = select(Subscriber).where(condition)
    return session.exec(query.with_for_update() if lock else query).one_or_none()


def count_by_state(session: Session) -> dict[str, int]:
    """How many subscribers there are in each state."""
    rows = session.exec(select(Subscriber.state, func.count()).group_by(Subscriber.state)).all()
    return {state: int(number) for state, number in rows}


def admit(session: Session, address: ParsedAddress, *, now: datetime) -> Subscriber:
    """The row of that address, locked; a new one is pending. Concurrent calls return the same row."""
    existing = by_key(session, address.key, lock=True)
    if existing is not None:
        return existing
    subscriber = Subscriber(address=address.text, address_key=address.key, state=PENDING, created_at=now)
    subscriber.send_at = settings.get().send_at
    try:
        with session.begin_nested():
            session.add(subscriber)
            former_addresses.restore_suppression(session, address.key)
    except IntegrityError:
        concurrent = by_key(session, address.key, lock=True)
        if concurrent is None:
            raise
        return concurrent
    return subscriber


def delete_subscriber(session: Session, subscriber_id: int) -> None:
    """Delete a subscriber's row; profiles, consents, requests and feedback are deleted with it."""
    session.exec(delete(Subscriber).where(col(Subscriber.id) == subscriber_id))


def suppression(session: Session, key: str) -> Suppression | None:
    """Why that address must not be mailed, None where it may be; also from the hash of a deleted address."""
    suppression_row = session.exec(select(Suppression).where(Suppression.address_key == key)).one_or_none()
    former = None if suppression_row else former_addresses.find_former_address(session, key)
    if former is not None and former.suppressed:
        return Suppression(address_key=key, reason=former.reason, at=former.at)
    return suppression_row


def add_profile_version(session: Session, subscriber_id: int, profile: Profile, *, now: datetime) -> ProfileVersion:
    """Add a version of a subscriber's profile; earlier versions stay."""
    last_number = session.exec(
        select(func.max(ProfileVersion.number)).where(ProfileVersion.subscriber_id == subscriber_id)
    ).one()
    version = ProfileVersion(
        subscriber_id=subscriber_id, number=(last_number or 0) + 1, created_at=now, profile=profile.to_json()
    )
    session.add(version)
    session.flush()
    return version


def profile_version(session: Session, subscriber_id: int, profile_id: int | None) -> ProfileVersion | None:
    """The profile version with that id; None where there is none, or where it is another subscriber's."""
    query = select(ProfileVersion).where(ProfileVersion.id == profile_id, ProfileVersion.subscriber_id == subscriber_id)
    return session.exec(query).one_or_none()


def profile_versions(session: Session, version_ids: Iterable[int]) -> dict[int, ProfileVersion]:
    """The profile versions with these ids, by id."""
    ids = set(version_ids)
    rows = session.exec(select(ProfileVersion).where(col(ProfileVersion.id).in_(ids))) if ids else ()
    return {stored_id(version): version for version in rows}


def profile_versions_of(session: Session, subscriber_id: int) -> Sequence[ProfileVersion]:
    """All versions of a subscriber's profile, oldest first."""
    query = select(ProfileVersion).where(ProfileVersion.subscriber_id == subscriber_id)
    return session.exec(query.order_by(col(ProfileVersion.number))).all()


def profile_of(session: Session, subscriber: Subscriber) -> Profile:
    """The subscriber's current profile; an empty one before the first is confirmed."""
    version = profile_version(session, stored_id(subscriber), subscriber.profile_id)
    return Profile.from_json(version.profile) if version else Profile()


def record_consent(
    session: Session, subscriber_id: int, event: str, *, now: datetime, client: str, wording: str
) -> None:
    """Store the proof of a consent event. `client`: a hash of its origin or a word, never an address."""
    session.add(Consent(subscriber_id=subscriber_id, event=event, at=now, client=client, wording=wording))


def record_departures(session: Session, origins: Mapping[int, str], *, now: datetime, wording: str) -> None:
    """Store the proof that these subscribers unsubscribed, by id with its origin as in `record_consent`.

    One statement for each origin: the interpreter's lock is released for each statement and, in a busy process, only
    regained milliseconds later.
    """
    ids_by_origin: dict[str, list[int]] = {}
    for subscriber_id, origin in origins.items():
        ids_by_origin.setdefault(origin, []).append(subscriber_id)
    for origin, subscriber_ids in ids_by_origin.items():
        columns = select_columns(
            col(Subscriber.id), literal("left"), literal(now, UTCDateTime), literal(origin), literal(wording)
        ).where(in_values(session, col(Subscriber.id), subscriber_ids))
        names = ["subscriber_id", "event", "at", "client", "wording"]
        session.execute(insert(Consent).from_select(names, columns))


def consents(session: Session, subscriber_id: int) -> Sequence[Consent]:
    """A subscriber's consent events, oldest first."""
    query = select(Consent).where(Consent.subscriber_id == subscriber_id).order_by(col(Consent.id))
    return session.exec(query).all()


def consents_by_subscriber(session: Session) -> dict[int, list[Consent]]:
    """All consent events, oldest first, by subscriber."""
    events_by_subscriber: dict[int, list[Consent]] = {}
    for event in session.exec(select(Consent).order_by(col(Consent.id))):
        events_by_subscriber.setdefault(event.subscriber_id, []).append(event)
    return events_by_subscriber


def was_imported(session: Session, subscriber_id: int) -> bool:
    """True where the last consent event is an import by an administrator."""
    events = select(Consent.event).where(Consent.subscriber_id == subscriber_id).order_by(col(Consent.id).desc())
    return session.exec(events.limit(1)).first() == IMPORTED


def newest_batch_known_at(session: Session, *, now: datetime) -> int:
    """The last batch before the first one that is not known yet, 0 for none. Its papers are not new to a subscriber."""
    first_later_batch = session.exec(select(func.min(Batch.id)).where(col(Batch.known_at) > now)).one()
    return (
        first_later_batch - 1 if first_later_batch is not None else session.exec(select(func.max(Batch.id))).one() or 0
    )


def attempts(session: Session, action: str, key: str, *, since: datetime) -> Sequence[datetime]:
    """Times of the attempts with that key since then, oldest first."""
    query = select(Attempt.at).where(Attempt.action == action, Attempt.key == key, col(Attempt.at) > since)
    return session.exec(query.order_by(col(Attempt.at))).all()


def attempted_keys(session: Session, action: str, *, since: datetime) -> set[str]:
    """The keys with attempts since then."""
    return set(session.exec(select(Attempt.key).where(Attempt.action == action, col(Attempt.at) > since)))


def attempts_of_key(session: Session, key: str) -> Sequence[Attempt]:
    """The attempts of all actions with that key, oldest first."""
    return session.exec(select(Attempt).where(Attempt.key == key).order_by(col(Attempt.id))).all()


def delete_attempts_of_key(session: Session, key: str) -> None:
    """Delete the attempts of all actions with that key."""
    session.exec(delete(Attempt).where(col(Attempt.key) == key))


def delete_attempts(session: Session, action: str, key: str) -> None:
    """Delete the attempts of an action with that key."""
    session.exec(delete(Attempt).where(col(Attempt.action) == action, col(Attempt.key) == key))


def without_welcome(
    session: Session, action: str, *, since: datetime, until: datetime, limit: int, only_id: int | None = None
) -> list[int]:
    """Active subscribers confirmed between those times without any edition and without an attempt of that action."""
    any_edition = select(Edition.id).where(col(Edition.subscriber_id) == col(Subscriber.id))
    noted = select(Attempt.id).where(Attempt.action == action, Attempt.key == cast(col(Subscriber.id), String))
    query = (
        select(Subscriber.id)
        .where(Subscriber.state == ACTIVE, col(Subscriber.confirmed_at).between(since, until))
        .where(~any_edition.exists(), ~noted.exists())
        .order_by(col(Subscriber.id))
        .limit(limit)
    )
    if only_id is not None:
        query = query.where(Subscriber.id == only_id)
    return [subscriber_id for subscriber_id in session.exec(query) if subscriber_id]


def mark_welcomed(session: Session, subscriber_id: int, *, now: datetime) -> None:
    """Record that no welcome edition has to be sent any more."""
    record_attempt(session, WELCOME, str(subscriber_id), now=now, forget_before=now - 2 * WELCOME_WITHIN)


def record_attempt(session: Session, action: str, key: str, *, now: datetime, forget_before: datetime) -> None:
    """Record one attempt, and delete those until `forget_before`."""
    session.exec(delete(Attempt).where(col(Attempt.action) == action, col(Attempt.at) <= forget_before))
    session.add(Attempt(action=action, key=key, at=now))

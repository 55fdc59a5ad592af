"""Confirming a sign-up. Looking changes nothing; acting records the consent and starts the mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock
from digest.compose.language import say
from digest.db import engine, subscribers
from digest.errors import NotFound, Refused, StaleToken
from digest.matching.profile import Profile
from digest.models import ProfileVersion, Subscriber
from digest.models.subscriber import ACTIVE
from digest.ports import Enqueue
from digest.services import cadence, rate_limits
from digest.services.subscribe import WORDING

GOOD_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a confirmation is about: the reader, the profile asked for, and whether it was confirmed before."""

    subscriber: Subscriber
    profile: Profile
    done: bool


def look(subscriber_id: int, profile_id: int) -> Asked:
    """What this confirmation would start. Raises NotFound after erasure, StaleToken where it is out of date."""
    with engine.reading() as session:
        reader, version = _asked(session, subscriber_id, profile_id, now=clock.now())
        return Asked(reader, Profile.from_json(version.profile), done=reader.state == ACTIVE)


def confirm(subscriber_id: int, profile_id: int, client: str, enqueue: Enqueue) -> Asked:
    """Start the mail with that version of the profile. May be repeated: a second time changes nothing.

    Raises NotFound, StaleToken, and Refused where the address has been suppressed since.
    """
    now = clock.now()
    with engine.transaction() as session:
        reader, version = _asked(session, subscriber_id, profile_id, now=now, lock=True)
        profile = Profile.from_json(version.profile)
        if reader.state == ACTIVE:
            return Asked(reader, profile, done=True)
        begin(session, reader, version, event="confirmed", client=client, now=now)
    enqueue.welcome(subscriber_id)
    return Asked(reader, profile, done=False)


def begin(
    session: Session, reader: Subscriber, version: ProfileVersion | None, *, event: str, client: str, now: datetime
) -> None:
    """Make a reader active, with proof. Only papers of later ingests are new; the welcome covers those before."""
    if subscribers.suppression(session, reader.address_key) is not None:
        raise Refused(say("mail to this address is stopped after a bounce or a complaint; ask the administrator"))
    reader.state, reader.confirmed_at, reader.left_at = ACTIVE, now, None
    reader.profile_id = version.id if version else reader.profile_id
    reader.seen_through = subscribers.known_through(session, now=now)
    reader.next_due_at = cadence.due_after(reader, now)
    subscribers.consent(session, reader.id or 0, event, now=now, client=rate_limits.keyed(client), wording=WORDING)


def _asked(
    session: Session, subscriber_id: int, profile_id: int, *, now: datetime, lock: bool = False
) -> tuple[Subscriber, ProfileVersion]:
    reader = subscribers.by_id(session, subscriber_id, lock=lock)
    version = subscribers.profile_version(session, subscriber_id, profile_id)
    if reader is None or version is None:
        raise NotFound(say("this subscription no longer exists; sign up again if you want the mail"))
    stale = version.created_at < now - GOOD_FOR or (reader.left_at is not None and version.created_at <= reader.left_at)
    if stale and reader.state != ACTIVE:
        raise StaleToken(say("this link is out of date; sign up again to get a new one"))
    return reader, version

"""A reader's own page: change topics and schedule, pause, take the data along, come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest import clock
from digest.db.core import engine
from digest.db.subscribers import subscribers
from digest.errors import NotFound, Refused
from digest.i18n import say
from digest.matching.profile import Profile
from digest.models import Subscriber, Suppression
from digest.models.subscriber import ACTIVE, LEFT
from digest.services.subscriptions import personal_data, send_schedule
from digest.services.subscriptions.confirm import begin
from digest.services.subscriptions.preference_fields import Preferences


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscriber with the profile that counts now. `suppression`: why the address gets no mail, if so."""

    subscriber: Subscriber
    profile: Profile
    suppression: Suppression | None = None


def look(subscriber_id: int) -> Reader:
    """The reader and what they want. Raises NotFound after erasure."""
    with engine.reading() as session:
        reader = _present(subscribers.by_id(session, subscriber_id))
        suppression = subscribers.suppression(session, reader.address_key)
        return Reader(reader, subscribers.profile_of(session, reader), suppression)


def change(subscriber_id: int, wanted: Preferences) -> Reader:
    """Keep the new wishes: a new profile version where topics changed, and the next slot. Raises NotFound, BadInput."""
    now = clock.now()
    wanted.check_pause(now.astimezone(clock.zone(wanted.time_zone)).date())
    with engine.transaction() as session:
        reader = _present(subscribers.by_id(session, subscriber_id, lock=True))
        before = subscribers.profile_of(session, reader)
        profile = wanted.profile(before)
        if profile != before or reader.profile_id is None:
            reader.profile_id = subscribers.new_profile(session, subscriber_id, profile, now=now).id
        wanted.write_to(reader)
        if reader.state == ACTIVE and not _waits(reader, now):
            reader.next_due_at = send_schedule.due_after(reader, now)
        return Reader(reader, profile, subscribers.suppression(session, reader.address_key))


def _waits(reader: Subscriber, now: datetime) -> bool:
    """True where the day's mail is due and no pause holds it back: a change must not cost it."""
    today = now.astimezone(clock.zone(reader.time_zone)).date()
    paused = reader.paused_until is not None and today < reader.paused_until
    return reader.next_due_at is not None and reader.next_due_at <= now and not paused


def come_back(subscriber_id: int, client: str) -> None:
    """Start the mail again for a reader who left. Raises NotFound, Refused."""
    now = clock.now()
    with engine.transaction() as session:
        reader = _present(subscribers.by_id(session, subscriber_id, lock=True))
        if reader.state == ACTIVE:
            return
        if reader.state != LEFT or reader.profile_id is None:
            raise Refused(say("this subscription was never confirmed; use the link in the confirmation e-mail"))
        begin(session, reader, None, event="returned", client=client, now=now)


def export(subscriber_id: int) -> dict[str, Any]:
    """All that is kept about a subscriber, as plain JSON values. Raises NotFound."""
    with engine.reading() as session:
        return personal_data.collect(session, _present(subscribers.by_id(session, subscriber_id)))


def _present(reader: Subscriber | None) -> Subscriber:
    if reader is None:
        raise NotFound(say("this subscription no longer exists"))
    return reader

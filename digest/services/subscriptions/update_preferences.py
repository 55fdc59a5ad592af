"""What a subscriber does on the preferences page: change topics and schedule, pause, export, subscribe again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.subscribers import subscribers
from digest.errors import NotFound, Refused
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.models import Subscriber, Suppression
from digest.models.subscriber import ACTIVE, UNSUBSCRIBED
from digest.models.types import stored_id
from digest.services.subscriptions import personal_data, preference_fields, preference_versions, send_schedule
from digest.services.subscriptions.preference_fields import Preferences
from digest.services.subscriptions.sign_up_confirmation import activate


@dataclass(frozen=True, slots=True)
class SubscriberAccount:
    """A subscriber with the current profile. `suppression`: why the address gets no mail; None if it may be mailed."""

    subscriber: Subscriber
    profile: Profile
    suppression: Suppression | None = None


def account_of(subscriber_id: int) -> SubscriberAccount:
    """The subscriber and their profile. Raises NotFound after erasure."""
    with engine.reading() as session:
        subscriber = _require_subscriber(subscribers.by_id(session, subscriber_id))
        suppression = subscribers.suppression(session, subscriber.address_key)
        return SubscriberAccount(subscriber, subscribers.profile_of(session, subscriber), suppression)


def save_preferences(
    subscriber_id: int, preferences: Preferences, *, expected_version: str = "", shown_versions: str = ""
) -> SubscriberAccount:
    """Store the preferences: a new profile version if it changed, and the next slot.

    `expected_version`, `shown_versions`: the version and the field versions that the form showed; '' for no check.
    Raises NotFound, BadInput, and Refused if the stored version is another one.
    """
    with engine.transaction() as session:
        subscriber = _require_subscriber(subscribers.by_id(session, subscriber_id, lock=True))
        previous = subscribers.profile_of(session, subscriber)
        preference_versions.require_unchanged(shown_versions, subscriber, previous, preference_fields.FIELDS)
        if expected_version not in {"", preference_versions.version_of(subscriber, previous)}:
            raise Refused(localize("your preferences were changed elsewhere since you opened this page"))
        return _store(session, subscriber, previous, preferences)


def save_section(subscriber_id: int, texts: Mapping[str, str], *, shown_versions: str = "") -> SubscriberAccount:
    """Store some preferences, by name; the others stay as they are.

    `shown_versions`: the field versions that the form showed. Raises NotFound, BadInput, and Refused where one of these
    preferences has changed since.
    """
    with engine.transaction() as session:
        subscriber = _require_subscriber(subscribers.by_id(session, subscriber_id, lock=True))
        previous = subscribers.profile_of(session, subscriber)
        preference_versions.require_unchanged(shown_versions, subscriber, previous, texts.keys())
        stored_texts = preference_fields.preference_texts(subscriber, previous)
        return _store(session, subscriber, previous, _validated(stored_texts | dict(texts), previous))


def change_preferences(
    subscriber_id: int, changes: Mapping[str, Any], *, expected_version: str = ""
) -> SubscriberAccount:
    """Store some preferences, by name, as values; the others stay as they are.

    Raises NotFound, BadInput, and Refused if the stored version is not the expected one ('' for no check).
    """
    with engine.transaction() as session:
        subscriber = _require_subscriber(subscribers.by_id(session, subscriber_id, lock=True))
        previous = subscribers.profile_of(session, subscriber)
        if expected_version not in {"", preference_versions.version_of(subscriber, previous)}:
            raise Refused(localize("the preferences were changed since they were read; read them again"))
        stored_values = preference_fields.preference_values(subscriber, previous)
        return _store(session, subscriber, previous, _validated(stored_values | dict(changes), previous))


def _validated(values: Mapping[str, Any], previous: Profile) -> Preferences:
    return preference_fields.validate(Preferences, values, stored=preference_fields.stored_lists(previous))


def _store(session: Session, subscriber: Subscriber, previous: Profile, preferences: Preferences) -> SubscriberAccount:
    now = clock.now()
    preferences.check_pause(now.astimezone(clock.zone_info(preferences.time_zone)).date())
    profile = preferences.profile(previous)
    if profile != previous or subscriber.profile_id is None:
        version = subscribers.add_profile_version(session, stored_id(subscriber), profile, now=now)
        subscriber.profile_id = version.id
    preferences.apply_to(subscriber)
    if subscriber.state == ACTIVE and not _has_due_mail(subscriber, now):
        subscriber.next_due_at = send_schedule.due_after(subscriber, now)
    return SubscriberAccount(subscriber, profile, subscribers.suppression(session, subscriber.address_key))


def pause_for(subscriber_id: int, days: int) -> SubscriberAccount:
    """Send nothing for so many days, counted from today in the subscriber's time zone; 0 ends a pause.

    Raises NotFound, BadInput.
    """
    if not days:
        return save_section(subscriber_id, {"paused_until": ""})
    zone = clock.zone_info(account_of(subscriber_id).subscriber.time_zone)
    until = clock.now().astimezone(zone).date() + timedelta(days=days)
    return save_section(subscriber_id, {"paused_until": until.isoformat()})


def _has_due_mail(subscriber: Subscriber, now: datetime) -> bool:
    """True if a mail is due and not paused: then the slot stays, so that the change does not lose that mail."""
    is_due = subscriber.next_due_at is not None and subscriber.next_due_at <= now
    return is_due and not send_schedule.is_paused(subscriber, now)


def resubscribe(subscriber_id: int, client: str) -> None:
    """Reactivate a subscriber who had unsubscribed. Raises NotFound, Refused."""
    now = clock.now()
    with engine.transaction() as session:
        subscriber = _require_subscriber(subscribers.by_id(session, subscriber_id, lock=True))
        if subscriber.state == ACTIVE:
            return
        if subscriber.state != UNSUBSCRIBED or subscriber.profile_id is None:
            raise Refused(localize("this subscription was never confirmed; use the link in the confirmation e-mail"))
        activate(session, subscriber, None, event="returned", client=client, now=now)


def export_data(subscriber_id: int) -> dict[str, Any]:
    """All that is stored about a subscriber, as plain JSON values. Raises NotFound."""
    with engine.reading() as session:
        return personal_data.export_of(session, _require_subscriber(subscribers.by_id(session, subscriber_id)))


def _require_subscriber(subscriber: Subscriber | None) -> Subscriber:
    if subscriber is None:
        raise NotFound(localize("this subscription no longer exists"))
    return subscriber

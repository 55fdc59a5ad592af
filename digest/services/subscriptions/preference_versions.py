"""Versions of stored preferences: they tell a form which preferences were changed elsewhere since it was opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from digest.errors import Refused
from digest.i18n import localize
from digest.matching.profile import Profile
from digest.models import Subscriber
from digest.services.subscriptions import preference_fields


def version_of(subscriber: Subscriber, profile: Profile) -> str:
    """A value that changes whenever a preference does, to detect that a form is out of date."""
    texts = json.dumps(preference_fields.preference_texts(subscriber, profile), sort_keys=True)
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


def field_versions(subscriber: Subscriber, profile: Profile) -> str:
    """`name:hash` of each preference, with caps and mutes, so that a form can tell which ones changed meanwhile."""
    return " ".join(f"{name}:{value}" for name, value in _field_hashes(subscriber, profile).items())


def merge_versions(
    shown_versions: str, subscriber: Subscriber, profile: Profile, *, saved_names: Collection[str]
) -> str:
    """`shown_versions` with the current versions of the preferences that were just saved."""
    pairs = (item.partition(":") for item in shown_versions.split())
    earlier = {name: value for name, _, value in pairs if name not in saved_names}
    hashes = _field_hashes(subscriber, profile) | earlier
    return " ".join(f"{name}:{value}" for name, value in hashes.items() if name in preference_fields.FIELDS)


def changed_since(shown_versions: str, subscriber: Subscriber, profile: Profile) -> list[str]:
    """The preferences that differ from `shown_versions`, a result of `field_versions`; unknown names are ignored."""
    hashes = _field_hashes(subscriber, profile)
    pairs = (item.partition(":") for item in shown_versions.split())
    return [name for name, _, value in pairs if name in hashes and hashes[name] != value]


def require_unchanged(shown_versions: str, subscriber: Subscriber, profile: Profile, names: Collection[str]) -> None:
    """Raises Refused where one of these preferences differs from `shown_versions`, saying what it is now."""
    changed_names = [name for name in changed_since(shown_versions, subscriber, profile) if name in names]
    if changed_names:
        texts = preference_fields.preference_texts(subscriber, profile)
        labels = {name: localize(preference_fields.preferences()[name].label) for name in changed_names}
        values = (f"{label}: {_short_text(texts[name])}" for name, label in labels.items())
        message = localize("your preferences were changed elsewhere since you opened this page")
        raise Refused(f"{message} ({'; '.join(values)})")


def _short_text(text: str) -> str:
    one_line = ", ".join(line for line in text.splitlines() if line.strip())
    return one_line[:200] or localize("empty")


def _field_hashes(subscriber: Subscriber, profile: Profile) -> dict[str, str]:
    texts = preference_fields.preference_texts(subscriber, profile)
    texts["topics"] = json.dumps([(topic.text, topic.cap, topic.muted) for topic in profile.topics])
    return {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in texts.items()}

"""Takes sources that were removed here out of profiles: a choice of nothing else would leave out every paper."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from digest import clock
from digest.db.subscribers import subscribers
from digest.matching.profile import Profile
from digest.services.catalog import outlets


def without_removed_sources(profile: Profile) -> Profile:
    """The profile with those of its sources that exist here; none of them means all."""
    if not profile.sources:
        return profile
    outlet_keys = outlets.known_outlets()
    sources = tuple(key for key in profile.sources if key in outlet_keys)
    return profile if sources == profile.sources else replace(profile, sources=sources)


def remove_from_profiles(session: Session, outlet: str) -> int:
    """Take an outlet (its key) out of the profiles of all subscribers that name it. Returns how many did."""
    now = clock.now()
    changed_count = 0
    for subscriber_id in subscribers.ids_by_source(session, outlet):
        subscriber = subscribers.by_id(session, subscriber_id, lock=True)
        if subscriber is None:
            continue
        profile = subscribers.profile_of(session, subscriber)
        if outlet not in profile.sources:
            continue
        remaining = tuple(key for key in profile.sources if key != outlet)
        version = subscribers.add_profile_version(session, subscriber_id, replace(profile, sources=remaining), now=now)
        subscriber.profile_id = version.id
        changed_count += 1
    return changed_count

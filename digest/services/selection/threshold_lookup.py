"""Each profile's threshold τ, fixed for an epoch: computed when first needed, stored with the editions.

With it is fixed whether close papers need the context of a topic: where contexts were stored at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session

from digest.db.papers import papers as store
from digest.db.subscribers import subscribers, threshold_store, topic_contexts
from digest.db.subscribers.threshold_store import ProfileThreshold
from digest.matching.profile import Profile
from digest.models import Epoch
from digest.services.catalog import announcements, epochs
from digest.services.catalog.context_lookup import EpochContexts, topics_of
from digest.services.selection import selector
from digest.services.selection.backend import ProfileCache
from digest.services.selection.edition_sections import COMPILED_PROFILE

Thresholds = Mapping[int, ProfileThreshold]  # by profile version
NO_THRESHOLD = ProfileThreshold()
MAX_PROFILES, MAX_TOPICS = 100, 400  # whose contexts a run computes itself, in up to five seconds


def thresholds_by_version(
    session: Session, epoch: Epoch | None, profiles: Mapping[int, Profile]
) -> dict[int, ProfileThreshold]:
    """The threshold of each profile version in that epoch; none while the epoch is young (the floor alone)."""
    return complete_thresholds(session, epoch, profiles, stored_thresholds(session, epoch, profiles))


def stored_thresholds(session: Session, epoch: Epoch | None, versions: Collection[int]) -> Thresholds:
    """The stored thresholds of these profile versions in that epoch."""
    return threshold_store.stored_thresholds(session, epoch.id, versions) if epoch is not None and epoch.id else {}


def complete_thresholds(
    session: Session,
    epoch: Epoch | None,
    profiles: Mapping[int, Profile],
    stored_thresholds: Thresholds,
    cache: ProfileCache | None = None,
) -> dict[int, ProfileThreshold]:
    """The threshold of each profile version, computed where none is stored. `cache`: the compiled profiles."""
    if epoch is None or epoch.announcement_id is None or epoch.announcements < epochs.MIN_ANNOUNCEMENTS:
        return dict.fromkeys(profiles, NO_THRESHOLD)
    missing = {version: profile for version, profile in profiles.items() if version not in stored_thresholds}
    if not missing:
        return dict(stored_thresholds)
    earlier_announcements = store.announcement_window(session, epoch.announcement_id - 1, epochs.MIN_ANNOUNCEMENTS)
    taus = selector.thresholds(
        session,
        announcements.announcement_days(session, earlier_announcements),
        epochs.weights(epoch),
        missing,
        cache,
    )
    has_contexts = _compute_contexts(session, EpochContexts.from_epoch(epoch), missing)
    return {**stored_thresholds, **{version: ProfileThreshold(tau, has_contexts) for version, tau in taus.items()}}


def _compute_contexts(session: Session, epoch_contexts: EpochContexts, profiles: Mapping[int, Profile]) -> bool:
    """Compute the contexts of these profiles' topics. False where they are too many for a run."""
    if len(profiles) > MAX_PROFILES:
        return False
    compiled = [version for version, profile in profiles.items() if profile is COMPILED_PROFILE]
    topics = topics_of({**profiles, **subscribers.profiles(session, compiled)}.values())
    if len(epoch_contexts.not_stored(session, topics)) > MAX_TOPICS:
        return False
    epoch_contexts.missing(session, topics)
    return True


def store_thresholds(session: Session, epoch_id: int | None, thresholds: Thresholds) -> None:
    """Store thresholds of an epoch with the contexts that they need; existing ones are not changed."""
    epoch = session.get(Epoch, epoch_id) if epoch_id else None
    if epoch is None or not epoch.id or epoch.announcements < epochs.MIN_ANNOUNCEMENTS:
        return
    with_contexts = [version for version, threshold in thresholds.items() if threshold.has_contexts]
    topics = topics_of(subscribers.profiles(session, with_contexts).values())
    topic_contexts.store_contexts(session, epoch.id, EpochContexts.from_epoch(epoch).missing(session, topics))
    threshold_store.store_thresholds(session, epoch.id, thresholds)

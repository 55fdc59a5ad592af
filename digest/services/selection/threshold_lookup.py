"""Each profile's threshold τ, fixed for an epoch: computed when first needed, stored with the editions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session

from digest.db.papers import papers as store
from digest.db.subscribers import threshold_store
from digest.matching.profile import Profile
from digest.models import Epoch
from digest.services.catalog import announcements, epochs
from digest.services.selection import selector
from digest.services.selection.backend import ProfileCache

Thresholds = Mapping[int, int | None]  # τ by profile version


def thresholds_by_version(
    session: Session, epoch: Epoch | None, profiles: Mapping[int, Profile]
) -> dict[int, int | None]:
    """τ of each profile version in that epoch; None while the epoch is young (the floor alone)."""
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
) -> dict[int, int | None]:
    """τ of each profile version, computed where none is stored. `cache`: the compiled profiles."""
    if epoch is None or epoch.announcement_id is None or epoch.announcements < epochs.MIN_ANNOUNCEMENTS:
        return dict.fromkeys(profiles)
    missing = {version: profile for version, profile in profiles.items() if version not in stored_thresholds}
    taus = dict(stored_thresholds)
    if missing:
        earlier_announcements = store.announcement_window(session, epoch.announcement_id - 1, epochs.MIN_ANNOUNCEMENTS)
        taus |= selector.thresholds(
            session,
            announcements.announcement_days(session, earlier_announcements),
            epochs.weights(epoch),
            missing,
            cache,
        )
    return taus


def store_thresholds(session: Session, epoch_id: int | None, taus: Mapping[int, int | None]) -> None:
    """Store thresholds of an epoch; existing ones are not changed."""
    epoch = session.get(Epoch, epoch_id) if epoch_id else None
    if epoch is not None and epoch.id and epoch.announcements >= epochs.MIN_ANNOUNCEMENTS:
        threshold_store.store_thresholds(session, epoch.id, taus)

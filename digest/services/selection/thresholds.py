"""Each profile's threshold τ, fixed for an epoch: calibrated when it is first needed, kept with the editions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session

from digest.db.papers import papers as store
from digest.db.subscribers import threshold_store
from digest.matching.profile import Profile
from digest.models import Epoch
from digest.services.catalog import announcements, epochs
from digest.services.selection import selector
from digest.services.selection.selector import Shelf

Standing = Mapping[int, int | None]  # τ by profile version


def of(session: Session, epoch: Epoch | None, profiles: Mapping[int, Profile]) -> dict[int, int | None]:
    """τ of each profile version in that epoch; None while the epoch is young (the floor alone)."""
    return complete(session, epoch, profiles, standing(session, epoch, profiles))


def standing(session: Session, epoch: Epoch | None, numbers: Collection[int]) -> Standing:
    """What is stored of these profile versions for that epoch."""
    return threshold_store.standing(session, epoch.id, numbers) if epoch is not None and epoch.id else {}


def complete(
    session: Session, epoch: Epoch | None, profiles: Mapping[int, Profile], known: Standing, shelf: Shelf | None = None
) -> dict[int, int | None]:
    """τ of each profile version, made now where none stands. `shelf`: where the profiles are compiled."""
    if epoch is None or epoch.announcement_id is None or epoch.announcements < epochs.YOUNG:
        return dict.fromkeys(profiles)
    missing = {number: profile for number, profile in profiles.items() if number not in known}
    taus = dict(known)
    if missing:
        before = store.window(session, epoch.announcement_id - 1, epochs.YOUNG)
        taus |= selector.thresholds(session, announcements.days(session, before), epochs.weights(epoch), missing, shelf)
    return taus


def keep(session: Session, epoch_id: int | None, taus: Mapping[int, int | None]) -> None:
    """Store thresholds of an epoch; those that stand already stay."""
    epoch = session.get(Epoch, epoch_id) if epoch_id else None
    if epoch is not None and epoch.id and epoch.announcements >= epochs.YOUNG:
        threshold_store.keep_taus(session, epoch.id, taus)

"""Each profile's threshold τ, fixed for an epoch: calibrated when it is first needed, kept with the editions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlmodel import Session

from digest.db import papers as store
from digest.db import runs
from digest.matching.profile import Profile
from digest.models import Epoch
from digest.services import announced, epochs, select
from digest.services.select import Shelf


def of(session: Session, epoch: Epoch | None, profiles: Mapping[int, Profile]) -> dict[int, int | None]:
    """τ of each profile version in that epoch; None while the epoch is young (the floor alone)."""
    return look_up(session, epoch, profiles)[0]


def look_up(
    session: Session, epoch: Epoch | None, profiles: Mapping[int, Profile], shelf: Shelf | None = None
) -> tuple[dict[int, int | None], Collection[int]]:
    """Like `of`, and the versions whose τ is stored already. `shelf`: where the profiles are compiled."""
    if epoch is None or epoch.announcement_id is None or epoch.announcements < epochs.YOUNG:
        return dict.fromkeys(profiles), ()
    known = runs.thresholds(session, epoch.id, profiles) if epoch.id else {}
    missing = {number: profile for number, profile in profiles.items() if number not in known}
    if missing:
        before = store.window(session, epoch.announcement_id - 1, epochs.YOUNG)
        made = select.thresholds(session, announced.days(session, before), epochs.weights(epoch), missing, shelf)
        return known | made, known
    return known, known


def keep(session: Session, epoch_id: int | None, taus: Mapping[int, int | None]) -> None:
    """Store thresholds of an epoch; those that stand already stay."""
    epoch = session.get(Epoch, epoch_id) if epoch_id else None
    if epoch is not None and epoch.id and epoch.announcements >= epochs.YOUNG:
        runs.keep_thresholds(session, epoch.id, taus)

"""Calibration: once an epoch every active profile gets its threshold, before the first run that needs it.

A task for each part of the subscribers, a few at a time; any step may run twice. A profile that is matched before has
its threshold made by the run.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.db.subscribers import threshold_store
from digest.models import Epoch
from digest.services.catalog import announcements, epochs
from digest.services.editions import assemble_edition
from digest.services.selection import selector

log = logs.get(__name__)

PART = 1000  # readers
AT_ONCE = 16  # parts: what is urgent shall not wait behind a million readers


@dataclass(frozen=True, slots=True)
class Due:
    """The next parts of readers to calibrate in an epoch: first and last number of each."""

    epoch_id: int
    parts: tuple[tuple[int, int], ...] = ()


def due() -> Due:
    """What the epoch of the newest announcement still asks for; the epoch is made where it is due.

    Nothing while it is young: then the floor alone decides.
    """
    with reading() as session:
        announcement = store.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date())
    epoch_id = epochs.current(announcement) if announcement else None
    with reading() as session:
        epoch = session.get(Epoch, epoch_id) if epoch_id else None
        if epoch is None or epoch.announcements < epochs.YOUNG:
            return Due(0)
        return Due(epoch.id or 0, tuple(threshold_store.parts(session, epoch.id or 0, PART, AT_ONCE)))


def part(epoch_id: int, first: int, last: int) -> int:
    """Calibrate the readers from `first` to `last` that are not yet. Safe to run twice; returns how many it did."""
    with reading() as session:
        epoch = session.get(Epoch, epoch_id)
        wanted = threshold_store.waiting(session, epoch_id, first, last)
        if epoch is None or not wanted:
            return 0
        made = _made(session, epoch, wanted)
    with transaction() as session:
        still = threshold_store.waiting(session, epoch_id, first, last)
        threshold_store.keep_taus(session, epoch_id, {number: made[number] for number in still if number in made})
    log.info("profiles_calibrated", epoch=epoch_id, profiles=len(made))
    return len(made)


def all_due() -> int:
    """Calibrate everybody in this process: where there are no workers. Returns how many profiles it did."""
    total, found = 0, due()
    while done := sum(part(found.epoch_id, first, last) for first, last in found.parts):
        total, found = total + done, due()
    return total


def _made(session: Session, epoch: Epoch, wanted: list[int]) -> dict[int, int | None]:
    """τ by profile version."""
    profiles = assemble_edition.by_version(session, wanted)
    days = announcements.days(session, store.window(session, (epoch.announcement_id or 0) - 1, epochs.YOUNG))
    return selector.thresholds(session, days, epochs.weights(epoch), profiles)

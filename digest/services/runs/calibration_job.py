"""Calibration: once an epoch every active profile gets its threshold, before the first run that needs it.

With it the contexts of its topics are stored, so that close papers need one of them (docs/MATCHING.md, "Context").

Profiles are calibrated in parts, a task each, a few at a time; every step may run twice. A profile that is matched
before its turn gets its threshold from the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from digest import clock, logs
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.db.subscribers import threshold_store, topic_contexts
from digest.db.subscribers.threshold_store import ProfileThreshold
from digest.matching.profile import Profile
from digest.models import Epoch
from digest.models.types import stored_id
from digest.services.catalog import announcements, epochs
from digest.services.catalog.context_lookup import EpochContexts, topics_of
from digest.services.editions import assemble_edition
from digest.services.selection import selector

log = logs.get(__name__)

PROFILES_PER_PART = 1000  # profiles a task
PARTS_PER_BATCH = 16  # parts enqueued together, so that urgent tasks do not wait behind a million profiles


@dataclass(frozen=True, slots=True)
class CalibrationParts:
    """The next parts to calibrate in an epoch: first and last profile version of each."""

    epoch_id: int
    parts: tuple[tuple[int, int], ...] = ()


def due_parts() -> CalibrationParts:
    """The next uncalibrated parts of the newest announcement's epoch; creates the epoch where it is due.

    No parts while the epoch is young: then the floor alone decides.
    """
    with reading() as session:
        announcement = store.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date())
    epoch_id = epochs.current_epoch_id(announcement) if announcement else None
    with reading() as session:
        epoch = session.get(Epoch, epoch_id) if epoch_id else None
        if epoch is None or epoch.announcements < epochs.MIN_ANNOUNCEMENTS:
            return CalibrationParts(0)
        epoch_number = stored_id(epoch)
        return CalibrationParts(
            epoch_number,
            tuple(threshold_store.uncalibrated_parts(session, epoch_number, PROFILES_PER_PART, PARTS_PER_BATCH)),
        )


def calibrate_part(epoch_id: int, first_version: int, last_version: int) -> int:
    """Calibrate those profiles from `first` to `last` that are not yet. Safe to run twice. Returns how many.

    The contexts of their topics are stored with their thresholds.
    """
    with reading() as session:
        epoch = session.get(Epoch, epoch_id)
        version_ids = threshold_store.uncalibrated_versions(session, epoch_id, first_version, last_version)
        if epoch is None or not version_ids:
            return 0
        profiles = assemble_edition.profiles_by_version(session, version_ids)
        taus = _taus(session, epoch, profiles)
        contexts = EpochContexts.from_epoch(epoch).missing(session, topics_of(profiles.values()))
    with transaction() as session:
        uncalibrated = threshold_store.uncalibrated_versions(session, epoch_id, first_version, last_version)
        thresholds = {
            version_id: ProfileThreshold(taus[version_id], has_contexts=True)
            for version_id in uncalibrated
            if version_id in taus
        }
        topic_contexts.store_contexts(session, epoch_id, contexts)
        threshold_store.store_thresholds(session, epoch_id, thresholds)
    log.info("profiles_calibrated", epoch=epoch_id, profiles=len(taus), contexts=len(contexts))
    return len(taus)


def calibrate_all() -> int:
    """Calibrate all profiles in this process, where there are no workers. Returns how many."""
    total, next_parts = 0, due_parts()
    while calibrated := sum(
        calibrate_part(next_parts.epoch_id, first_version, last_version)
        for first_version, last_version in next_parts.parts
    ):
        total, next_parts = total + calibrated, due_parts()
    return total


def _taus(session: Session, epoch: Epoch, profiles: Mapping[int, Profile]) -> dict[int, int | None]:
    """Threshold τ by profile version."""
    days = announcements.announcement_days(
        session, store.announcement_window(session, (epoch.announcement_id or 0) - 1, epochs.MIN_ANNOUNCEMENTS)
    )
    return selector.thresholds(session, days, epochs.weights(epoch), profiles)

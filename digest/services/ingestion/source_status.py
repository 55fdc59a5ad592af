"""The state of each source, and whether a run should wait for a late announcement.

States: on time; quiet (nothing was due); late (due, but not there); partial (a part is missing); stale (old content
under a fresh date); down (no valid answer); paused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.papers import feed_sources, source_days
from digest.errors import N_
from digest.models import SourceState
from digest.services.ingestion import catch_up
from digest.sources import registry
from digest.sources.source import A_DAY, DOWN, LATE, MAX_DAYS_BACK, PARTIAL, AnnouncementCalendar, Source

ON_TIME, QUIET, NEVER_FETCHED = N_("on time"), N_("quiet"), N_("never fetched")
PAUSED, NOT_ENABLED = N_("paused"), N_("not enabled")
GRACE = timedelta(minutes=20)  # an announcement is late this long after its time
MISSED_INTERVALS = 3  # after which a source without a calendar is late
_IN_USE_DAYS = 14
_LISTED_GAPS = 5


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The current state of a source. `complete_through`: the last announcement up to which none is missing.

    None for a source without announcements or one that never answered, and while no announcement is stored.
    """

    source: str
    state: str
    detail: str = ""
    complete_through: date | None = None
    attempted_at: datetime | None = None


def source_statuses(now: datetime | None = None) -> list[SourceStatus]:
    """All sources that are enabled or were ever fetched."""
    now = now or clock.now()
    calendar = registry.ANNOUNCEMENTS
    due = calendar.newest(now)
    with reading() as session:
        states = source_days.source_states(session)
        missing = catch_up.missing_announcements(session, now)
        oldest = source_days.oldest_day(session, calendar.sources, due - MAX_DAYS_BACK * A_DAY)
        pauses = feed_sources.pauses(session)
    complete_through = None if oldest is None else calendar.previous(missing[0]) if missing else due
    enabled = {source.name for source in registry.enabled_sources()}
    statuses = []
    for source in registry.all_sources().values():
        state = states.get(source.name)
        if state is not None or source.name in enabled or source.name in pauses:
            status = _status(source, state, missing, now, paused_at=pauses.get(source.name))
            answered = source.calendar is not None and state is not None and state.succeeded_at is not None
            statuses.append(replace(status, complete_through=complete_through) if answered else status)
    return statuses


def _status(
    source: Source, state: SourceState | None, missing: list[date], now: datetime, *, paused_at: datetime | None
) -> SourceStatus:
    if paused_at is not None:
        attempted_at = state.attempted_at if state else None
        return SourceStatus(source.name, PAUSED, f"since {paused_at:%Y-%m-%d %H:%M} UTC", attempted_at=attempted_at)
    if state is None:
        return SourceStatus(source.name, NEVER_FETCHED)
    if state.outcome == DOWN:
        return SourceStatus(source.name, DOWN, state.detail, attempted_at=state.attempted_at)
    if source.calendar is not None:
        name, detail = _announcement_state(source.calendar, state, missing, now)
    else:
        name, detail = _interval_state(source, state, now)
    return SourceStatus(source.name, name, detail, attempted_at=state.attempted_at)


def _announcement_state(
    calendar: AnnouncementCalendar, state: SourceState, missing: list[date], now: datetime
) -> tuple[str, str]:
    """State and detail of a source that carries announcements: all of them are in the database, or some are not."""
    due = calendar.newest(now)
    if state.outcome and state.attempted_at >= calendar.available_from(due):
        return state.outcome, state.detail
    older_missing = [day for day in missing if day < due]
    if due in missing and now >= calendar.published_at(due) + GRACE:
        return LATE, f"{due} was due"
    if older_missing:
        listed_days = ", ".join(map(str, older_missing[:_LISTED_GAPS]))
        return PARTIAL, f"missing: {listed_days}{' …' if older_missing[_LISTED_GAPS:] else ''}"
    return (ON_TIME, "") if calendar.announces_on(now) else (QUIET, "nothing was due")


def _interval_state(source: Source, state: SourceState, now: datetime) -> tuple[str, str]:
    """State and detail of a source without a calendar: on time while its last success is recent."""
    if state.outcome:
        return state.outcome, state.detail
    if state.succeeded_at is not None and now - state.succeeded_at <= MISSED_INTERVALS * source.interval:
        return ON_TIME, ""
    return LATE, "not fetched recently"


def missing_announcement(session: Session, slot: datetime, known_at: datetime) -> date | None:
    """The announcement due by a slot and not stored by `known_at`; None where no source of announcements is in use."""
    calendar = registry.ANNOUNCEMENTS
    if set(calendar.sources) <= feed_sources.pauses(session).keys():
        return None
    due = calendar.newest(slot - GRACE)
    stored_days = source_days.stored_days(
        session, calendar.sources, due - _IN_USE_DAYS * A_DAY, due, stored_by=known_at
    )
    return due if stored_days and due not in stored_days else None


def should_wait(session: Session, slot: datetime, now: datetime) -> bool:
    """True while a run of that slot should wait for a late announcement, at most SOURCE_WAIT minutes."""
    return (
        now < slot + timedelta(minutes=settings.get().source_wait)
        and missing_announcement(session, slot, now) is not None
    )


def missing_announcement_notice(session: Session, slot: datetime, known_at: datetime) -> str:
    """The line for a run's mails where the announcement due is missing, else ''."""
    day = missing_announcement(session, slot, known_at)
    if day is None:
        return ""
    label = registry.ANNOUNCEMENTS.label
    return (
        f"{label}'s announcement of {day.day} {day:%B} had not arrived when this was made. Its papers come next time."
    )

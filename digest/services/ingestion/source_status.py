"""How each source stands, when it is to be asked next, and whether a run should wait for one.

States: on time; quiet (nothing was due); late (due, not here); partial (a part is missing); stale (old content under a
fresh date); down (no answer in form).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.papers import source_days as store
from digest.errors import N_
from digest.models import SourceState
from digest.services.ingestion import catch_up, feed_freshness
from digest.services.ingestion.fetch_source import A_DAY, ALL, ARXIV, HUGGINGFACE, LONGEST, OAI, RSS
from digest.sources import arxiv_calendar

ON_TIME, QUIET, NEVER = N_("on time"), N_("quiet"), N_("never asked")
GRACE = timedelta(minutes=20)  # after its time an announcement is late
FEED_AFTER = timedelta(minutes=5)
HARVESTED = time(0, 30)  # in New York, each day
EVERY = {HUGGINGFACE: timedelta(hours=2)}
SELDOM = timedelta(hours=24)
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(minutes=60)
_IN_USE = 14


@dataclass(frozen=True, slots=True)
class Standing:
    """One source now. `through`: the last announcement up to which nothing is missing, for arXiv's sources.

    None for one that never answered, and while no announcement is stored.
    """

    source: str
    state: str
    detail: str = ""
    through: date | None = None
    asked: datetime | None = None


def standings(now: datetime | None = None) -> list[Standing]:
    """All sources that the scheduler asks, or that were ever asked."""
    now = now or clock.now()
    with reading() as session:
        states = store.states(session)
        missing = catch_up.gaps(session, now)
        due = arxiv_calendar.newest(now, arxiv_calendar.feed_at, settings.get().closed_evenings)
        through = _through(missing, due) if store.oldest_day(session, ARXIV, due - LONGEST * A_DAY) else None
    names = [name for name in ALL if name in states or name in settings.get().sources]
    found = [_standing(name, states.get(name), missing, due, now) for name in names]
    fetched = {name for name, state in states.items() if name in ARXIV and state.succeeded_at is not None}
    return [replace(one, through=through) if one.source in fetched else one for one in found]


def _standing(source: str, state: SourceState | None, missing: list[date], due: date, now: datetime) -> Standing:
    if state is None:
        return Standing(source, NEVER)
    if state.outcome == feed_freshness.DOWN:
        return Standing(source, feed_freshness.DOWN, state.detail, asked=state.attempted_at)
    found, detail = _timely(source, state, now) if source not in ARXIV else _of_arxiv(state, missing, due, now)
    return Standing(source, found, detail, asked=state.attempted_at)


def _of_arxiv(state: SourceState, missing: list[date], due: date, now: datetime) -> tuple[str, str]:
    if state.outcome and state.attempted_at >= arxiv_calendar.harvest_at(due):
        return state.outcome, state.detail
    older = [day for day in missing if day < due]
    if due in missing and now >= arxiv_calendar.feed_at(due) + GRACE:
        return feed_freshness.LATE, f"{due} was due"
    if older:
        return feed_freshness.PARTIAL, f"missing: {', '.join(map(str, older[:5]))}{' …' if older[5:] else ''}"
    today = now.astimezone(clock.ARXIV_ZONE).date()
    return (
        (ON_TIME, "") if arxiv_calendar.announces(today, settings.get().closed_evenings) else (QUIET, "nothing was due")
    )


def _timely(source: str, state: SourceState, now: datetime) -> tuple[str, str]:
    """A source without a calendar is on time while its last answer is not older than it should be."""
    if state.outcome:
        return state.outcome, state.detail
    if state.succeeded_at is not None and now - state.succeeded_at <= 3 * EVERY.get(source, SELDOM):
        return ON_TIME, ""
    return feed_freshness.LATE, "not asked for a while"


def _through(missing: list[date], due: date) -> date:
    """The last announcement before the first one that is missing."""
    return arxiv_calendar.previous(missing[0], settings.get().closed_evenings) if missing else due


def due_sources(now: datetime | None = None) -> list[str]:
    """Sources to ask now, of those that the setting names; what fills gaps first."""
    now = now or clock.now()
    with reading() as session:
        states = store.states(session)
        missing = catch_up.gaps(session, now - GRACE)
    found = [name for name in settings.get().sources if name in ALL and _next(name, states, missing) <= now]
    return sorted(found, key=lambda name: name != OAI)


def _next(source: str, states: Mapping[str, SourceState], missing: list[date]) -> datetime:
    """When a source is to be asked: at its own times; sooner after a failure, or while announcements are missing."""
    state = states.get(source)
    if state is None:
        return datetime.min.replace(tzinfo=clock.now().tzinfo)
    after = state.attempted_at
    if state.outcome or (missing and source == OAI):
        soon: datetime = after + min(FIRST_RETRY * 2 ** min(max(state.failures - 1, 0), 10), LONGEST_RETRY)
        return max(soon, state.retry_at or soon)
    if source == RSS:
        return _next_feed(after)
    if source in ARXIV:
        return _next_daily(after)
    return after + EVERY.get(source, SELDOM)


def _next_feed(after: datetime) -> datetime:
    """The next feed, holidays aside: a weekday that the calendar takes for one is looked at all the same."""
    day = after.astimezone(clock.ARXIV_ZONE).date()
    while (at := arxiv_calendar.feed_at(day) + FEED_AFTER) <= after or day.weekday() >= 5:
        day += A_DAY
    return at


def _next_daily(after: datetime) -> datetime:
    day = after.astimezone(clock.ARXIV_ZONE).date()
    while (at := clock.local_instant(day, HARVESTED, clock.ARXIV_ZONE)) <= after:
        day += A_DAY
    return at


def missing_by(session: Session, slot: datetime, known_at: datetime) -> date | None:
    """The announcement that was due by a slot and not stored by `known_at`; None where arXiv's sources are not used."""
    closed = settings.get().closed_evenings
    due = arxiv_calendar.newest(slot - GRACE, arxiv_calendar.feed_at, closed)
    stored = store.days(session, ARXIV, due - _IN_USE * A_DAY, due, by=known_at)
    return due if stored and due not in stored else None


def waits(session: Session, slot: datetime, now: datetime) -> bool:
    """True while a run of that slot should wait for a late announcement: SOURCE_WAIT minutes at most."""
    return now < slot + timedelta(minutes=settings.get().source_wait) and missing_by(session, slot, now) is not None


def notice(session: Session, slot: datetime, known_at: datetime) -> str:
    """What the mails of a run say where the announcement due is not there: one line, else ''."""
    day = missing_by(session, slot, known_at)
    if day is None:
        return ""
    return f"arXiv's announcement of {day.day} {day:%B} had not arrived when this was made. Its papers come next time."

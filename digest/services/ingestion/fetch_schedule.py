"""When each source is to be fetched next: at its own times, sooner after a failure, or now by request.

How often a source is fetched is its `interval`, in its file in `digest/sources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.papers import feed_sources, source_days
from digest.errors import NotFound, Refused
from digest.i18n import localize
from digest.models import Audit, SourceState
from digest.services.ingestion import catch_up
from digest.services.ingestion.source_status import GRACE
from digest.sources import registry
from digest.sources.source import Source

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(minutes=60)
_LONG_AGO = timedelta(days=30)  # longer than any interval between fetches


def due_sources(now: datetime | None = None) -> list[str]:
    """Names of the enabled sources to fetch now, those that fill gaps first."""
    now = now or clock.now()
    due = {name for name, at in next_fetches(now).items() if at <= now}
    sources = [source for source in registry.enabled_sources() if source.name in due]
    return [source.name for source in sorted(sources, key=lambda source: not source.fills_gaps)]


def next_fetches(now: datetime | None = None) -> dict[str, datetime]:
    """When each enabled source is to be fetched next, by name; a past time means at the scheduler's next tick.

    Paused sources are not in it. A source that was asked in the future, while the clock was ahead, is due now.
    """
    now = now or clock.now()
    with reading() as session:
        states = source_days.source_states(session)
        missing = catch_up.missing_announcements(session, now - GRACE)
        pauses = feed_sources.pauses(session)
    sources = [source for source in registry.enabled_sources() if source.name not in pauses]
    present_states = {name: state for name, state in states.items() if state.attempted_at <= now}
    return {source.name: _next_fetch(source, present_states, missing) for source in sources}


def request_fetch(name: str, *, actor: str = "") -> None:
    """Make a source due now; the scheduler fetches it at its next tick. Audited where `actor` is given.

    Raises NotFound for a source that is not enabled, Refused while it is paused or itself asked for no request.
    """
    now = clock.now()
    if name not in {source.name for source in registry.enabled_sources()}:
        raise NotFound(localize("there is no enabled source of that name"))
    with transaction() as session:
        if name in feed_sources.pauses(session):
            raise Refused(localize("%(source)s is paused; resume it first", source=name))
        state = source_days.source_states(session).get(name)
        if state is not None and state.retry_at is not None and state.retry_at > now:
            until = f"{state.retry_at:%Y-%m-%d %H:%M}"
            raise Refused(localize("%(source)s asked for no request before %(time)s UTC", source=name, time=until))
        if state is not None:
            state.attempted_at = now - _LONG_AGO
        if actor:
            session.add(Audit(at=now, actor=actor, action="fetch source", detail={"source": name}))


def _next_fetch(source: Source, states: Mapping[str, SourceState], missing: list[date]) -> datetime:
    """When a source is to be fetched: at its own times; sooner after a failure, or to fill gaps."""
    state = states.get(source.name)
    if state is None:
        return datetime.min.replace(tzinfo=UTC)
    if state.outcome or (missing and source.fills_gaps):
        backoff = min(FIRST_RETRY * 2 ** min(max(state.failures - 1, 0), 10), LONGEST_RETRY)
        retry_at: datetime = state.attempted_at + backoff
        return max(retry_at, state.retry_at or retry_at)
    return source.next_due(state.attempted_at)

"""What is rising now, and how it is said: the newest signals of papers, read through the trending formulas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from digest import clock
from digest.db import papers as store
from digest.db import signals
from digest.db.engine import reading
from digest.matching import trending
from digest.models import Paper
from digest.papers import Record

RECENT = 7


@dataclass(frozen=True, slots=True)
class Trend:
    """A paper's standing: `order` sorts (smaller is first), `percentile` 0 to 100 within its field, facts to show."""

    order: tuple[float, float, int]
    percentile: int
    signals: tuple[tuple[str, float], ...]
    facts: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a trending list."""

    id: int
    record: Record
    facts: str


def figures(session: Session, papers: Iterable[Paper], *, at: datetime) -> dict[int, Trend]:
    """Trends of the papers that have a signal, as of an instant."""
    by_id = {p.id: p for p in papers if p.id}
    known = signals.as_of(session, by_id, at)
    fields = _fields(session, [(n, by_id[n].revision) for n in known])
    standings = trending.standings(
        [
            trending.Seen(
                paper=n,
                field=fields.get(n, ""),
                day=by_id[n].announcement_id or 0,
                hours=_hours(by_id[n], at),
                **{name: values.get(name) for name in trending.COUNTERS},
            )
            for n, values in known.items()
        ]
    )
    return {
        s.paper: Trend(s.order, s.percentile, tuple(sorted(known[s.paper].items())), s.facts) for s in standings
    }


def _hours(paper: Paper, at: datetime) -> float:
    """Hours since the paper was listed."""
    from datetime import date

    listed = clock.announcement_instant(date.fromordinal(paper.announcement_id or 1))
    return max((at - listed).total_seconds() / 3600, 0.0)

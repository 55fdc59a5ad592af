"""Decide by the work of a day whether this installation is matched by the engine or by the reference matcher.

The reference needs no machine code. The engine costs about a minute of compiling once a machine, and 3 s and 200 MB in
each process that matches; in return a hundred thousand profiles take it less than a second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest import clock
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.db.subscribers import subscribers
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS

# Profiles × papers × terms that the reference matches in a day. Measured on 2 cores at 500 real papers a day: 2 to 4 µs
# each (a short plain topic 2, queries with exclusions and authors 4), so 20 to 40 s of one processor a day, and about
# five minutes in the background once a week for thresholds. 2,000 profiles of 8 terms at 500 papers are 8 million.
REFERENCE_WORK = 10_000_000
# Papers of a window. The reference keeps their words in each process that matches, 10 KB a paper: 85 MB with those of
# the day to match. The costliest profile that validation accepts takes 0.1 ms a paper (`make bench-attack`), so a
# preview, which matches each of these papers once, takes less than 1 s of CPU.
REFERENCE_PAPERS, REFERENCE_DOCUMENTS = 7_500, 8_200
_SAMPLE_SIZE = 200  # profiles whose terms are counted
_USUAL_TERMS = 8
_CACHE_SECONDS = 300.0

_cached_sizes: WeakKeyDictionary[Engine, tuple[float, InstallationSize]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class InstallationSize:
    """The size of an installation. `papers`: of the last 14 announcements; `terms`: of an average profile."""

    profiles: int
    papers: int
    announcements: int
    terms: int

    @property
    def daily_work(self) -> int:
        """Profiles × papers × terms of an average day."""
        return self.profiles * self.papers * self.terms // max(self.announcements, 1)

    @property
    def needs_engine(self) -> bool:
        """True where the reference would take too long, or too much memory."""
        return self.daily_work > REFERENCE_WORK or self.papers > REFERENCE_PAPERS


def measure_size(session: Session) -> InstallationSize:
    """The installation's current size."""
    current = store.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date())
    window = store.announcement_window(session, current, WINDOW_ANNOUNCEMENTS) if current else []
    terms = subscribers.count_profile_words(session, _SAMPLE_SIZE)
    average = round(sum(terms) / len(terms)) if terms else _USUAL_TERMS
    return InstallationSize(
        subscribers.active_subscribers(session), store.count_announced(session, window), len(window), max(average, 1)
    )


def current_size(session: Session) -> InstallationSize:
    """`measure_size`, cached for some minutes because every edition needs it."""
    measured_at, size = _cached_sizes.get(engine(), (0.0, None))
    now = time.monotonic()
    if size is None or now - measured_at > _CACHE_SECONDS:
        size = measure_size(session)
        _cached_sizes[engine()] = now, size
    return size

"""What would have gone out, day after day, over the papers stored. Reads only.

Readers go by parts, each through all the days, so memory holds one part's readers and one window of papers. What a
reader would have seen and been sent is carried from day to day here, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db import papers as store
from digest.db import runs as run_store
from digest.db.engine import reading
from digest.errors import BadInput
from digest.matching import calibrate
from digest.matching.profile import Profile
from digest.matching.weights import Weights
from digest.models import Run, Subscriber
from digest.models.delivery import NOTICE
from digest.services import epochs, pool, runs, select
from digest.services.pool import Pool

MOST_DAYS = 400
READERS_AT_ONCE = 1000
DAY = timedelta(days=1)


@dataclass(slots=True)
class Day:
    """One date: e-mails that would have gone out, readers with nothing new, papers in all."""

    date: date
    mails: int = 0
    skipped: int = 0
    papers: int = 0

    def to_json(self) -> dict[str, Any]:
        """The form that the command prints."""
        return {"date": self.date.isoformat(), "mails": self.mails, "skipped": self.skipped, "papers": self.papers}


@dataclass(slots=True)
class _Reader:
    """A reader as of a day of the replay. `sent`: paper to its announcement, inside the window alone."""

    row: Subscriber
    profile: Profile
    seen_through: int
    sent: dict[int, int] = field(default_factory=dict)


def replay(first: date, last: date, *, only: int | None = None) -> list[Day]:
    """Each date from `first` to `last`, for all active readers or one. Raises BadInput."""
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise BadInput(f"from {first} to {last}: 1 to {MOST_DAYS} days, the first not after the last", field="from")
    days = [Day(first + place * DAY) for place in range(count)]
    with reading() as session:
        for part in _parts(session, first, only):
            week = _Week(session)
            for day in days:
                _play(session, day, part, week)
    return days


def _parts(session: Session, first: date, only: int | None) -> Iterator[list[_Reader]]:
    """Active readers, some at a time, as they were before the first date."""
    after, last = (only or 1) - 1, only or runs.LAST_ID
    while rows := run_store.readers_between(session, after + 1, last, limit=READERS_AT_ONCE):
        profiles = runs.profiles(session, rows)
        yield [_Reader(row, profiles.get(row.profile_id or 0, Profile()), _seen(session, row, first)) for row in rows]
        after = rows[-1].id or 0


def _seen(session: Session, reader: Subscriber, first: date) -> int:
    """What was known when this reader's last mail before that date was due."""
    before = (runs.own_slot(reader, first - back * DAY) for back in range(1, 8))
    slot = next((slot for slot in before if slot is not None), None)
    return store.known_through(session, slot or clock.announcement_instant(first))


def _play(session: Session, day: Day, readers: Sequence[_Reader], week: _Week) -> None:
    by_slot: dict[datetime, list[_Reader]] = {}
    for reader in readers:
        slot = runs.own_slot(reader.row, day.date)
        if slot is not None and slot <= clock.now():
            by_slot.setdefault(slot, []).append(reader)
    for slot, due in sorted(by_slot.items(), key=lambda pair: pair[0]):
        run = runs.draft(session, slot, slot)
        known = replace(pool.load(session, run), weights=week.weights(run))
        announced = {document.candidate.id: document.candidate.announcement for document in known.documents}
        for reader in due:
            papers = _choose(run, known, reader, week)
            reader.sent |= {paper: announced[paper] for paper in papers}
            day.papers += len(papers)
            if papers or reader.row.quiet_day == NOTICE:
                day.mails += 1
            else:
                day.skipped += 1


def _choose(run: Run, known: Pool, reader: _Reader, week: _Week) -> list[int]:
    """The papers of one reader's mail; the reader is moved on."""
    tau = week.tau(reader.row.profile_id or 0, reader.profile)
    sent = frozenset(reader.sent)
    content = select.choose(known, reader.profile, seen_through=reader.seen_through, tau=tau, sent=sent)
    reader.sent = {paper: number for paper, number in reader.sent.items() if number >= known.first}
    reader.seen_through = max(reader.seen_through, run.batch_through)
    return [entry.paper for entry in content.entries]


class _Week:
    """Word counts and thresholds of the epoch that a run would have had: kept for a week, as epochs are."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._week: tuple[int, int] | None = None
        self._weights = Weights(calibrate.prior())
        self._number = 0
        self._taus: dict[int, int | None] = {}

    def weights(self, run: Run) -> Weights:
        """The weights to rank this run by: of its week, or of its announcement while there are few."""
        number = run.announcement_id
        week = date.fromordinal(number).isocalendar()[:2]
        young = self._weights.counts.announcements < epochs.YOUNG
        if number != self._number and (young or week != self._week):
            self._week, self._number, self._taus = week, number, {}
            self._weights = Weights(epochs.counted_before(self._session, number))
        return self._weights

    def tau(self, profile_id: int, profile: Profile) -> int | None:
        """The profile's threshold; None while there are too few announcements."""
        if self._weights.counts.announcements < epochs.YOUNG or not profile.close:
            return None
        if profile_id not in self._taus:
            before = pool.announced(self._session, store.window(self._session, self._number - 1, epochs.YOUNG))
            self._taus[profile_id] = calibrate.threshold(profile, before, self._weights)
        return self._taus[profile_id]

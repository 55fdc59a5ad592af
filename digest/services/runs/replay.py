"""What would have gone out, day after day, over the papers stored. Reads only.

Readers go by parts, each through all the days, so memory holds one part's readers and one window of papers. What a
reader would have seen and been sent is carried from day to day here, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.errors import BadInput
from digest.matching.profile import Profile
from digest.models import Announcement, Epoch, Run, Subscriber
from digest.models.delivery import NOTICE
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.runs import run_planning
from digest.services.selection import candidate_papers, selector, thresholds
from digest.services.selection.candidate_papers import Pool
from digest.services.selection.entry_building import Asked

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
    after = 0
    while rows := runs.active_readers(session, after=after, only=only, limit=READERS_AT_ONCE):
        profiles = assemble_edition.profiles(session, rows)
        yield [_Reader(row, profiles.get(row.profile_id or 0, Profile()), _seen(session, row, first)) for row in rows]
        after = rows[-1].id or 0


def _seen(session: Session, reader: Subscriber, first: date) -> int:
    """What was known when this reader's last mail before that date was due."""
    before = (run_planning.own_slot(reader, first - back * DAY) for back in range(1, 8))
    slot = next((slot for slot in before if slot is not None), None)
    return store.known_through(session, slot or clock.announcement_instant(first))


def _play(session: Session, day: Day, readers: Sequence[_Reader], week: _Week) -> None:
    by_slot: dict[datetime, list[_Reader]] = {}
    for reader in readers:
        slot = run_planning.own_slot(reader.row, day.date)
        if slot is not None and slot <= clock.now():
            by_slot.setdefault(slot, []).append(reader)
    for slot, due in sorted(by_slot.items(), key=lambda pair: pair[0]):
        run = run_planning.draft_run(session, slot, slot)
        epoch = week.epoch(run.announcement_id)
        taus = week.taus({reader.row.profile_id or 0: reader.profile for reader in due})
        known = candidate_papers.load(session, run, epoch)
        asked = [
            Asked(reader.profile, reader.seen_through, taus[reader.row.profile_id or 0], frozenset(reader.sent))
            for reader in due
        ]
        for reader, content in zip(due, selector.choose(session, known, asked), strict=True):
            _move_on(reader, run, known, [entry.paper for entry in content.entries])
            _count(day, reader, len(content.entries))


def _move_on(reader: _Reader, run: Run, known: Pool, papers: Sequence[int]) -> None:
    """These were sent, and what the run knew is seen."""
    reader.sent = {paper: number for paper, number in reader.sent.items() if number >= known.first}
    reader.sent |= {paper: known.announcement[paper] for paper in papers}
    reader.seen_through = max(reader.seen_through, run.batch_through)


def _count(day: Day, reader: _Reader, papers: int) -> None:
    day.papers += papers
    if papers or reader.row.quiet_day == NOTICE:
        day.mails += 1
    else:
        day.skipped += 1


class _Week:
    """The epoch that a run would have had, and the thresholds in it: of its week, or of its day while young."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._epoch: Epoch | None = None
        self._taus: dict[int, int | None] = {}

    def epoch(self, announcement: int) -> Epoch | None:
        """The epoch to rank that announcement by; None before the first one."""
        if self._fits(announcement) or self._session.get(Announcement, announcement) is None:
            return self._epoch
        self._epoch, self._taus = epochs.make(self._session, announcement), {}
        return self._epoch

    def taus(self, profiles: Mapping[int, Profile]) -> Mapping[int, int | None]:
        """Each profile's threshold; None while there are too few announcements."""
        missing = {number: profile for number, profile in profiles.items() if number not in self._taus}
        self._taus |= thresholds.of(self._session, self._epoch, missing)
        return self._taus

    def _fits(self, announcement: int) -> bool:
        made = self._epoch
        if made is None or made.announcement_id is None:
            return False
        weeks = [date.fromordinal(number).isocalendar()[:2] for number in (announcement, made.announcement_id)]
        return announcement == made.announcement_id or (made.announcements >= epochs.YOUNG and weeks[0] == weeks[1])

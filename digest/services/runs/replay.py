"""Replay: what would have been sent, day after day, from the papers stored. Reads only.

Subscribers are replayed in parts, each through all the days, so memory holds one part and one window of papers. What a
subscriber would have seen and been sent is carried from day to day in memory, never stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import owned_papers, runs
from digest.db.subscribers.threshold_store import ProfileThreshold
from digest.errors import BadInput
from digest.matching.profile import Profile
from digest.models import Announcement, Epoch, Run, Subscriber
from digest.models.delivery import NOTICE
from digest.models.types import stored_id
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.runs import run_planning
from digest.services.selection import candidate_papers, selector, threshold_lookup
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest

MAX_DAYS = 400
SUBSCRIBERS_PER_PART = 1000
ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class ReplayedDay:
    """One date: e-mails that would have been sent, subscribers with nothing new, papers in all."""

    date: date
    mails: int = 0
    skipped: int = 0
    papers: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"date": self.date.isoformat(), "mails": self.mails, "skipped": self.skipped, "papers": self.papers}


@dataclass(slots=True)
class _ReplayedSubscriber:
    """A subscriber's state on a day of the replay. `sent`: announcement by paper, inside the window alone.

    `examples`: stored papers of the subscriber's own library.
    """

    row: Subscriber
    profile: Profile
    seen_through: int
    examples: Collection[int] = ()
    sent: dict[int, int] = field(default_factory=dict)


def replay(first_day: date, last_day: date, *, only: int | None = None) -> list[ReplayedDay]:
    """Each date from `first` to `last`, for all active subscribers or one. Raises BadInput."""
    count = (last_day - first_day).days + 1
    if not 1 <= count <= MAX_DAYS:
        raise BadInput(
            f"from {first_day} to {last_day}: 1 to {MAX_DAYS} days, the first not after the last", field="from"
        )
    days = [ReplayedDay(first_day + offset * ONE_DAY) for offset in range(count)]
    with reading() as session:
        for part in _parts(session, first_day, only):
            epochs_of_week = _EpochOfWeek(session)
            for day in days:
                _replay_day(session, day, part, epochs_of_week)
    return days


def _parts(session: Session, first_day: date, only: int | None) -> Iterator[list[_ReplayedSubscriber]]:
    """Active subscribers in parts, with the state they had before the first date."""
    last_id = 0
    while rows := runs.active_subscribers(session, after=last_id, only_id=only, limit=SUBSCRIBERS_PER_PART):
        profiles = assemble_edition.profiles_of_subscribers(session, rows)
        examples = owned_papers.stored_examples(session, [stored_id(row) for row in rows])
        yield [
            _ReplayedSubscriber(
                row,
                profiles.get(row.profile_id or 0, Profile()),
                _last_batch_before(session, row, first_day),
                examples.get(stored_id(row), ()),
            )
            for row in rows
        ]
        last_id = stored_id(rows[-1])


def _last_batch_before(session: Session, subscriber: Subscriber, day: date) -> int:
    """The last batch that was stored when this subscriber's last mail before that date was due."""
    earlier_slots = (run_planning.slot_of_day(subscriber, day - days_back * ONE_DAY) for days_back in range(1, 8))
    slot = next((slot for slot in earlier_slots if slot is not None), None)
    return store.newest_batch_known_at(session, slot or clock.announcement_instant(day))


def _replay_day(
    session: Session, day: ReplayedDay, subscribers: Sequence[_ReplayedSubscriber], epochs_of_week: _EpochOfWeek
) -> None:
    by_slot: dict[datetime, list[_ReplayedSubscriber]] = {}
    for subscriber in subscribers:
        slot = run_planning.slot_of_day(subscriber.row, day.date)
        if slot is not None and slot <= clock.now():
            by_slot.setdefault(slot, []).append(subscriber)
    for slot, due_subscribers in sorted(by_slot.items(), key=lambda pair: pair[0]):
        run = run_planning.draft_run(session, slot, slot)
        epoch = epochs_of_week.epoch_for(run.announcement_id)
        thresholds_by_version = epochs_of_week.thresholds_by_version(
            {subscriber.row.profile_id or 0: subscriber.profile for subscriber in due_subscribers}
        )
        pool = candidate_papers.load_pool(session, run, epoch)
        requests = [
            SelectionRequest(
                subscriber.profile,
                subscriber.seen_through,
                thresholds_by_version[subscriber.row.profile_id or 0].tau,
                frozenset((*subscriber.sent, *subscriber.examples)),
                has_contexts=thresholds_by_version[subscriber.row.profile_id or 0].has_contexts,
            )
            for subscriber in due_subscribers
        ]
        for subscriber, content in zip(due_subscribers, selector.choose(session, pool, requests), strict=True):
            _advance(subscriber, run, pool, [entry.paper for entry in content.entries])
            _count(day, subscriber, len(content.entries))


def _advance(subscriber: _ReplayedSubscriber, run: Run, pool: CandidatePool, papers: Sequence[int]) -> None:
    """Note that these papers were sent and that the subscriber has seen the run's batch."""
    subscriber.sent = {
        paper: announcement
        for paper, announcement in subscriber.sent.items()
        if announcement >= pool.oldest_announcement
    }
    subscriber.sent |= {paper: pool.announcement_of[paper] for paper in papers}
    subscriber.seen_through = max(subscriber.seen_through, run.batch_through)


def _count(day: ReplayedDay, subscriber: _ReplayedSubscriber, papers: int) -> None:
    day.papers += papers
    if papers or subscriber.row.quiet_day == NOTICE:
        day.mails += 1
    else:
        day.skipped += 1


class _EpochOfWeek:
    """The epoch and thresholds that a run would have had: those of its week, or of its day while epochs are young."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._epoch: Epoch | None = None
        self._thresholds: dict[int, ProfileThreshold] = {}

    def epoch_for(self, announcement: int) -> Epoch | None:
        """The epoch that ranks this announcement; None before the first one."""
        if self._is_current(announcement) or self._session.get(Announcement, announcement) is None:
            return self._epoch
        self._epoch, self._thresholds = epochs.create_epoch(self._session, announcement), {}
        return self._epoch

    def thresholds_by_version(self, profiles: Mapping[int, Profile]) -> threshold_lookup.Thresholds:
        """Each profile's threshold; none while there are too few announcements."""
        missing = {version: profile for version, profile in profiles.items() if version not in self._thresholds}
        self._thresholds |= threshold_lookup.thresholds_by_version(self._session, self._epoch, missing)
        return self._thresholds

    def _is_current(self, announcement: int) -> bool:
        epoch = self._epoch
        if epoch is None or epoch.announcement_id is None:
            return False
        weeks = [
            date.fromordinal(announcement_id).isocalendar()[:2]
            for announcement_id in (announcement, epoch.announcement_id)
        ]
        return announcement == epoch.announcement_id or (
            epoch.announcements >= epochs.MIN_ANNOUNCEMENTS and weeks[0] == weeks[1]
        )

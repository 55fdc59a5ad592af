"""What a run's readers are to get, and the rows that freeze it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from digest.compose.edition import Content, Frozen
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.db.subscribers import subscribers
from digest.db.subscribers.shard_reads import Reader
from digest.errors import N_
from digest.matching.profile import Profile
from digest.models import Epoch, Run
from digest.models.delivery import DIGEST, NOTICE
from digest.models.types import pack
from digest.services.selection import candidate_papers, selector, thresholds
from digest.services.selection.entry_building import LATER, Asked
from digest.services.selection.selector import Shelf
from digest.services.subscriptions import send_schedule

RESUMED = N_("Your pause is over. Here is what came meanwhile, back to the last 14 announcements.")
_NOBODY = Profile()
SETTLED = timedelta(days=10)  # a week, and what zones may add


class Chosen(NamedTuple):
    """What one reader is to get for one local date, before it is frozen.

    `tau`: the threshold it was chosen by; `calibrated`: it is not stored yet.
    """

    reader: Reader
    day: date
    frozen: Frozen
    tau: int | None = None
    calibrated: bool = True

    @property
    def content(self) -> Content:
        """The edition as an object."""
        return self.frozen.content()

    @property
    def kind(self) -> str | None:
        """The e-mail it owes: a digest, a quiet-day notice where the reader chose one, or none."""
        if self.frozen.papers:
            return DIGEST
        return NOTICE if self.reader.quiet_day == "notice" else None


def choose(
    session: Session, run: Run, epoch: Epoch | None, readers: Sequence[tuple[Reader, date]], *, shard: str = ""
) -> list[Chosen]:
    """What each of these readers is to get for that date in this run. Reads only.

    `shard`: a name under which about the same readers come again another day.
    """
    return list(each(session, run, epoch, readers, shard=shard))


def each(
    session: Session, run: Run, epoch: Epoch | None, readers: Sequence[tuple[Reader, date]], *, shard: str = ""
) -> Iterator[Chosen]:
    """`choose`, reader by reader."""
    if not readers:
        return iter(())
    seen = _seen(session, run, [reader for reader, _ in readers])
    return _choose(session, run, epoch, readers, seen, window=candidate_papers.WINDOW, shard=shard)


def choose_first(session: Session, run: Run, epoch: Epoch | None, reader: Reader, day: date, *, window: int) -> Chosen:
    """A welcome: from the last `window` announcements, as if the reader had seen nothing. Reads only."""
    [found] = _choose(session, run, epoch, [(reader, day)], {reader.id or 0: 0}, window=window)
    return found


def _choose(
    session: Session,
    run: Run,
    epoch: Epoch | None,
    readers: Sequence[tuple[Reader, date]],
    seen: Mapping[int, int],
    *,
    window: int,
    shard: str = "",
) -> Iterator[Chosen]:
    known = candidate_papers.load(session, run, epoch, window=window)
    shelf = selector.shelf(session, known, shard, len(readers)) if shard else None
    versions = [reader.profile_id for reader, _ in readers if reader.profile_id]
    stored = thresholds.standing(session, epoch, versions)
    wanted = _wanted(session, versions, shelf)
    sent = selector.sent_before(session, known, seen)
    taus = thresholds.complete(session, epoch, wanted, stored, shelf)
    asked = []
    for reader, day in readers:
        number, profile_id = reader.id or 0, reader.profile_id or 0
        profile, tau = wanted.get(profile_id, _NOBODY), taus.get(profile_id)
        resumed = reader.paused_until is not None and send_schedule.resumes(reader, day)
        notice = " ".join(filter(None, [RESUMED, run.notice])) if resumed else run.notice
        version = profile_id if profile_id in wanted else None
        asked.append(Asked(profile, seen[number], tau, sent.get(number, ()), notice, version=version))
    made = selector.frozen(session, known, asked, shelf)
    for (reader, day), one, it in zip(readers, made, asked, strict=True):
        yield Chosen(reader, day, one, it.tau, reader.profile_id not in stored)


def profiles(session: Session, readers: Sequence[Reader]) -> dict[int, Profile]:
    """What these readers want, by profile version."""
    return subscribers.profiles(session, [reader.profile_id for reader in readers if reader.profile_id])


def by_version(session: Session, numbers: Sequence[int]) -> dict[int, Profile]:
    """These profile versions, by number."""
    return subscribers.profiles(session, numbers)


def _wanted(session: Session, versions: Sequence[int], shelf: Shelf | None) -> dict[int, Profile]:
    """The profiles of these versions, by version; LATER for one that is compiled and need not be read."""
    later = {version: LATER for version in versions if shelf is not None and not shelf.needs(version)}
    return later | subscribers.profiles(session, [version for version in versions if version not in later])


def _seen(session: Session, run: Run, readers: Sequence[Reader]) -> dict[int, int]:
    """The last ingest that each reader's runs considered.

    Nothing, at a reader's first slot, where no welcome came. For a slot before the reader subscribed: what was known
    at the slot before that one, as if they had been there.
    """
    seen = {reader.id or 0: reader.seen_through for reader in readers}
    lately = [reader for reader in readers if run.slot - _began(reader) < SETTLED]
    started = runs.with_editions(session, [reader.id or 0 for reader in lately]) if lately else set()
    known: dict[datetime, int] = {}
    for reader in lately:
        number, joined = reader.id or 0, reader.confirmed_at or reader.created_at
        if run.slot < joined:
            before = send_schedule.slot_before(reader, run.slot)
            if before not in known:
                known[before] = store.known_through(session, before)
            seen[number] = min(reader.seen_through, known[before])
        elif number not in started and run.slot <= send_schedule.due_after(reader, joined):
            seen[number] = 0
    return seen


def _began(reader: Reader) -> datetime:
    """From when on there may be mail, about: once there could have been one every cadence has had its slot soon."""
    joined = reader.confirmed_at or reader.created_at
    paused = reader.paused_until
    return max(joined, datetime.combine(paused, time.max, joined.tzinfo)) if paused else joined


class Kept(NamedTuple):
    """A reader's edition as its row keeps it, where it has one; `kind`, `tau`, `calibrated` as in `Chosen`."""

    reader: Reader
    day: date
    kind: str | None
    papers: int
    shown: bytes
    content: bytes
    tau: int | None
    calibrated: bool

    @classmethod
    def of(cls, chosen: Chosen) -> Kept:
        """What was chosen, packed."""
        reader, day, (text, papers, shown), tau, calibrated = chosen
        kind = chosen.kind
        return cls(reader, day, kind, papers, shown, pack(text) if kind else b"", tau, calibrated)


def columns(run: Run, kept: Sequence[Kept], now: datetime, *, kind: str = DIGEST) -> dict[str, Any]:
    """The editions by columns."""
    return {
        "subscriber_id": [one.reader.id for one in kept],
        "day": [one.day for one in kept],
        "run_id": run.id,
        "announcement_id": run.announcement_id,
        "profile_id": [one.reader.profile_id or 0 for one in kept],
        "created_at": now,
        "previous_seen": [one.reader.seen_through for one in kept],
        "kind": kind,
        "papers": [one.papers for one in kept],
        "content": [one.content for one in kept],
        "shown": [one.shown for one in kept],
    }

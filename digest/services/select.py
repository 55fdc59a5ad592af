"""Choosing readers' papers: what is new for each profile, then what is rising in it; nothing twice.

Few papers are matched by the reference, which is ready at once; many by the engine, whose machine code has to be
loaded first. Both give the same answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content, Frozen
from digest.db import ledger, subscribers
from digest.db import papers as store
from digest.db.engine import reading
from digest.matching.profile import Profile
from digest.matching.weights import Weights
from digest.services import announced, by_reference, kernel, quality
from digest.services.announced import Day
from digest.services.entries import Asked, Version
from digest.services.pool import Pool

FEW_PAPERS = 1000
FEW_PAIRS = 20_000  # a second's work for the reference


def sent_before(session: Session, known: Pool, seen: Mapping[int, int]) -> dict[int, Collection[int]]:
    """Papers that each reader was sent and that could be chosen again. `seen`: the last batch that each considered.

    What may be new again, or rise, was announced lately: so editions before then don't count.
    """
    oldest = {batch: known.oldest(batch) for batch in set(seen.values())}
    by_first: dict[int, list[int]] = {}
    for reader, batch in seen.items():
        by_first.setdefault(oldest[batch], []).append(reader)
    sent: dict[int, Collection[int]] = {}
    for first, readers in by_first.items():
        sent |= ledger.sent_since(session, readers, first)
    return sent


def choose(session: Session, known: Pool, asked: Sequence[Asked]) -> list[Content]:
    """The edition of each reader."""
    if not asked or _few(len(known.papers), len(asked)):
        return by_reference.choose(session, known, asked) if asked else []
    return [one.content() for one in kernel.engine().choose(session, known, asked, lambda _: {})]


def frozen(session: Session, known: Pool, asked: Sequence[Asked], shelf: Shelf | None = None) -> Iterator[Frozen]:
    """The edition of each reader as it is kept, with what was measured of its papers; made some at a time."""
    if not asked or (shelf is None and _few(len(known.papers), len(asked))):
        found = by_reference.choose(session, known, asked) if asked else []
        return map(Frozen.of, quality.told(session, found))
    made: Iterator[Frozen] = kernel.engine().choose(session, known, asked, partial(quality.signs, session), shelf)
    return made


def prepare() -> bool:
    """Index the current announcement where its readers are many, so that no run has to. Again does nothing."""
    with reading() as session:
        today = clock.now().astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        day = announced.days(session, [current])[0] if current else None
        if day is None or _few(len(day.papers), subscribers.active(session)):
            return False
        kernel.engine().index(session, day)
    return True


class Shelf(Protocol):
    """Where a shard's profiles are compiled."""

    def knows(self, version: Version) -> bool:
        """True where that profile is compiled."""

    def needs(self, version: Version) -> bool:
        """True where that profile has to be read."""


def shelf(session: Session, known: Pool, name: str, readers: int) -> Shelf | None:
    """The shelf of a shard, for the engine; None where the reference will do."""
    if not readers or _few(len(known.papers), readers):
        return None
    found: Shelf = kernel.engine().shelf(session, name, readers)
    return found


def thresholds(
    session: Session, days: Sequence[Day], weights: Weights, profiles: Mapping[int, Profile], shelf: Shelf | None = None
) -> dict[int, int | None]:
    """τ of each profile, from these announcements; None where they are fewer than 14."""
    if not profiles:
        return {}
    papers = sum(len(day.papers) for day in days)
    if shelf is None and _few(papers, len(profiles)):
        found = by_reference.thresholds(session, days, weights, list(profiles.values()))
    else:
        found = kernel.engine().thresholds(session, days, weights, profiles, shelf)
    return dict(zip(profiles, found, strict=True))


def calibrate_with_best(
    session: Session, days: Sequence[Day], weights: Weights, profiles: Mapping[int, Profile], most: int
) -> dict[int, tuple[int | None, list[int]]]:
    """τ of each profile, and its best papers of these announcements, followed authors' aside."""
    if not profiles:
        return {}
    papers = sum(len(day.papers) for day in days)
    way = by_reference if _few(papers, len(profiles)) else kernel.engine()
    found = way.calibrate_with_best(session, days, weights, list(profiles.values()), most)
    return dict(zip(profiles, found, strict=True))


def _few(papers: int, readers: int) -> bool:
    return papers <= FEW_PAPERS and papers * readers <= FEW_PAIRS

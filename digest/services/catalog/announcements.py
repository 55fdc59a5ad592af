"""The current papers of announcements, cached in each process until another batch is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest import settings
from digest.db.core.engine import engine
from digest.db.papers import papers as store


class AnnouncedPaper(NamedTuple):
    """One paper with its newest revision and its batch. `identifier`: its arXiv id or DOI, else ''."""

    id: int
    revision: int
    batch: int
    withdrawn: bool
    name: str


@dataclass(frozen=True, eq=False)
class AnnouncementDay:
    """One announcement with all its papers by id, withdrawn ones too."""

    number: int
    papers: tuple[AnnouncedPaper, ...]

    @cached_property
    def state(self) -> str:
        """The fingerprint of these papers in these revisions."""
        return state(self.papers)

    @cached_property
    def newest_batch(self) -> int:
        """The newest batch of its papers."""
        return max((paper.batch for paper in self.papers), default=0)


def state(papers: Sequence[AnnouncedPaper]) -> str:
    """A hash of papers and revisions; it includes the database's address, because ids mean other papers elsewhere."""
    said = [settings.get().database, *(f"{paper.id} {paper.revision} {paper.name}" for paper in papers)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:20]


def days(session: Session, numbers: Sequence[int]) -> list[AnnouncementDay]:
    """These announcements, in this order."""
    kept, newest = _days.setdefault(engine(), {}), store.newest_batch(session)
    missing = [number for number in numbers if number not in kept or kept[number][0] != newest]
    if missing:
        found = store.announced_papers(session, missing)
        for number in missing:
            day = AnnouncementDay(number, tuple(AnnouncedPaper(*row) for row in found.get(number, ())))
            old = kept.pop(number, (0, day))[1]
            kept[number] = newest, old if old.papers == day.papers else day
    known = [kept[number][1] for number in numbers]
    while len(kept) > _KEPT:
        kept.pop(next(iter(kept)))
    return known


_KEPT = 128
_days: WeakKeyDictionary[Engine, dict[int, tuple[int, AnnouncementDay]]] = (
    WeakKeyDictionary()
)  # with the newest batch by then

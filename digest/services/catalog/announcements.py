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
    """One paper with its newest revision and its batch. `identifier`: its arXiv id or DOI, else ''.

    `outlets`: keys separated by blanks; `language`: of its text, '' where it is unknown.
    """

    id: int
    revision: int
    batch: int
    withdrawn: bool
    identifier: str
    outlets: str = ""
    language: str = ""


@dataclass(frozen=True, eq=False)
class AnnouncementDay:
    """One announcement with all its papers by id, withdrawn ones too."""

    announcement_id: int
    papers: tuple[AnnouncedPaper, ...]

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of these papers in these revisions."""
        return papers_fingerprint(self.papers)

    @cached_property
    def newest_batch(self) -> int:
        """The newest batch of its papers."""
        return max((paper.batch for paper in self.papers), default=0)


def papers_fingerprint(papers: Sequence[AnnouncedPaper]) -> str:
    """A hash of papers and revisions; it includes the database's address, because ids mean other papers elsewhere."""
    parts = [settings.get().database, *(f"{paper.id} {paper.revision} {paper.identifier}" for paper in papers)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def announcement_days(session: Session, announcement_ids: Sequence[int]) -> list[AnnouncementDay]:
    """These announcements, in this order."""
    cached, newest = _days_by_engine.setdefault(engine(), {}), store.newest_batch(session)
    missing = [number for number in announcement_ids if number not in cached or cached[number][0] != newest]
    if missing:
        papers_by_announcement = store.announced_papers(session, missing)
        for announcement_id in missing:
            day = AnnouncementDay(
                announcement_id, tuple(AnnouncedPaper(*row) for row in papers_by_announcement.get(announcement_id, ()))
            )
            old = cached.pop(announcement_id, (0, day))[1]
            cached[announcement_id] = newest, old if old.papers == day.papers else day
    result = [cached[number][1] for number in announcement_ids]
    while len(cached) > _MAX_DAYS_CACHED:
        cached.pop(next(iter(cached)))
    return result


_MAX_DAYS_CACHED = 128
_days_by_engine: WeakKeyDictionary[Engine, dict[int, tuple[int, AnnouncementDay]]] = (
    WeakKeyDictionary()
)  # with the newest batch by then

"""Choosing readers' papers: what is new for each profile, then what is rising in it; nothing twice.

An ordinary laboratory is matched by the reference, which is ready at once; a large installation by the engine, whose
machine code has to be made and loaded first. `engine_need` says where the line is. Both give the same answers.

Nothing stops for the compiling: until the machine code is there the reference goes on, and a task in the background
makes it (`prepare`). Only work that would take the reference longer than compiling waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Protocol

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content, StoredContent
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import sent_papers
from digest.db.subscribers import subscribers
from digest.matching.profile import Profile
from digest.matching.query.profile_cost import profile_cost
from digest.matching.scoring.bm25 import Weights
from digest.services.catalog import announcements, novelty_and_score
from digest.services.catalog.announcements import AnnouncementDay
from digest.services.selection import engine_loader, engine_need, reference_backend
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.entry_building import SelectionRequest

FEW_PAPERS = 1000  # read and prepared in half a second
_SOON_DONE = 50  # of the reference's work of a day, that part takes less than loading the engine
_WORTH_COMPILING = 2  # days' work that take the reference as long as compiling takes


def sent_papers_before(
    session: Session, known: CandidatePool, seen_through: Mapping[int, int]
) -> dict[int, Collection[int]]:
    """Papers that each reader was sent and that could be chosen again. `seen`: the last batch that each considered.

    What may be new again, or rise, was announced lately: so editions before then don't count.
    """
    oldest = {batch: known.oldest(batch) for batch in set(seen_through.values())}
    by_first: dict[int, list[int]] = {}
    for reader, batch in seen_through.items():
        by_first.setdefault(oldest[batch], []).append(reader)
    sent: dict[int, Collection[int]] = {}
    for first, readers in by_first.items():
        sent |= sent_papers.papers_sent_since(session, readers, first)
    return sent


def choose(session: Session, known: CandidatePool, asked: Sequence[SelectionRequest]) -> list[Content]:
    """The edition of each reader."""
    if not asked or _by_reference(
        session, len(known.papers), _pairs(known, asked), _words(one.profile for one in asked)
    ):
        return reference_backend.choose(session, known, asked) if asked else []
    return [one.content() for one in engine_loader.engine().choose_stored(session, known, asked, lambda _: {})]


def choose_stored(
    session: Session, known: CandidatePool, asked: Sequence[SelectionRequest], shelf: ProfileCache | None = None
) -> Iterator[StoredContent]:
    """The edition of each reader as it is kept, with what was measured of its papers; made some at a time."""
    if not asked or (shelf is None and _by_reference(session, len(known.papers), _pairs(known, asked))):
        found = reference_backend.choose(session, known, asked) if asked else []
        return map(StoredContent.from_content, novelty_and_score.contents_with_signs(session, found))
    made: Iterator[StoredContent] = engine_loader.engine().choose_stored(
        session, known, asked, partial(novelty_and_score.signs, session), shelf
    )
    return made


def prepare_engine() -> bool:
    """Compile and load the engine where it is needed, and index the current announcement. Again does nothing."""
    with reading() as session:
        today = clock.now().astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        day = announcements.days(session, [current])[0] if current else None
        readers = subscribers.active_subscribers(session)
        work = len(day.papers) * readers * engine_need.current_size(session).terms if day else 0
        small = day is None or _soon_done(len(day.papers), work)
        if day is None or small or not engine_need.measure_size(session).needs_engine:
            return False
        engine_loader.engine().index(session, day)
    return True


class ProfileCache(Protocol):
    """Where a shard's profiles are compiled."""

    def knows(self, version: int) -> bool:
        """True where that profile is compiled."""

    def needs(self, version: int) -> bool:
        """True where that profile has to be read."""


def profile_cache(session: Session, known: CandidatePool, name: str, readers: int) -> ProfileCache | None:
    """The shelf of a shard, for the engine; None where the reference will do."""
    newest = len(known.days[0].papers)
    if not readers or _by_reference(session, len(known.papers), newest * readers):
        return None
    found: ProfileCache = engine_loader.engine().shelf(session, name, readers)
    return found


def thresholds(
    session: Session,
    days: Sequence[AnnouncementDay],
    weights: Weights,
    profiles: Mapping[int, Profile],
    shelf: ProfileCache | None = None,
) -> dict[int, int | None]:
    """τ of each profile, from these announcements; None where they are fewer than 14."""
    if not profiles:
        return {}
    papers = sum(len(day.papers) for day in days)
    words = _words(profiles.values())
    if shelf is None and _by_reference(session, papers, papers * len(profiles), words):
        found = reference_backend.thresholds(session, days, weights, list(profiles.values()))
    else:
        found = engine_loader.engine().thresholds(session, days, weights, profiles, shelf)
    return dict(zip(profiles, found, strict=True))


def _by_reference(session: Session, papers: int, pairs: int, words: int = 0) -> bool:
    """True where the reference is to match so many papers, in so many pairs of a profile and a paper.

    `words`: what the profiles look for, where that is known and may be more than an average one does.
    """
    size = engine_need.current_size(session)
    terms = max(size.terms, words)
    if _soon_done(papers, pairs * terms) or not size.needs_engine:
        return True
    return not engine_loader.compiled() and pairs * terms <= _WORTH_COMPILING * engine_need.REFERENCE_WORK


def _soon_done(papers: int, work: int) -> bool:
    """True for so little that the engine would not be loaded by the time it is done."""
    return papers <= FEW_PAPERS and work <= engine_need.REFERENCE_WORK // _SOON_DONE


def _words(profiles: Iterable[Profile]) -> int:
    """The words that a single profile looks for, as in a preview; of several an average is known."""
    some = list(islice(profiles, 2))
    return profile_cost(some[0]).words if len(some) == 1 else 0


def _pairs(known: CandidatePool, asked: Sequence[SelectionRequest]) -> int:
    """How many papers are new to these readers, all together."""
    fresh = {seen: known.count_after(seen) for seen in {one.seen_through for one in asked}}
    return sum(fresh[one.seen_through] for one in asked)

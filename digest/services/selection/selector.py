"""Select subscribers' papers: what is new for each profile, then what is rising; no paper twice.

Small installations are matched by the reference back end, which needs no preparation; large ones by the engine, whose
machine code must be compiled and loaded first. `engine_need` decides. Both give the same results.

Selection does not wait for compilation: a background task compiles (`prepare_engine`) while the reference matches.
Only work that would take the reference longer than compiling waits for it.
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
_SOON_DONE = 50  # this fraction (1/50) of the reference's daily work takes less time than loading the engine
_WORTH_COMPILING = 2  # days of work that take the reference as long as compiling


def sent_papers_before(
    session: Session, known: CandidatePool, seen_through: Mapping[int, int]
) -> dict[int, Collection[int]]:
    """Papers already sent to each subscriber that could be selected again. `seen_through`: last batch by subscriber.

    Only recently announced papers can be selected, so older editions are not read.
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
    """The edition of each request."""
    if not asked or _by_reference(
        session, len(known.papers), _pairs(known, asked), _words(one.profile for one in asked)
    ):
        return reference_backend.choose(session, known, asked) if asked else []
    return [one.content() for one in engine_loader.engine().choose_stored(session, known, asked, lambda _: {})]


def choose_stored(
    session: Session, known: CandidatePool, asked: Sequence[SelectionRequest], shelf: ProfileCache | None = None
) -> Iterator[StoredContent]:
    """The edition of each request as it is stored, with the measured signals of its papers; selected in batches."""
    if not asked or (shelf is None and _by_reference(session, len(known.papers), _pairs(known, asked))):
        found = reference_backend.choose(session, known, asked) if asked else []
        return map(StoredContent.from_content, novelty_and_score.contents_with_signals(session, found))
    made: Iterator[StoredContent] = engine_loader.engine().choose_stored(
        session, known, asked, partial(novelty_and_score.novelty_signals, session), shelf
    )
    return made


def prepare_engine() -> bool:
    """Compile and load the engine where it is needed, and index the current announcement. May be repeated."""
    with reading() as session:
        today = clock.now().astimezone(clock.ARXIV_ZONE).date()
        current = store.current_announcement(session, today)
        day = announcements.announcement_days(session, [current])[0] if current else None
        readers = subscribers.active_subscribers(session)
        work = len(day.papers) * readers * engine_need.current_size(session).terms if day else 0
        small = day is None or _soon_done(len(day.papers), work)
        if day is None or small or not engine_need.measure_size(session).needs_engine:
            return False
        engine_loader.engine().index(session, day)
    return True


class ProfileCache(Protocol):
    """A cache of a shard's compiled profiles."""

    def knows(self, version: int) -> bool:
        """True where this profile version is compiled."""

    def needs(self, version: int) -> bool:
        """True where the profile must be read from the database."""


def profile_cache(session: Session, known: CandidatePool, name: str, readers: int) -> ProfileCache | None:
    """The engine's profile cache of a shard; None where the reference back end will match it."""
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
    """True where the reference back end should do this work. `pair_count`: pairs of a profile and a paper.

    `word_count`: the words of the profile, where they may be more than those of an average one; else 0.
    """
    size = engine_need.current_size(session)
    terms = max(size.terms, words)
    if _soon_done(papers, pairs * terms) or not size.needs_engine:
        return True
    return not engine_loader.compiled() and pairs * terms <= _WORTH_COMPILING * engine_need.REFERENCE_WORK


def _soon_done(papers: int, work: int) -> bool:
    """True for work that takes the reference less time than loading the engine."""
    return papers <= FEW_PAPERS and work <= engine_need.REFERENCE_WORK // _SOON_DONE


def _words(profiles: Iterable[Profile]) -> int:
    """The number of words of a single profile, as in a preview; 0 for several, where the average applies."""
    some = list(islice(profiles, 2))
    return profile_cost(some[0]).words if len(some) == 1 else 0


def _pairs(known: CandidatePool, asked: Sequence[SelectionRequest]) -> int:
    """The number of new papers, summed over the requests."""
    fresh = {seen: known.count_after(seen) for seen in {one.seen_through for one in asked}}
    return sum(fresh[one.seen_through] for one in asked)

"""Select subscribers' papers: what is new for each profile, then what is rising; no paper twice.

Small installations are matched by the reference back end, which needs no preparation; large ones by the engine, whose
machine code must be compiled and loaded first. `engine_need` decides. Both give the same results.

Selection does not wait for compilation: a background task compiles (`prepare_engine`) while the reference matches.
Only work that would take the reference longer than compiling waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sqlmodel import Session

from digest import clock
from digest.compose.edition import Content, StoredContent
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import sent_papers
from digest.db.subscribers import subscribers
from digest.matching.profile import Profile
from digest.matching.query.profile_limit_checks import profile_cost
from digest.matching.scoring.bm25 import Weights
from digest.services.catalog import announcements
from digest.services.catalog.announcements import AnnouncementDay
from digest.services.selection import engine_loader, engine_need
from digest.services.selection.backend import ProfileCache, SelectionBackend
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest
from digest.services.selection.reference_backend import ReferenceBackend

MAX_QUICK_PAPERS = 1000  # read and prepared in half a second
_QUICK_FRACTION = 50  # this fraction (1/50) of the reference's daily work takes less time than loading the engine
_COMPILE_THRESHOLD_DAYS = 2  # days of work that take the reference as long as compiling


def sent_papers_before(
    session: Session, pool: CandidatePool, seen_through: Mapping[int, int]
) -> dict[int, Collection[int]]:
    """Papers already sent to each subscriber that could be selected again. `seen_through`: last batch by subscriber.

    Only recently announced papers can be selected, so older editions are not read.
    """
    oldest_by_batch = {batch: pool.oldest_relevant_announcement(batch) for batch in set(seen_through.values())}
    subscribers_by_oldest: dict[int, list[int]] = {}
    for subscriber_id, batch in seen_through.items():
        subscribers_by_oldest.setdefault(oldest_by_batch[batch], []).append(subscriber_id)
    sent: dict[int, Collection[int]] = {}
    for oldest_announcement, subscriber_ids in subscribers_by_oldest.items():
        sent |= sent_papers.papers_sent_since(session, subscriber_ids, oldest_announcement)
    return sent


def choose(
    session: Session,
    pool: CandidatePool,
    requests: Sequence[SelectionRequest],
    *,
    by_reference: bool | None = None,
) -> list[Content]:
    """The edition of each request.

    `by_reference`: the matcher where it is chosen already.
    """
    if not requests:
        return []
    if by_reference is None:
        word_count = _single_profile_words(request.profile for request in requests)
        by_reference = _use_reference(session, len(pool.papers), _new_paper_count(pool, requests), word_count)
    return _backend(by_reference=by_reference).choose(session, pool, requests)


def choose_stored(
    session: Session, pool: CandidatePool, requests: Sequence[SelectionRequest], cache: ProfileCache | None = None
) -> Iterator[StoredContent]:
    """The edition of each request as it is stored, with the measured signals of its papers; selected in batches."""
    if not requests:
        return iter(())
    by_reference = cache is None and _use_reference(session, len(pool.papers), _new_paper_count(pool, requests))
    return _backend(by_reference=by_reference).choose_stored(session, pool, requests, cache)


def prepare_engine() -> bool:
    """Compile and load the engine where it is needed, and index the current announcement. May be repeated."""
    with reading() as session:
        today = clock.now().astimezone(clock.ARXIV_ZONE).date()
        announcement_id = store.current_announcement(session, today)
        day = announcements.announcement_days(session, [announcement_id])[0] if announcement_id else None
        subscriber_count = subscribers.active_subscribers(session)
        work = len(day.papers) * subscriber_count * engine_need.current_size(session).terms if day else 0
        is_quick = day is None or _is_quick(len(day.papers), work)
        if day is None or is_quick or not engine_need.measure_size(session).needs_engine:
            return False
        engine_loader.engine().index_day(session, day)
    return True


def profile_cache(session: Session, pool: CandidatePool, name: str, subscriber_count: int) -> ProfileCache | None:
    """The engine's profile cache of a shard; None where the reference back end will match it."""
    newest_papers = len(pool.days[0].papers)
    if not subscriber_count or _use_reference(session, len(pool.papers), newest_papers * subscriber_count):
        return None
    return engine_loader.engine().open_cache(session, name, subscriber_count)


def thresholds(
    session: Session,
    days: Sequence[AnnouncementDay],
    weights: Weights,
    profiles: Mapping[int, Profile],
    cache: ProfileCache | None = None,
    *,
    by_reference: bool | None = None,
) -> dict[int, int | None]:
    """τ of each profile, from these announcements; None where they are fewer than 14.

    `by_reference`: the matcher where it is chosen already.
    """
    if not profiles:
        return {}
    if by_reference is None:
        paper_count, word_count = sum(len(day.papers) for day in days), _single_profile_words(profiles.values())
        by_reference = cache is None and _use_reference(session, paper_count, paper_count * len(profiles), word_count)
    backend = _backend(by_reference=by_reference)
    taus = backend.thresholds(session, days, weights, profiles, cache)
    return dict(zip(profiles, taus, strict=True))


def _backend(*, by_reference: bool) -> SelectionBackend:
    return ReferenceBackend() if by_reference else engine_loader.engine()


def _use_reference(session: Session, paper_count: int, pair_count: int, word_count: int = 0) -> bool:
    """True where the reference back end should do this work. `pair_count`: pairs of a profile and a paper.

    `word_count`: the words of the profile, where they may be more than those of an average one; else 0.
    """
    size = engine_need.current_size(session)
    terms = max(size.terms, word_count)
    if _is_quick(paper_count, pair_count * terms) or not size.needs_engine:
        return True
    return (
        not engine_loader.is_compiled() and pair_count * terms <= _COMPILE_THRESHOLD_DAYS * engine_need.REFERENCE_WORK
    )


def _is_quick(paper_count: int, work: int) -> bool:
    """True for work that takes the reference less time than loading the engine."""
    return paper_count <= MAX_QUICK_PAPERS and work <= engine_need.REFERENCE_WORK // _QUICK_FRACTION


def _single_profile_words(profiles: Iterable[Profile]) -> int:
    """The number of words of a single profile, as in a preview; 0 for several, where the average applies."""
    first_two = list(islice(profiles, 2))
    return (
        sum(profile_cost(first).words + len(first.example_terms) for first in first_two) if len(first_two) == 1 else 0
    )


def _new_paper_count(pool: CandidatePool, requests: Sequence[SelectionRequest]) -> int:
    """The number of new papers, summed over the requests."""
    new_by_batch = {batch: pool.count_after(batch) for batch in {request.seen_through for request in requests}}
    return sum(new_by_batch[request.seen_through] for request in requests)

"""Compute thresholds with the engine, from the announcements before an epoch. Imported only when needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from sqlmodel import Session

from digest.db.subscribers import subscribers
from digest.matching.profile import HIGH, Profile
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.parameters import CLOSE_PAPERS
from digest.services.catalog import epochs
from digest.services.catalog.announcements import AnnouncementDay
from digest.services.selection.candidate_arrays import PaperColumns, window_of_days
from digest.services.selection.compiled_profiles import CompiledProfileCache
from digest.services.selection.edition_sections import COMPILED_PROFILE

_papers_by_days: OrderedDict[tuple[AnnouncementDay, ...], PaperColumns] = OrderedDict()
_MAX_CACHED = 6


def thresholds(
    session: Session,
    days: Sequence[AnnouncementDay],
    weights: Weights,
    profiles: Mapping[int, Profile],
    cache: CompiledProfileCache | None = None,
) -> list[int | None]:
    """τ of each profile, from these announcements. `cache`: the compiled profiles by version."""
    profiles_cache = cache or CompiledProfileCache()
    with profiles_cache.lock:
        missing = [
            version
            for version, profile in profiles.items()
            if profile is COMPILED_PROFILE and not profiles_cache.is_compiled(version)
        ]
        profiles = {**profiles, **subscribers.profiles(session, missing)}
        rows = [profiles_cache.row_of(version, profile) for version, profile in profiles.items()]
        return _taus(session, profiles_cache, rows, days, weights)


def _taus(
    session: Session,
    cache: CompiledProfileCache,
    rows: Sequence[int],
    days: Sequence[AnnouncementDay],
    weights: Weights,
) -> list[int | None]:
    """τ of each row; None where there are fewer announcements than an epoch needs."""
    if sum(not all(paper.withdrawn for paper in day.papers) for day in days) < epochs.MIN_ANNOUNCEMENTS:
        return [None] * len(rows)
    papers = _papers(session, tuple(days))
    matcher = cache.matcher(session, papers, weights)
    admitted = papers.admitted([cache.choice_of_row(row) for row in rows])
    taus: list[int | None] = list(matcher.thresholds(papers.facts, rows, admitted=admitted))
    high_minimum = [at for at, row in enumerate(rows) if cache.has_high_minimum(row)]
    if high_minimum:
        high_rows = [rows[at] for at in high_minimum]
        admitted = papers.admitted([cache.choice_of_row(row) for row in high_rows])
        high_taus = matcher.thresholds(papers.facts, high_rows, close=CLOSE_PAPERS[HIGH], admitted=admitted)
        for i, tau in zip(high_minimum, high_taus, strict=True):
            taus[i] = tau
    return taus


def _papers(session: Session, days: tuple[AnnouncementDay, ...]) -> PaperColumns:
    """The papers of these announcements, cached because many calls need the same ones."""
    if days not in _papers_by_days:
        _papers_by_days[days] = window_of_days(session, days)
    _papers_by_days.move_to_end(days)
    while len(_papers_by_days) > _MAX_CACHED:
        _papers_by_days.popitem(last=False)
    return _papers_by_days[days]

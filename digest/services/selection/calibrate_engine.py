"""Compute thresholds with the engine, from the announcements before an epoch. Imported only when needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from sqlmodel import Session

from digest.db.subscribers import subscribers
from digest.matching.profile import HIGH, Profile
from digest.matching.scoring.bm25 import CLOSE_PAPERS, Weights
from digest.services.catalog import epochs
from digest.services.catalog.announcements import AnnouncementDay
from digest.services.selection.candidate_arrays import PaperColumns, window_of_days
from digest.services.selection.compiled_profiles import CompiledProfileCache
from digest.services.selection.entry_building import COMPILED_PROFILE

_kept: OrderedDict[tuple[AnnouncementDay, ...], PaperColumns] = OrderedDict()
_MOST_KEPT = 6


def thresholds(
    session: Session,
    days: Sequence[AnnouncementDay],
    weights: Weights,
    profiles: Mapping[int, Profile],
    shelf: CompiledProfileCache | None = None,
) -> list[int | None]:
    """τ of each profile, from these announcements. `cache`: the compiled profiles by version."""
    held = shelf or CompiledProfileCache()
    with held.lock:
        unread = [n for n, profile in profiles.items() if profile is COMPILED_PROFILE and not held.knows(n)]
        profiles = {**profiles, **subscribers.profiles(session, unread)}
        rows = [held.row(number, profile) for number, profile in profiles.items()]
        return _taus(held, rows, days, _papers(session, tuple(days)), weights)


def _taus(
    held: CompiledProfileCache,
    rows: Sequence[int],
    days: Sequence[AnnouncementDay],
    papers: PaperColumns,
    weights: Weights,
) -> list[int | None]:
    """τ of each row; None where there are fewer announcements than an epoch needs."""
    if sum(not all(paper.withdrawn for paper in day.papers) for day in days) < epochs.MIN_ANNOUNCEMENTS:
        return [None] * len(rows)
    matcher = held.matcher(papers, weights)
    taus: list[int | None] = list(matcher.thresholds(papers.facts, rows))
    choosy = [at for at, row in enumerate(rows) if held.limited_to_categories(row)]
    if choosy:
        some = [rows[at] for at in choosy]
        higher = matcher.thresholds(papers.facts, some, close=CLOSE_PAPERS[HIGH])
        for at, tau in zip(choosy, higher, strict=True):
            taus[at] = tau
    return taus


def _papers(session: Session, days: tuple[AnnouncementDay, ...]) -> PaperColumns:
    """The papers of these announcements, cached because many calls need the same ones."""
    if days not in _kept:
        _kept[days] = window_of_days(session, days)
    _kept.move_to_end(days)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return _kept[days]

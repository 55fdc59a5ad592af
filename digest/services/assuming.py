"""Words that stand in for likes: of each profile's best papers over the announcements that calibrate it.

They are the same words for a week, whoever matches by them; `matching.feedback` says what they weigh.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session

from digest.db import calibrated as store
from digest.db import papers as papers_store
from digest.db.calibrated import Words
from digest.matching import feedback
from digest.matching.profile import Candidate, Profile
from digest.matching.strict import prepare
from digest.matching.weights import Weights
from digest.models import Epoch
from digest.services import select
from digest.services.announced import Day

_KEPT = 4000  # papers whose words are kept, some 8 kB each
_READ = 500
_shares: OrderedDict[tuple[Weights, int, int], Mapping[str, int]] = OrderedDict()


def calibrated(
    session: Session, days: Sequence[Day], weights: Weights, profiles: Mapping[int, Profile]
) -> dict[int, tuple[int | None, Words]]:
    """τ and the words of each profile, from these announcements; no words for one that nothing matches."""
    found = select.calibrate_with_best(session, days, weights, profiles, feedback.BEST)
    revision = {paper.id: paper.revision for day in days for paper in day.papers}
    known = _read(session, {(n, revision[n]) for _, best in found.values() for n in best}, weights)
    return {n: (tau, feedback.assumed([known[paper] for paper in best])) for n, (tau, best) in found.items()}


def kept(session: Session, epoch: Epoch | None, profiles: Collection[int]) -> dict[int, Words]:
    """The words that stand for this epoch, by profile version, for those that have some."""
    return store.assumed(session, epoch.id, profiles) if epoch is not None and epoch.id else {}


def _read(session: Session, papers: Collection[tuple[int, int]], weights: Weights) -> dict[int, Mapping[str, int]]:
    """Each paper's words and their shares; the last ones asked for are kept."""
    found = {n: _shares[weights, n, revision] for n, revision in papers if (weights, n, revision) in _shares}
    missing = sorted(key for key in papers if key[0] not in found)
    for start in range(0, len(missing), _READ):
        for key, record in papers_store.versions(session, missing[start : start + _READ]).items():
            found[key[0]] = _shares[weights, *key] = feedback.shares(prepare(Candidate(key[0], record, 0)), weights)
    while len(_shares) > _KEPT:
        _shares.popitem(last=False)
    return found

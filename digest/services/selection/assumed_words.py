"""Words that stand in for likes: of each profile's best papers over the announcements that calibrate it.

They are the same words for a week, whoever matches by them; `matching.scoring.relevance_feedback` says what they weigh.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from sqlmodel import Session

from digest.db.papers import papers as papers_store
from digest.db.subscribers import threshold_store as store
from digest.db.subscribers.threshold_store import Words
from digest.matching.profile import Candidate, Profile
from digest.matching.scoring import relevance_feedback
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare
from digest.models import Epoch
from digest.services.catalog.announcements import Day
from digest.services.selection import selector

_KEPT = 20_000  # papers whose words are kept, some 800 bytes each: all that an epoch's calibration looks at
_READ = 500
Key = tuple[Weights, int, int]  # by which counts, paper, revision


class _Shares:
    """What each word is of papers that were asked for; the last ones are kept, their words as numbers."""

    def __init__(self) -> None:
        self._stems: list[str] = []
        self._number: dict[str, int] = {}
        self._kept: OrderedDict[Key, tuple[array[int], array[int]]] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        """True for a paper that is kept."""
        return key in self._kept

    def __getitem__(self, key: Key) -> dict[str, int]:
        """A paper's words with their shares."""
        numbers, values = self._kept[key]
        return dict(zip(map(self._stems.__getitem__, numbers), values, strict=True))

    def put(self, key: Key, shares: Mapping[str, int]) -> None:
        """Keep a paper's."""
        for stem in shares:
            if stem not in self._number:
                self._number[stem] = len(self._stems)
                self._stems.append(stem)
        self._kept[key] = array("i", map(self._number.__getitem__, shares)), array("i", shares.values())

    def forget_old(self) -> None:
        """Keep no more than is wanted."""
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


_shares, _lock = _Shares(), Lock()


def calibrated(
    session: Session, days: Sequence[Day], weights: Weights, profiles: Mapping[int, Profile]
) -> dict[int, tuple[int | None, Words]]:
    """τ and the words of each profile, from these announcements; no words for one that nothing matches."""
    found = selector.calibrate_with_best(session, days, weights, profiles, relevance_feedback.BEST)
    revision = {paper.id: paper.revision for day in days for paper in day.papers}
    with _lock:  # a web process has threads
        _read(session, {(n, revision[n]) for _, best in found.values() for n in best}, weights)
        made = {
            number: (tau, relevance_feedback.assumed([_shares[weights, n, revision[n]] for n in best]))
            for number, (tau, best) in found.items()
        }
        _shares.forget_old()
    return made


def kept(session: Session, epoch: Epoch | None, profiles: Collection[int]) -> dict[int, Words]:
    """The words that stand for this epoch, by profile version, for those that have some."""
    return store.assumed(session, epoch.id, profiles) if epoch is not None and epoch.id else {}


def _read(session: Session, papers: Collection[tuple[int, int]], weights: Weights) -> None:
    """Have the words of these papers kept."""
    missing = sorted((n, revision) for n, revision in papers if (weights, n, revision) not in _shares)
    for start in range(0, len(missing), _READ):
        for (number, revision), record in papers_store.versions(session, missing[start : start + _READ]).items():
            document = prepare(Candidate(number, record, 0))
            _shares.put((weights, number, revision), relevance_feedback.shares(document, weights))

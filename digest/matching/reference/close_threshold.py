"""Each profile's threshold τ for close matches, from the papers of the last announcements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nlargest

from digest.matching.profile import Candidate, Counts, Profile
from digest.matching.reference.reference_matcher import FindingCache, non_strict_relevances
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document
from digest.matching.scoring.parameters import CLOSE_PAPERS, WINDOW_ANNOUNCEMENTS


def close_threshold(
    profile: Profile,
    candidates: Sequence[Candidate | Document],
    counts: Counts | Weights,
    cache: FindingCache | None = None,
    *,
    allowed: Sequence[Candidate | Document] | None = None,
) -> int | None:
    """τ: the 71st largest relevance of the allowed, not strictly matching papers of the 14 last announcements.

    With a high minimum it is the 15th. `candidates`: all papers of those announcements; of fewer than 14 there is no
    threshold: None. With fewer such papers than that it is 0. `allowed`: those of the candidates that count. Raises
    BadQuery.
    """
    if len({_candidate_of(candidate).announcement for candidate in candidates}) < WINDOW_ANNOUNCEMENTS:
        return None
    counted = candidates if allowed is None else allowed
    return threshold_of_relevances(profile, non_strict_relevances(profile, counted, counts, cache))


def threshold_of_relevances(profile: Profile, relevances: Iterable[int]) -> int:
    """τ from the relevances of the papers of 14 announcements, in any order; 0 where they are too few.

    The papers below the profile's floor may be left out: a τ below the floor has no effect.
    """
    rank = CLOSE_PAPERS[profile.minimum]
    largest = nlargest(rank + 1, relevances)
    return largest[rank] if len(largest) > rank else 0


def _candidate_of(candidate: Candidate | Document) -> Candidate:
    return candidate.candidate if isinstance(candidate, Document) else candidate

"""Words that stand in for likes: of each profile's best papers over the announcements that calibrate it.

They are the same words for a week, whoever matches by them; `matching.feedback` says what they weigh.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session

from digest.db import calibrated
from digest.db import papers as store
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
_shares: OrderedDict[tuple[int, int], Mapping[str, int]] = OrderedDict()
_by: list[Weights] = []  # the counts that these were made by


def words(
    session: Session,
    days: Sequence[Day],
    weights: Weights,
    profiles: Mapping[int, Profile],
    taus: Mapping[int, int | None],
) -> dict[int, Words]:
    """The words of each profile; none for one without topics, or that nothing matches."""
    asked = {n: _bare(profile) for n, profile in profiles.items() if any(not t.muted for t in profile.topics)}
    best = select.best(session, days, weights, asked, taus)
    revision = {paper.id: paper.revision for day in days for paper in day.papers}
    known = _read(session, {(n, revision[n]) for some in best.values() for n in some}, weights)
    made = {n: feedback.assumed([known[paper] for paper in papers]) for n, papers in best.items()}
    return {number: made.get(number, ()) for number in profiles}


def kept(session: Session, epoch: Epoch | None, profiles: Collection[int]) -> dict[int, Words]:
    """The words that stand for this epoch, by profile version, for those that have some."""
    return calibrated.assumed(session, epoch.id, profiles) if epoch is not None and epoch.id else {}


def _bare(profile: Profile) -> Profile:
    """What of a profile finds papers by its topics alone, as many as stand in for likes."""
    topics = tuple(replace(topic, cap=None) for topic in profile.topics)
    return replace(profile, topics=topics, limit=feedback.BEST, likes=(), authors=())


def _read(session: Session, papers: Collection[tuple[int, int]], weights: Weights) -> dict[int, Mapping[str, int]]:
    """Each paper's words and their shares; the last ones asked for are kept."""
    if _by != [weights]:
        _shares.clear()
        _by[:] = [weights]
    found = {key[0]: _shares[key] for key in papers if key in _shares}
    missing = sorted(key for key in papers if key[0] not in found)
    for start in range(0, len(missing), _READ):
        for key, record in store.versions(session, missing[start : start + _READ]).items():
            found[key[0]] = _shares[key] = feedback.shares(prepare(Candidate(key[0], record, 0)), weights)
    while len(_shares) > _KEPT:
        _shares.popitem(last=False)
    return found

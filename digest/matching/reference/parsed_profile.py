"""A profile understood: its queries, and what their words weigh in an epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from digest.matching.profile import Profile
from digest.matching.query.language import TEXT_FIELDS, Query, Wanted, parse, positive, terms, wanted
from digest.matching.scoring.bm25 import Weights, weight


@dataclass(frozen=True, slots=True)
class Heard:
    """One topic that is not muted: its place in the profile, its query, and what to look for."""

    index: int
    query: Query
    wants: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """A profile understood. `plain`: the weight of each word of its plain topics; `bits`: the terms' numbers."""

    profile: Profile
    topics: tuple[Heard, ...]
    exclusions: tuple[Query, ...]
    categories: tuple[str, ...]
    bits: Mapping[Wanted, int]
    plain: Mapping[Wanted, int]
    idf: Mapping[Wanted, int]
    floor: int


def understand(profile: Profile, weights: Weights) -> Wish:
    """What a profile wants, weighed by the counts of one epoch. Raises BadQuery."""
    heard = [(index, parse(topic.text)) for index, topic in enumerate(profile.topics) if not topic.muted]
    topics = tuple(Heard(i, q, tuple(w for term in positive(q.root) for w in wanted(term))) for i, q in heard)
    times = Counter(want for topic in topics if topic.query.plain for want in set(topic.wants))
    plain = {want: weight(times[want]) for want in times}
    words = {want._replace(field="") for topic in topics for want in topic.wants if want.field in TEXT_FIELDS}
    words |= {Wanted("", stem) for stem, _ in profile.likes}
    idf = {want: weights.idf(want.text, prefix=want.prefix) for want in words}
    sums = [sum(plain[want] * idf[want] for want in t.wants) for t in topics if t.query.plain and t.wants]
    return Wish(
        profile=profile,
        topics=topics,
        exclusions=tuple(parse(text) for text in profile.exclusions),
        categories=tuple(category.lower() for category in profile.categories),
        bits={want: 1 << number for number, want in enumerate(terms(profile))},
        plain=plain,
        idf=idf,
        floor=min(sums, default=0),
    )

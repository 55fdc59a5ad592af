"""The engine's results in compact arrays. Matches with their reasons are built row by row, on request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.example_reasons import shared_terms
from digest.matching.engine.join import JoinedIndex
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.kernel.array_layout import EXAMPLE, FOLLOWED, STRICT, MatchArrays, Rows
from digest.matching.profile import Match, Profile
from digest.matching.query.language import ProfileTerm, Term, parse, phrase_words, positive_terms, profile_terms
from digest.matching.scoring.example_vectors import nearest_example

_NO_TOPIC = 255


@dataclass(frozen=True, slots=True)
class MatchResults:
    """The matched papers of each requested row, best first."""

    arrays: MatchArrays
    store: ProfileStore
    joined: JoinedIndex

    def total(self, row: int) -> int:
        """How many papers the row matches without caps."""
        return int(self.arrays.rows["total"][row])

    @property
    def all_papers(self) -> NDArray[np.int64]:
        """The ids of all rows' papers, concatenated."""
        numbers: NDArray[np.int64] = self.joined.ids[self.arrays.papers["paper"][: self.arrays.rows["first"][-1]]]
        return numbers

    def papers(self, row: int) -> list[int]:
        """The ids of a row's papers."""
        numbers: list[int] = self.joined.ids[self._hits(row)["paper"]].tolist()
        return numbers

    def best(self, row: int, count: int) -> list[int]:
        """The ids of a row's best papers without those of followed authors."""
        hits = self._hits(row)
        numbers: list[int] = self.joined.ids[hits["paper"][hits["kind"] & FOLLOWED == 0][:count]].tolist()
        return numbers

    def matches(self, row: int, profile: Profile) -> list[Match]:
        """A row's matches with their reasons in the subscriber's words. Needs `explain` when the row was matched."""
        hits = self._hits(row).tolist()
        if not hits:
            return []
        typed_terms, followed = _TypedTerms.from_profile(profile), self._followed(profile, hits)
        nearest = self._nearest_examples(profile, hits)
        _, note, _, masks, terms, topics = self.arrays.rows[row].tolist()
        matches = []
        for paper, score, relevance, topic, kind in hits:
            notes = self.arrays.notes[note : note + masks + terms + topics].tobytes()
            note += masks + terms + topics
            mask = int.from_bytes(notes[:masks], "little")
            matched_terms = int.from_bytes(notes[masks : masks + terms], "little")
            reasons = [number for number in notes[masks + terms :] if number != _NO_TOPIC]
            example, example_words = nearest.get(paper, ("", ()))
            matches.append(
                Match(
                    paper=int(self.joined.ids[paper]),
                    score=score,
                    relevance=relevance,
                    strict=bool(kind & STRICT),
                    topic=topic,
                    mask=mask,
                    matched=tuple(typed_terms.reason(number, mask, matched_terms) for number in reasons),
                    followed=tuple(followed.get(paper, ())),
                    example=example,
                    example_words=example_words,
                )
            )
        return matches

    def _hits(self, row: int) -> Rows:
        begin, end = self.arrays.rows["first"][row : row + 2]
        return self.arrays.papers[begin:end]

    def _nearest_examples(
        self, profile: Profile, hits: Sequence[tuple[int, ...]]
    ) -> dict[int, tuple[str, tuple[str, ...]]]:
        """The nearest example of each paper that the examples admit, with the shared words."""
        if profile.examples is None:
            return {}
        papers = [hit[0] for hit in hits if hit[-1] & EXAMPLE]
        terms_by_paper = shared_terms(profile.examples, self.joined, self.store.vocabulary, papers)
        return {paper: nearest_example(profile.examples, terms_by_paper[paper]) for paper in papers}

    def _followed(self, profile: Profile, hits: Sequence[tuple[int, ...]]) -> dict[int, list[str]]:
        """The followed authors of each paper that is there for one; each author's papers are looked up once."""
        authors: dict[int, list[str]] = {hit[0]: [] for hit in hits if hit[-1] & FOLLOWED}
        for name in profile.authors if authors else ():
            for paper in self.joined.papers_with(self.store.vocabulary.followed_atom(name)).tolist():
                if paper in authors:
                    authors[paper].append(name)
        return authors


@dataclass(frozen=True, slots=True)
class _TypedTerms:
    """A profile's terms as typed. `by_topic`: the number of the topic's first term in the profile, and its terms.

    Muted topics have none.
    """

    by_topic: dict[int, tuple[int, tuple[Term, ...]]]
    mask_bits: dict[ProfileTerm, int]

    @classmethod
    def from_profile(cls, profile: Profile) -> _TypedTerms:
        by_topic: dict[int, tuple[int, tuple[Term, ...]]] = {}
        number = 0
        for index, topic in enumerate(profile.topics):
            if not topic.muted:
                topic_terms = _terms(topic.text)
                by_topic[index] = (number, topic_terms)
                number += len(topic_terms)
        return cls(by_topic, {profile_term: bit for bit, profile_term in enumerate(profile_terms(profile))})

    def reason(self, topic: int, mask: int, matched_terms: int) -> tuple[int, tuple[str, ...]]:
        """A topic and which of its terms matched: whole phrases where they stand in the paper, else single words."""
        first, topic_terms = self.by_topic[topic]
        phrases = [term.text for number, term in enumerate(topic_terms, first) if matched_terms >> number & 1]
        return topic, tuple(dict.fromkeys(phrases or self._words(topic_terms, mask)))

    def _words(self, topic_terms: tuple[Term, ...], mask: int) -> Iterator[str]:
        for term in topic_terms:
            for word in phrase_words(term):
                if word.is_weighted and mask >> self.mask_bits[ProfileTerm("", word.text, word.prefix)] & 1:
                    yield word.typed


@lru_cache(maxsize=1 << 15)
def _terms(text: str) -> tuple[Term, ...]:
    return positive_terms(parse(text).root)

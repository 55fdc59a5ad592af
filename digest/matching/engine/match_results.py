"""What the engine found, in compact arrays; a row's matches with their reasons are made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.join import Joined
from digest.matching.engine.profile_store import Store
from digest.matching.kernel.array_layout import FOLLOWED, STRICT, Found, Rows
from digest.matching.profile import Match, Profile
from digest.matching.query.language import Term, Wanted, parse, phrase, positive, terms

_NONE = 255


@dataclass(frozen=True, slots=True)
class Answers:
    """The papers of each row asked for, best first."""

    found: Found
    store: Store
    joined: Joined

    def total(self, at: int) -> int:
        """How many papers the row matches without caps."""
        return int(self.found.rows["total"][at])

    @property
    def all_papers(self) -> NDArray[np.int64]:
        """The numbers of all rows' papers, one row behind the other."""
        found: NDArray[np.int64] = self.joined.ids[self.found.papers["paper"][: self.found.rows["first"][-1]]]
        return found

    def papers(self, at: int) -> list[int]:
        """The numbers of a row's papers."""
        return [int(one) for one in self.joined.ids[self._hits(at)["paper"]]]

    def best(self, at: int, most: int) -> list[int]:
        """The numbers of a row's best papers that are not there for a followed author."""
        hits = self._hits(at)
        found: list[int] = self.joined.ids[hits["paper"][hits["kind"] & FOLLOWED == 0][:most]].tolist()
        return found

    def matches(self, at: int, profile: Profile) -> list[Match]:
        """A row's matches with their reasons in the reader's words. The engine must have been asked to explain."""
        hits = self._hits(at).tolist()
        reader = _Reader.of(profile) if hits else None
        _, note, _, masks, shown, told = self.found.rows[at].tolist()
        made = []
        for paper, score, relevance, topic, kind in hits:
            notes = self.found.notes[note : note + masks + shown + told].tobytes()
            note += masks + shown + told
            mask = int.from_bytes(notes[:masks], "little")
            holding = int.from_bytes(notes[masks : masks + shown], "little")
            topics = [one for one in notes[masks + shown :] if one != _NONE]
            made.append(
                Match(
                    paper=int(self.joined.ids[paper]),
                    score=score,
                    relevance=relevance,
                    strict=bool(kind & STRICT),
                    topic=topic,
                    mask=mask,
                    matched=tuple(reader.told(one, mask, holding) for one in topics) if reader else (),
                    followed=self._followed(profile, paper) if kind & FOLLOWED else (),
                )
            )
        return made

    def _hits(self, at: int) -> Rows:
        begin, end = self.found.rows["first"][at : at + 2]
        return self.found.papers[begin:end]

    def _followed(self, profile: Profile, paper: int) -> tuple[str, ...]:
        author = self.store.lexicon.author
        return tuple(name for name in profile.authors if self.joined.holds(author(name), paper))


@dataclass(frozen=True, slots=True)
class _Reader:
    """A profile's terms as typed: by topic, those of a query or the plain one, numbered through."""

    topics: dict[int, tuple[int, tuple[Term, ...]]]
    bits: dict[Wanted, int]

    @classmethod
    def of(cls, profile: Profile) -> _Reader:
        topics: dict[int, tuple[int, tuple[Term, ...]]] = {}
        number = 0
        for index, topic in enumerate(profile.topics):
            if not topic.muted:
                found = _terms(topic.text)
                topics[index] = (number, found)
                number += len(found)
        return cls(topics, {want: bit for bit, want in enumerate(terms(profile))})

    def told(self, topic: int, mask: int, holding: int) -> tuple[int, tuple[str, ...]]:
        """A topic and what of it matched: whole phrases where they stand in the paper, else single words."""
        number, found = self.topics[topic]
        shown = [term.text for at, term in enumerate(found, number) if holding >> at & 1]
        return topic, tuple(dict.fromkeys(shown or self._words(found, mask)))

    def _words(self, found: tuple[Term, ...], mask: int) -> Iterator[str]:
        for term in found:
            for word in phrase(term):
                if word.weighs and mask >> self.bits[Wanted("", word.text, word.prefix)] & 1:
                    yield word.typed


@lru_cache(maxsize=1 << 15)
def _terms(text: str) -> tuple[Term, ...]:
    return positive(parse(text).root)

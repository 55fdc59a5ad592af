"""The texts of compiled queries as JSON, from which the JSON writer takes the reasons of matches."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from digest.matching.engine.growable_arrays import Interner
from digest.matching.kernel.array_layout import I32, I64, U8
from digest.matching.query.language import ProfileTerm, Query, phrase_words, positive_terms


class QueryTextArrays(NamedTuple):
    """Texts as JSON, concatenated; the text of each term, and the texts of each plain query's words.

    `word`: pairs of a profile term's index in its query and a text; `word_at` by query. `text_at` has one entry more.
    """

    text: U8
    text_at: I64
    term: I32
    word_at: I32
    word: I32


@dataclass(slots=True)
class QueryTexts:
    """The texts of queries in the order in which these were compiled."""

    texts: Interner[str] = field(default_factory=Interner)
    term: array[int] = field(default_factory=lambda: array("i"))
    word_at: array[int] = field(default_factory=lambda: array("i", [0]))
    word: array[int] = field(default_factory=lambda: array("i"))

    def add(self, query: Query, profile_terms: Sequence[ProfileTerm]) -> None:
        """Append a query with the profile terms of all its terms."""
        for term in positive_terms(query.root):
            self.term.append(self.texts.intern(term.text))
            for word in phrase_words(term) if query.plain else ():
                if word.is_weighted:
                    self.word.extend(
                        (profile_terms.index(ProfileTerm("", word.text, word.prefix)), self.texts.intern(word.typed))
                    )
        self.word_at.append(len(self.word))

    def to_arrays(self) -> QueryTextArrays:
        """The current texts as arrays."""
        pieces = [json.dumps(text, ensure_ascii=False).encode() for text in self.texts]
        text_at = np.array([0, *accumulate(map(len, pieces))], np.int64)
        text = np.frombuffer(b"".join(pieces), np.uint8)
        term, word = np.array(self.term, np.int32), np.array(self.word, np.int32)
        return QueryTextArrays(text, text_at, term, np.array(self.word_at, np.int32), word)

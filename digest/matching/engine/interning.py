"""Intern words as numbers, and split each into its tokens once."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I32
from digest.text.tokens import split_compound


class WordInterner:
    """Numbers words in the order of their first use."""

    def __init__(self) -> None:
        self.number_of: dict[str, int] = {}

    def __call__(self, word: str) -> int:
        """The word's number; a new word gets the next number."""
        return self.number_of.setdefault(word, len(self.number_of))

    def sorted_words(self) -> tuple[tuple[str, ...], I32]:
        """The words in alphabetical order, and the rank in it of each number."""
        words = sorted(self.number_of)
        rank = np.empty(len(words), np.int32)
        rank[[self.number_of[word] for word in words]] = np.arange(len(words), dtype=np.int32)
        return tuple(words), rank


class TokenSplitter(dict[str, int]):
    """Numbers words, each with its tokens: their forms in order, and the compound that they form, if any."""

    def __init__(self) -> None:
        self.forms, self.wholes = WordInterner(), WordInterner()
        self.at, self.form, self.whole = [0, 1], [-1], [-1]  # word 0 ends each text

    def __missing__(self, word: str) -> int:
        parts = split_compound(word)
        self.form += [self.forms(part.word) for part in parts]
        self.whole.append(self.wholes(parts[0].whole) if parts[0].whole else -1)
        self.at.append(len(self.form))
        number = self[word] = len(self) + 1
        return number

"""Words numbered as they are read, each split into its tokens once."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I32
from digest.text.tokens import split_compound


class Words:
    """Words numbered in the order they come."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def __call__(self, word: str) -> int:
        """The word's number, a new one where it comes first."""
        return self.number.setdefault(word, len(self.number))

    def in_order(self) -> tuple[tuple[str, ...], I32]:
        """The words in alphabetical order, and the place there of each number."""
        words = sorted(self.number)
        place = np.empty(len(words), np.int32)
        place[[self.number[word] for word in words]] = np.arange(len(words), dtype=np.int32)
        return tuple(words), place


class Split(dict[str, int]):
    """Words numbered as they come, each with its tokens: forms in order, and the compound that they are, if any."""

    def __init__(self) -> None:
        self.forms, self.wholes = Words(), Words()
        self.at, self.form, self.whole = [0, 1], [-1], [-1]  # word 0 stands behind each text

    def __missing__(self, word: str) -> int:
        parts = split_compound(word)
        self.form += [self.forms(part.word) for part in parts]
        self.whole.append(self.wholes(parts[0].whole) if parts[0].whole else -1)
        self.at.append(len(self.form))
        number = self[word] = len(self) + 1
        return number

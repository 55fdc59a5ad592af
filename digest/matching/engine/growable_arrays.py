"""Arrays that grow, and things that are numbered as they come."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from digest.matching.kernel import array_layout

K = TypeVar("K", bound=Hashable)


class Numbers:
    """Whole numbers one behind the other. What was given out never changes, and is no copy."""

    def __init__(self) -> None:
        self._values, self._size = np.empty(1024, np.int32), 0

    @classmethod
    def of(cls, values: array_layout.I32) -> Numbers:
        """These, which are not copied."""
        made = cls()
        made._values, made._size = values, len(values)
        return made

    def __len__(self) -> int:
        return self._size

    def extend(self, more: Sequence[int] | array_layout.I32) -> None:
        """Append some."""
        end = self._size + len(more)
        if end > len(self._values):
            grown = np.empty(max(end, len(self._values) * 3 // 2), np.int32)
            grown[: self._size] = self.view()
            self._values = grown
        self._values[self._size : end] = more
        self._size = end

    def view(self) -> array_layout.I32:
        """All of them."""
        return self._values[: self._size]


class Numbered(Generic[K]):
    """Things numbered in the order in which they came.

    Those of a file (`later`) are made when somebody asks for one: who only matches never does, and saves their memory.
    """

    def __init__(self, later: Callable[[], Iterable[K]] = tuple) -> None:
        self._later: Callable[[], Iterable[K]] | None = later
        self._numbers: dict[K, int] = {}

    @property
    def _known(self) -> dict[K, int]:
        if self._later is not None:
            self._numbers, self._later = {key: number for number, key in enumerate(self._later())}, None
        return self._numbers

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[K]:
        return iter(self._known)

    def get(self, key: K) -> int | None:
        """Its number, if it has one."""
        return self._known.get(key)

    def number(self, key: K) -> int:
        """Its number; a new one gets the next."""
        known = self._known
        return known.setdefault(key, len(known))

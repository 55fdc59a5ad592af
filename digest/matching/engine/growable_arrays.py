"""A growable array of integers, and an interner that numbers keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from digest.matching.kernel import array_layout

K = TypeVar("K", bound=Hashable)


class Numbers:
    """A growable array of int32. Views returned earlier keep their values, and are not copies."""

    def __init__(self) -> None:
        self._values, self._size = np.empty(1024, np.int32), 0

    @classmethod
    def of(cls, values: array_layout.I32) -> Numbers:
        """Wrap an array without copying it."""
        made = cls()
        made._values, made._size = values, len(values)
        return made

    def __len__(self) -> int:
        return self._size

    def extend(self, more: Sequence[int] | array_layout.I32) -> None:
        """Append values."""
        end = self._size + len(more)
        if end > len(self._values):
            grown = np.empty(max(end, len(self._values) * 3 // 2), np.int32)
            grown[: self._size] = self.view()
            self._values = grown
        self._values[self._size : end] = more
        self._size = end

    def view(self) -> array_layout.I32:
        """All values, without copying."""
        return self._values[: self._size]


class Numbered(Generic[K]):
    """Numbers keys in the order of their first use.

    Keys of a file (`load_keys`) are loaded on first use: matching alone does not need them, which saves memory.
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
        """The number of a key; None for an unknown one."""
        return self._known.get(key)

    def number(self, key: K) -> int:
        """The number of a key; a new key gets the next number."""
        known = self._known
        return known.setdefault(key, len(known))

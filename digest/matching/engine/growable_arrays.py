"""A growable array of integers, and an interner that numbers keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from digest.matching.kernel import array_layout

K = TypeVar("K", bound=Hashable)


class GrowableInts:
    """A growable array of int32. Views returned earlier keep their values, and are not copies."""

    def __init__(self) -> None:
        self._values, self._size = np.empty(1024, np.int32), 0

    @classmethod
    def from_array(cls, values: array_layout.I32) -> GrowableInts:
        """Wrap an array without copying it."""
        numbers = cls()
        numbers._values, numbers._size = values, len(values)
        return numbers

    def __len__(self) -> int:
        return self._size

    def extend(self, values: Sequence[int] | array_layout.I32) -> None:
        """Append values."""
        end = self._size + len(values)
        if end > len(self._values):
            grown = np.empty(max(end, len(self._values) * 3 // 2), np.int32)
            grown[: self._size] = self.view()
            self._values = grown
        self._values[self._size : end] = values
        self._size = end

    def view(self) -> array_layout.I32:
        """All values, without copying."""
        return self._values[: self._size]


class Interner(Generic[K]):
    """Numbers keys in the order of their first use.

    Keys of a file (`load_keys`) are loaded on first use: matching alone does not need them, which saves memory.
    """

    def __init__(self, load_keys: Callable[[], Iterable[K]] = tuple) -> None:
        self._load_keys: Callable[[], Iterable[K]] | None = load_keys
        self._numbers: dict[K, int] = {}

    @property
    def _number_of(self) -> dict[K, int]:
        if self._load_keys is not None:
            self._numbers, self._load_keys = {key: number for number, key in enumerate(self._load_keys())}, None
        return self._numbers

    def __len__(self) -> int:
        return len(self._number_of)

    def __iter__(self) -> Iterator[K]:
        return iter(self._number_of)

    def get(self, key: K) -> int | None:
        """The number of a key; None for an unknown one."""
        return self._number_of.get(key)

    def intern(self, key: K) -> int:
        """The number of a key; a new key gets the next number."""
        numbers = self._number_of
        return numbers.setdefault(key, len(numbers))

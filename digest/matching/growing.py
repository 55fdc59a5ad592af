"""Arrays that grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digest.matching import arrays


class Numbers:
    """Whole numbers one behind the other. What was given out never changes, and is no copy."""

    def __init__(self) -> None:
        self._values, self._size = np.empty(1024, np.int32), 0

    @classmethod
    def of(cls, values: arrays.I32) -> Numbers:
        """These, which are not copied."""
        made = cls()
        made._values, made._size = values, len(values)
        return made

    def __len__(self) -> int:
        return self._size

    def extend(self, more: Sequence[int] | arrays.I32) -> None:
        """Append some."""
        end = self._size + len(more)
        if end > len(self._values):
            grown = np.empty(max(end, len(self._values) * 3 // 2), np.int32)
            grown[: self._size] = self.view()
            self._values = grown
        self._values[self._size : end] = more
        self._size = end

    def view(self) -> arrays.I32:
        """All of them."""
        return self._values[: self._size]

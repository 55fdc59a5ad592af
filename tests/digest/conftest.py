"""What all tests of the package share."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from digest.matching.profile import Counts
from digest.matching.scoring import word_counts
from digest.services.catalog import epochs

REMEMBERED = 12


@pytest.fixture(scope="session", autouse=True)
def remembered_counts() -> Iterator[None]:
    """Equal word counts of epochs are packed once, and not unpacked by the process that packed them.

    Nearly every test that runs a day has an epoch of its own with the 27,000 words of the prior, which take 40 ms to
    pack and 50 ms to unpack. `test_word_counts` shows that unpacked counts are those that were packed.
    """
    packed_by_counts: dict[tuple[int, int, int, frozenset[tuple[str, int]]], bytes] = {}
    counts_by_packed: dict[bytes, Counts] = {}

    def pack(counts: Counts) -> bytes:
        milli = round(1000 * counts.average_length)  # as it is packed
        key = counts.papers, milli, counts.announcements, frozenset(counts.df.items())
        if key not in packed_by_counts:
            if len(packed_by_counts) == REMEMBERED:
                del counts_by_packed[packed_by_counts.pop(next(iter(packed_by_counts)))]
            packed = packed_by_counts[key] = word_counts.pack(counts)
            counts_by_packed[packed] = Counts(
                counts.papers, milli / 1000, dict(sorted(counts.df.items())), counts.announcements
            )
        return packed_by_counts[key]

    def unpack(packed: bytes) -> Counts:
        return counts_by_packed[packed] if packed in counts_by_packed else word_counts.unpack(packed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epochs, "word_counts", SimpleNamespace(**vars(word_counts) | {"pack": pack, "unpack": unpack}))
        yield

"""Word counts from indexes: the same as from their papers, without reading them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from digest.matching.engine.paper_index import PaperIndex
from digest.matching.profile import Counts


def count(indexes: Iterable[PaperIndex], *, announcements: int = 0) -> Counts:
    """The same counts as `word_counts.count` for the papers of these indexes."""
    df: Counter[str] = Counter()
    number = length = 0
    for index in indexes:
        papers = np.diff(index.post_at).tolist()
        df.update({stem: count for stem, count in zip(index.stems, papers, strict=True) if count})
        number += index.papers
        length += int(index.length.sum())
    return Counts(number, length / number if number else 0.0, dict(df), announcements)

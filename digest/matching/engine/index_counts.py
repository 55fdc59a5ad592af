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
    paper_count = token_count = 0
    for index in indexes:
        papers = np.diff(index.post_at).tolist()
        df.update({stem: count for stem, count in zip(index.stems, papers, strict=True) if count})
        paper_count += index.paper_count
        token_count += int(index.length.sum())
    return Counts(paper_count, token_count / paper_count if paper_count else 0.0, dict(df), announcements)

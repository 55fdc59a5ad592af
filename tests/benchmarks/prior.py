"""Makes `digest/matching/prior.bin`, the word counts for a young database: `python -m tests.benchmarks.prior CORPUS`.

Papers with a day of announcement; stems of fewer than three papers are left out. Counts, no text.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterator
from pathlib import Path

from digest.matching.profile import Counts
from digest.matching.scoring.word_counts import count, pack
from digest.papers import Record

LEAST = 3  # papers that a stem must be in
TARGET = Path(__file__).parents[2] / "digest" / "matching" / "prior.bin"


def records(corpus: Path) -> Iterator[Record]:
    """The corpus's announced papers."""
    with lzma.open(corpus, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["announced"]:
                yield Record(title=row["title"], abstract=row["abstract"])


def main() -> None:
    """Count, drop the rare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    counts = count(records(parser.parse_args().corpus))
    df = {stem: number for stem, number in counts.df.items() if number >= LEAST}
    TARGET.write_bytes(pack(Counts(counts.papers, counts.average_length, df)))
    print(f"{counts.papers} papers, {len(df)} of {len(counts.df)} stems, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()

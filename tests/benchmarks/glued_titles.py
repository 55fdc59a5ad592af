"""How often joined titles are split correctly: `python -m tests.benchmarks.glued_titles CORPUS [LINES]`.

Lines are joined from real papers as the page joins them: title, then the first three authors, then 'et al.' where
there are more. Fifty lines at a time make a page, whose abstracts and names are the only evidence.
"""

from __future__ import annotations

import json
import lzma
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from seeds import joined_titles

PAGE = 50
Paper = dict[str, Any]


def papers(corpus: Path, count: int, *, step: int) -> list[Paper]:
    """`count` papers spread over the corpus: each `every`-th that has authors, in a fixed random order."""
    with lzma.open(corpus, "rt", encoding="utf-8") as lines:
        rows = [row for line in islice(lines, 0, None, step) if (row := json.loads(line))["authors"]]
    random.Random(1).shuffle(rows)
    return rows[:count]


def outcomes(rows: Sequence[Paper]) -> Iterator[tuple[str, Paper]]:
    """'right', 'wrong' or 'rejected' for each paper."""
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        words = {word for row in page for word in re.findall(r"\w+", row["abstract"].lower())}
        people = {name for row in page for name in row["authors"][1 : joined_titles.AUTHORS_SHOWN]}
        for row in page:
            yield outcome(row, words, people), row


def outcome(row: Paper, words: set[str], people: set[str]) -> str:
    shown_authors = tuple(row["authors"][: joined_titles.AUTHORS_SHOWN])
    split_title = joined_titles.split_line(
        row["title"] + ", ".join(shown_authors),
        is_truncated=len(row["authors"]) > joined_titles.AUTHORS_SHOWN,
        words=words,
        known_names=people,
    )
    if split_title is None:
        return "rejected"
    return "right" if (split_title.title, split_title.authors) == (row["title"], shown_authors) else "wrong"


def main() -> None:
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    rows = papers(Path(sys.argv[1]), count, step=128_558 // count or 1)
    results = list(outcomes(rows))
    counts = Counter(result for result, _ in results)
    print(f"{len(rows)} lines")
    for result in ("right", "wrong", "rejected"):
        print(f"{result:>9} {counts[result]:6} {100 * counts[result] / len(rows):6.2f} %")
    plain = [
        result
        for result, row in results
        if not re.search(r"[\\(),]", "".join(row["authors"][: joined_titles.AUTHORS_SHOWN]))
    ]
    print(
        f"rejected of {len(plain)} lines whose names hold no TeX and no brackets: "
        f"{100 * plain.count('rejected') / len(plain):.2f} %"
    )
    for result, row in results:
        if result == "wrong":
            print("wrong:", row["title"][-50:], row["authors"][: joined_titles.AUTHORS_SHOWN])


if __name__ == "__main__":
    main()

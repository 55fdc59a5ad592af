"""How surely the papers of people who share a name are told apart, and how many of a person's papers are kept.

    python -m tests.benchmarks.people SHARED [--trials 200]

Real people whose family name nobody else in the corpus has are given one name, a few at a time; then one of them is
followed by one of their papers. No ids are used: with them no paper of another id can come. The corpus has one in
twenty of arXiv's papers, so a person's papers share fewer co-authors there than in an installation.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.papers import AuthoredPaper, group_papers
from digest.text.folding import fold_text
from digest.text.tokens import is_weighted, stem
from tests.benchmarks.report import Report

_WORD = re.compile(r"[^\W\d_]{4,}")
CASES = ((2, False), (5, False), (3, True), (5, True))  # people of one name; in one category


def main() -> None:
    """Measure precision and recall for some numbers of namesakes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--trials", type=int, default=200)
    options = parser.parse_args()
    corpus = _Corpus(options.shared / "data" / "corpus.jsonl.xz")
    report = Report("people")
    for count, same_category in CASES:
        precision, recall, by_name = corpus.measure(count, options.trials, same_category=same_category)
        label = f"{count}_{'in_one_category' if same_category else 'anywhere'}"
        report.add(f"{label}_precision", "share", precision)
        report.add(f"{label}_recall", "share", recall)
        report.add(f"{label}_precision_by_name", "share", by_name)
    report.write(rounds=1)


class _Corpus:
    def __init__(self, file: Path) -> None:
        with lzma.open(file, "rt", encoding="utf-8") as lines:
            rows = (json.loads(line) for line in lines)
            self.rows: list[dict[str, Any]] = [
                {"authors": [name.lower() for name in row["authors"]], "category": row["categories"][0]} | _texts(row)
                for row in rows
                if row["authors"] and row["categories"] and len(row["authors"]) <= 30
            ]
        self.weights = Weights(word_counts.prior())
        self.papers_by_name: defaultdict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self.rows):
            for name in set(row["authors"]):
                self.papers_by_name[name].append(number)
        families = Counter(name.split()[-1] for name in self.papers_by_name)
        self.people = [
            name
            for name, numbers in self.papers_by_name.items()
            if 3 <= len(numbers) <= 40 and families[name.split()[-1]] == 1 and len(name.split()[0].strip(".")) > 2
        ]
        self.by_category: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.people:
            self.by_category[self.rows[self.papers_by_name[name][0]]["category"]].append(name)

    def measure(self, count: int, trials: int, *, same_category: bool) -> tuple[float, float, float]:
        """Precision and recall of a followed person's other papers; and the precision by the name alone."""
        random = Random(1)
        hits = wrong = missed = others = own = 0
        categories = sorted(category for category, names in self.by_category.items() if len(names) >= count)
        for _ in range(trials):
            pool = self.by_category[random.choice(categories)] if same_category else self.people
            sampled = random.sample(pool, count)
            owners = {number: name for name in reversed(sampled) for number in self.papers_by_name[name]}
            mine = {number for number, owner in owners.items() if owner == sampled[0]}
            anchor = random.choice(sorted(mine))
            groups = group_papers([self._authored(number, sampled) for number in owners])
            papers_of_person = next(
                {paper.id for paper in group} for group in groups if anchor in {p.id for p in group}
            )
            hits += len(papers_of_person & mine) - 1
            wrong += len(papers_of_person - mine)
            missed += len(mine - papers_of_person)
            own, others = own + len(mine) - 1, others + len(owners) - len(mine)
        return hits / (hits + wrong), hits / (hits + missed), own / (own + others)

    def _authored(self, number: int, authors: Sequence[str]) -> AuthoredPaper:
        row = self.rows[number]
        words: Counter[str] = Counter()
        for text, factor in ((row["title"], 2), (row["abstract"], 1)):
            for word in {stem(word) for word in _WORD.findall(fold_text(text)) if is_weighted(word)}:
                words[word] += factor * self.weights.idf(word)
        co_authors = frozenset(name for name in row["authors"] if name not in authors)
        return AuthoredPaper(number, co_authors, row["category"], words=words)


def _texts(row: dict[str, Any]) -> dict[str, str]:
    return {"title": row["title"], "abstract": row["abstract"]}


if __name__ == "__main__":
    main()

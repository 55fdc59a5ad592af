"""How surely a preprint and its published version become one paper, judged by identifiers that are hidden.

    python -m tests.benchmarks.versions SHARED [--papers 128000] [--show 50]

Each paper of the corpus stands once as a preprint and once as an article of a journal, which writes titles, names and
abstracts otherwise. All pairs that share a lookup key, as the database compares them, are judged by
`papers.is_same_paper`: two different papers are never to be one. Real revisions, of papers with several versions, are
judged too. Goal: precision 0.999. Prints the pairs that are wrong, for reading, a table, and writes
build/bench/versions.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from digest import papers
from digest.papers import Record
from tests.benchmarks.merging import altered_record, corpus

MAX_PER_KEY = 40  # as in the database: a key of more papers identifies none


@dataclass(slots=True)
class VersionScore:
    """Right and wrong merges of the corpus, and how many of the real revisions are recognised."""

    papers: int
    right: int = 0
    revisions: int = 0
    recognised: int = 0
    wrong: list[tuple[Record, Record]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of all merges the share that joined one paper with itself."""
        return self.right / max(self.right + len(self.wrong), 1)

    @property
    def recall(self) -> float:
        """Of all papers the share whose article was joined with the preprint."""
        return self.right / max(self.papers, 1)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=128_000)
    parser.add_argument("--show", type=int, default=50)
    options = parser.parse_args()
    score = measure(corpus(options.shared, options.papers))
    measure_revisions(options.shared, score)
    report(score, options.show)


def as_preprint(record: Record, number: int) -> Record:
    """The paper as a preprint server has it."""
    return replace(record, arxiv_id=None, doi=f"10.1101/{100_000 + number}", venue=None)


def as_article(record: Record, number: int) -> Record:
    """The paper as a journal has it."""
    return replace(record, arxiv_id=None, doi=f"10.5555/journal.{number}")


def measure(records: Sequence[Record], seed: int = 5) -> VersionScore:
    """Judge each paper's preprint beside its article, and all pairs of different papers that share a key."""
    rng = random.Random(seed)
    score = VersionScore(len(records))
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for number, record in enumerate(records):
        preprint, article = as_preprint(record, number), as_article(altered_record(record, rng), number)
        keys = papers.keys_of(preprint).similarity_keys
        if {*keys} & {*papers.keys_of(article).similarity_keys}:
            score.right += papers.is_same_paper(preprint, article)
        for key in keys:
            by_key[key].append(number)
    for a, b in _pairs(by_key.values()):
        preprint, article = as_preprint(records[a], a), as_article(records[b], b)
        if papers.is_same_paper(preprint, article):
            score.wrong.append((records[a], records[b]))
    return score


def _pairs(groups: Iterable[list[int]]) -> Iterator[tuple[int, int]]:
    """All pairs of different papers within the groups, each once."""
    seen: set[tuple[int, int]] = set()
    for group in groups:
        if len(group) <= MAX_PER_KEY:
            for pair in combinations(sorted(set(group)), 2):
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def measure_revisions(shared: Path, score: VersionScore) -> None:
    """Judge the first beside the last version of the papers whose versions are known."""
    versions: defaultdict[str, list[tuple[int, Record]]] = defaultdict(list)
    with gzip.open(shared / "data" / "arxiv_versions" / "metadata_versions.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            names = tuple(re.split(r",\s*(?:and\s+)?|\s+and\s+", re.sub(r"\([^()]*\)", "", row["authors"])))
            record = Record(row["title"], abstract=row["abstract"], authors=names)
            versions[row["paper_id"]].append((int(row["version"]), record))
    for number, listed in enumerate(versions.values()):
        listed.sort(key=lambda pair: pair[0])
        first, last = listed[0][1], listed[-1][1]
        if first != last:
            preprint, article = as_preprint(first, number), as_article(last, number)
            shares_key = {*papers.keys_of(preprint).similarity_keys} & {*papers.keys_of(article).similarity_keys}
            score.revisions += 1
            score.recognised += bool(shares_key) and papers.is_same_paper(preprint, article)


def report(score: VersionScore, show: int) -> None:
    """The wrong pairs, the table, and build/bench/versions.json."""
    for a, b in score.wrong[:show]:
        similarity = papers.similarity(a.abstract, b.abstract)
        print(f"{a.arxiv_id} {a.title[:90]!r} {a.authors[:3]}\n{b.arxiv_id} {b.title[:90]!r} {b.authors[:3]}")
        print(f"  abstracts share {similarity:.2f}\n")
    print(f"{score.papers} papers twice: {score.right} became one, {len(score.wrong)} pairs of different papers did")
    print(f"{score.revisions} papers with changed text: {score.recognised} recognised")
    figures = {
        "precision": score.precision,
        "recall": score.recall,
        "recall of revisions": score.recognised / max(score.revisions, 1),
    }
    for name, value in figures.items():
        print(f"{name:20} {value:.5f}")
    out = Path("build/bench/versions.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    figures_shown = {name: {"unit": "share", "min": v, "median": v, "max": v} for name, v in figures.items()}
    out.write_text(json.dumps({"rounds": 1, "figures": figures_shown, "ratios": {}}, indent=1) + "\n")


if __name__ == "__main__":
    main()

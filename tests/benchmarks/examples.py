"""How relevant papers found by examples are: `python -m tests.benchmarks.examples SHARED`.

A task is a keyword of Hugging Face's daily list and a month: relevant are the papers tagged so, the pool is the month's
labelled papers, and the examples are drawn from earlier months. Every paper of the pool is ordered; thresholds and
floors are left out. Rules were tuned on the even tasks; the odd ones are reported. Intervals are those of a paired
bootstrap over the tasks. Labels are machine-made: compare the rows, don't quote them.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.engine_matcher import PaperFacts, build_matcher
from digest.matching.engine.paper_index import PaperIndex, build_index
from digest.matching.profile import Candidate, Examples, ExampleTerm, Profile, Topic
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.example_vectors import example_terms
from digest.papers import Record
from digest.text.tokens import is_weighted
from tests.benchmarks.relevance import CAP, Key, key

LEAST_RELEVANT, LEAST_EXAMPLES = 3, 10
NUMBERS = (3, 10, 50)
TFIDF_FEATURES, TFIDF_TERMS = 20_000, 40
RESAMPLES = 2000
ADMIT_ALL = Examples((ExampleTerm("\x01", "", 1),), floor=0)  # a term that no paper has, and no floor
Row = tuple[float, float]
Vector = dict[str, float]


@dataclass(frozen=True, slots=True)
class Task:
    """A keyword in a month: the relevant papers, and the papers of earlier months that carry it, in random order."""

    keyword: str
    month: str
    relevant: frozenset[int]
    examples: tuple[int, ...]


class Labelled:
    """The labelled papers, their months and their tasks."""

    def __init__(self, shared: Path) -> None:
        self.documents: list[Document] = []
        self.months: dict[str, list[int]] = defaultdict(list)
        papers_by_key: dict[Key, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        spellings: dict[Key, Counter[str]] = defaultdict(Counter)
        for row in _labelled_rows(shared):
            number, month = len(self.documents), row["day"][:7]
            self.documents.append(prepare_document(Candidate(number, Record(row["title"], row["summary"]), 1)))
            self.months[month].append(number)
            keys = {key(keyword): keyword for keyword in row["ai_keywords"]}
            for stems, keyword in keys.items():
                if len(stems) > 1:
                    papers_by_key[stems][month].append(number)
                    spellings[stems][keyword] += 1
        self.tasks = [
            task
            for stems in sorted(papers_by_key)
            for task in _tasks_of(spellings[stems].most_common(1)[0][0], papers_by_key[stems])
        ]

    def indexes(self) -> dict[str, PaperIndex]:
        """An index of each month's papers."""
        return {
            month: build_index((number, self.documents[number].candidate.record) for number in numbers)
            for month, numbers in self.months.items()
        }


def _labelled_rows(shared: Path) -> list[dict[str, str]]:
    rows_by_label: dict[str, dict[str, str]] = {}
    path = shared / "data/huggingface_daily/daily_papers.jsonl.xz"
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["ai_keywords"]:
                rows_by_label.setdefault(row["id"], row)
    return list(rows_by_label.values())


def _tasks_of(keyword: str, papers_by_month: Mapping[str, list[int]]) -> list[Task]:
    tasks = []
    for month in sorted(papers_by_month):
        earlier = [number for other in sorted(papers_by_month) if other < month for number in papers_by_month[other]]
        if len(papers_by_month[month]) >= LEAST_RELEVANT and len(earlier) >= LEAST_EXAMPLES:
            random.Random(f"{keyword} {month}").shuffle(earlier)
            text = keyword.replace("*", " ").partition("(")[0].strip()
            tasks.append(Task(text, month, frozenset(papers_by_month[month]), tuple(earlier)))
    return tasks


def product_rows(labelled: Labelled, tasks: Sequence[Task], profile_of: Callable[[Task], Profile]) -> list[Row]:
    """How the product orders the pools for these profiles."""
    weights = Weights(word_counts.prior())
    rows: dict[int, Row] = {}
    for month, index in labelled.indexes().items():
        places = [place for place, task in enumerate(tasks) if task.month == month]
        if not places:
            continue
        count = len(labelled.months[month])
        facts = PaperFacts(np.ones(count, np.int64), np.zeros(count, np.int32))
        profiles = [profile_of(tasks[place]) for place in places]
        results = build_matcher(profiles, [index], weights).match(facts, taus=[0] * len(profiles), explain=False)
        rows |= {place: grade(results.papers(i), tasks[place].relevant) for i, place in enumerate(places)}
    return [rows[place] for place in range(len(tasks))]


def profile_of_task(labelled: Labelled, task: Task, number: int, *, typed: bool) -> Profile:
    """A profile of the keyword, if `typed`, and of so many examples, which admits every paper of the pool."""
    examples = None
    if number:
        documents = [labelled.documents[example] for example in task.examples[:number]]
        examples = example_terms(documents, Weights(word_counts.prior()))
    return Profile(
        topics=(Topic(task.keyword),) if typed else (),
        examples=replace(examples, floor=0) if examples else ADMIT_ALL,
        limit=CAP,
    )


def tfidf_vectors(documents: Sequence[Document]) -> list[Vector]:
    """Unit vectors of sublinear tf-idf over words and pairs of words, 20,000 features: the rule to beat."""
    counts = [_words_and_pairs(document) for document in documents]
    df = Counter(term for terms in counts for term in terms)
    features = {term for term, _ in df.most_common(TFIDF_FEATURES)}
    vectors = []
    for paper_counts in counts:
        vector = {
            term: (1 + math.log(number)) * (math.log((1 + len(documents)) / (1 + df[term])) + 1)
            for term, number in paper_counts.items()
            if term in features
        }
        length = math.hypot(*vector.values()) or 1.0
        vectors.append({term: value / length for term, value in vector.items()})
    return vectors


def _words_and_pairs(document: Document) -> Counter[str]:
    term_counts: Counter[str] = Counter()
    for text in (document.title, document.abstract):
        stems = [token.stem if is_weighted(token.word) else "" for token in text.tokens]
        term_counts.update(stem for stem in stems if stem)
        term_counts.update(f"{first} {second}" for first, second in pairwise(stems) if first and second)
    return term_counts


def tfidf_rows(labelled: Labelled, tasks: Sequence[Task], vectors: Sequence[Vector], number: int) -> list[Row]:
    """How the 40 heaviest terms of the examples' mean vector order the pools."""
    rows = []
    for task in tasks:
        total: Counter[str] = Counter()
        for example in task.examples[:number]:
            total.update(vectors[example])
        query = dict(total.most_common(TFIDF_TERMS))
        scores = {
            paper: sum(value * vectors[paper].get(term, 0.0) for term, value in query.items())
            for paper in labelled.months[task.month]
        }
        rows.append(grade(sorted(scores, key=lambda paper: -scores[paper])[:CAP], task.relevant))
    return rows


def grade(ranking: Sequence[int], relevant: frozenset[int]) -> Row:
    """R@10 (of at most ten) and nDCG@10."""
    hits = [paper in relevant for paper in ranking[:CAP]]
    best = sum(1 / math.log2(place + 2) for place in range(min(len(relevant), CAP)))
    gain = sum(is_hit / math.log2(place + 2) for place, is_hit in enumerate(hits))
    return sum(hits) / min(len(relevant), CAP), gain / best


def interval(rows: Sequence[Row], others: Sequence[Row], column: int) -> tuple[float, float, float]:
    """The mean difference of two rules, and its 95 % interval by resampling tasks."""
    differences: NDArray[np.float64] = np.array(
        [a[column] - b[column] for a, b in zip(rows, others, strict=True)], np.float64
    )
    sampled = np.random.default_rng(7).integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.quantile(differences[sampled].mean(axis=1), (0.025, 0.975))
    return float(differences.mean()), float(low), float(high)


def main() -> None:
    """Print one table for each number of examples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--even", action="store_true", help="the tasks that rules are tuned on")
    options = parser.parse_args()
    labelled = Labelled(options.shared)
    tasks = labelled.tasks[0 if options.even else 1 :: 2]
    vectors = tfidf_vectors(labelled.documents)
    typed = product_rows(labelled, tasks, lambda task: profile_of_task(labelled, task, 0, typed=True))
    print(f"{len(tasks)} of {len(labelled.tasks)} tasks; differences: to the row that is named, with 95 % intervals")
    report("typed", typed, {})
    for number in NUMBERS:
        mean_rows = tfidf_rows(labelled, tasks, vectors, number)
        alone = product_rows(labelled, tasks, lambda task, n=number: profile_of_task(labelled, task, n, typed=False))
        both = product_rows(labelled, tasks, lambda task, n=number: profile_of_task(labelled, task, n, typed=True))
        report(f"{number} examples, mean of tf-idf", mean_rows, {})
        report(f"{number} examples", alone, {"mean of tf-idf": mean_rows, "typed": typed})
        report(f"typed + {number} examples", both, {"typed": typed, "examples": alone})


def report(name: str, rows: Sequence[Row], others: Mapping[str, Sequence[Row]]) -> None:
    """Print a row of the table."""
    recall, gain = (mean(row[column] for row in rows) for column in (0, 1))
    print(f"{name:30}{recall:7.3f}{gain:7.3f}", end="")
    for other, other_rows in others.items():
        parts = ["{:+.3f} [{:+.3f}, {:+.3f}]".format(*interval(rows, other_rows, column)) for column in (0, 1)]
        print(f"   {other}: {', '.join(parts)}", end="")
    print(flush=True)


if __name__ == "__main__":
    main()

"""How relevant matching is, on silver labels: `python -m tests.benchmarks.relevance SHARED [--tasks N]`.

Papers of Hugging Face's daily list carry keywords. A task is one keyword and one month, alone or in a profile with the
five keywords that most often stand beside it; relevant are the papers tagged so. All papers announced are candidates;
graded are those that carry labels (the others are unknown). Thresholds and word counts come from the 14 announcements
before the month. Labels are machine-made: compare the rows, don't quote them.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from digest.matching import calibrate
from digest.matching.profile import Candidate, Match, Profile, Topic
from digest.matching.query import Term, phrase
from digest.matching.reference import match
from digest.matching.strict import Document, prepare
from digest.matching.weights import Weights
from digest.papers import Record

CAP = 10
LEAST = 5  # relevant papers that a task must have
Key = tuple[str, ...]
Labels = dict[int, frozenset[Key]]
Row = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Task:
    """One profile in one month: what to find, among which papers, after which days."""

    profile: Profile
    relevant: frozenset[int]
    month: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Announced papers by month, the 14 announcements before each, and the labels."""

    months: dict[str, list[Document]]
    before: dict[str, list[Document]]
    labels: Labels
    typed: dict[Key, str]


def load(shared: Path) -> Corpus:
    """Both files of real data, put together."""
    tagged = {row["id"]: row["ai_keywords"] for row in _rows(shared / "data/huggingface_daily/daily_papers.jsonl.xz")}
    rows = sorted(_announced(shared), key=lambda row: (str(row["announced"]), str(row["id"])))
    numbers = {day: number for number, day in enumerate(sorted({row["announced"] for row in rows}))}
    labels: Labels = {}
    typed: dict[Key, Counter[str]] = defaultdict(Counter)
    documents, months = [], defaultdict(list)
    for number, row in enumerate(rows):
        record = Record(row["title"], row["abstract"], categories=tuple(row["categories"] or ()))
        documents.append(prepare(Candidate(number, record, numbers[row["announced"]])))
        months[row["announced"][:7]].append(documents[-1])
        if keywords := tagged.get(row["id"]):
            labels[number] = frozenset(map(key, keywords))
            for keyword in keywords:
                typed[key(keyword)][keyword] += 1
    names = {stems: found.most_common(1)[0][0] for stems, found in typed.items() if stems}
    return Corpus(months, _before(documents, months), labels, names)


def _announced(shared: Path) -> Iterator[dict[str, str]]:
    rows = list(_rows(shared / "data/corpus.jsonl.xz"))
    full = {day for day, papers in Counter(row["announced"] for row in rows).items() if day and papers >= 50}
    return (row for row in rows if row["announced"] in full)


def _before(documents: list[Document], months: dict[str, list[Document]]) -> dict[str, list[Document]]:
    firsts = {month: min(d.candidate.announcement for d in papers) for month, papers in months.items()}
    return {
        m: [d for d in documents if at - 14 <= d.candidate.announcement < at] for m, at in firsts.items() if at >= 14
    }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def key(keyword: str) -> Key:
    """A keyword without inflection, brackets or stars."""
    return tuple(word.text for word in phrase(Term(keyword.replace("*", " ").partition("(")[0])))


def tasks(corpus: Corpus, *, beside: int) -> list[Task]:
    """Keywords × months, each with so many other keywords beside it."""
    found = []
    for month in sorted(corpus.before):
        here = {d.candidate.id for d in corpus.months[month]} & corpus.labels.keys()
        tags = Counter(stems for paper in here for stems in corpus.labels[paper] if len(stems) > 1)
        for main, number in sorted(tags.items()):
            if number >= LEAST:
                keys = [main, *companions(main, here, corpus.labels, beside)]
                topics = tuple(Topic(corpus.typed[stems].replace("*", " ")) for stems in keys)
                relevant = {p for p in here if main in corpus.labels[p] or len(corpus.labels[p] & set(keys[1:])) > 1}
                found.append(Task(Profile(topics=topics, limit=CAP), frozenset(relevant), month))
    return found


def companions(main: Key, here: set[int], labels: Labels, number: int) -> list[Key]:
    """The keywords that most often stand beside one, judged by other months, with their own frequency divided out."""
    others = [tags for paper, tags in labels.items() if paper not in here]
    often = Counter(stems for tags in others for stems in tags)
    beside = Counter(stems for tags in others if main in tags for stems in tags if stems and stems != main)
    together = [stems for stems in beside if beside[stems] > 1]
    return sorted(together, key=lambda stems: (-beside[stems] / math.sqrt(often[stems]), stems))[:number]


def grade(found: dict[int, list[Match]], task: Task, corpus: Corpus) -> Row:
    """R@10, P@10, nDCG@10 by day, and papers a day. `found`: by announcement; unlabelled papers are left out."""
    judged = {day: [m.paper for m in best if m.paper in corpus.labels] for day, best in found.items()}
    delivered = [paper for papers in judged.values() for paper in papers]
    hits = len(task.relevant & set(delivered))
    due = Counter(d.candidate.announcement for d in corpus.months[task.month] if d.candidate.id in task.relevant)
    gains = [_ndcg([paper in task.relevant for paper in judged[day]], number) for day, number in due.items()]
    a_day = mean(len(best) for best in found.values())
    return hits / len(task.relevant), hits / len(delivered) if delivered else 0.0, mean(gains), a_day


def _ndcg(hits: Sequence[bool], relevant: int) -> float:
    best = sum(1 / math.log2(place + 2) for place in range(min(relevant, CAP)))
    return sum(hit / math.log2(place + 2) for place, hit in enumerate(hits[:CAP])) / best


def run(task: Task, corpus: Corpus, weights: dict[str, Weights], rule: str) -> Row:
    """One profile through its month, day by day, by one rule."""
    profile = replace(task.profile, close=rule != "strict")
    taus = {"strict": lambda: 0, "all above the floor": lambda: 0, "everything": lambda: 0}
    tau = taus.get(rule, lambda: calibrate.threshold(profile, corpus.before[task.month], weights[task.month]))()
    days: dict[int, list[Document]] = defaultdict(list)
    for document in corpus.months[task.month]:
        days[document.candidate.announcement].append(document)
    found = {day: match(profile, papers, weights[task.month], tau=tau) for day, papers in days.items()}
    return grade(found, task, corpus)


def main() -> None:
    """Print one table for single keywords and one for profiles of six."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--tasks", type=int, default=60)
    options = parser.parse_args()
    corpus = load(options.shared)
    weights = {month: Weights(calibrate.count(papers, announcements=14)) for month, papers in corpus.before.items()}
    for beside in (0, 5):
        every = tasks(corpus, beside=beside)
        chosen = random.Random(7).sample(every, min(options.tasks, len(every)))
        print(f"\n{len(chosen)} of {len(every)} topics x months, {beside + 1} keywords each")
        print(f"{'rule':24}{'R@10':>8}{'P@10':>8}{'nDCG@10':>9}{'papers a day':>14}")
        for rule in ("strict", "strict + close", "all above the floor"):
            rows = [run(task, corpus, weights, rule) for task in chosen]
            r, p, n, a_day = (mean(column) for column in zip(*rows, strict=True))
            print(f"{rule:24}{r:8.3f}{p:8.3f}{n:9.3f}{a_day:14.1f}")


if __name__ == "__main__":
    main()

"""How relevant matching is, on silver labels: `python -m tests.benchmarks.relevance SHARED [--tasks N]`.

Papers of Hugging Face's daily list carry keywords. A task is one keyword and one month, alone or in a profile with the
five keywords that most often stand beside it; relevant are the papers tagged so. All announced papers are candidates;
only those with labels are graded (the others are unknown). Thresholds and word counts come from the 14 announcements
before the month, contexts of topics from the 15,000 papers before it. Labels are machine-made: compare the rows, don't
quote them. A table of `title_hits` comes first.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection

from digest.matching.engine.engine_matcher import PaperFacts, build_matcher
from digest.matching.engine.paper_index import PaperIndex, build_index
from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.query.language import Term, phrase_words
from digest.matching.reference.posting_lists import PostingLists, build_posting_lists, read_posting_lists
from digest.matching.reference.topic_context_search import ContextSearch
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.matching.scoring.topic_context import PackedContext, pack_context
from digest.papers import Record
from digest.services.catalog.context_lookup import MAX_EARLIER_PAPERS, topics_of
from tests.benchmarks import title_hits
from tests.servers import Postgres

CAP = 10
MAX_EARLIER_ANNOUNCEMENTS = 60  # whose papers make contexts
SAMPLES = 2000  # of the bootstrap
WITH_CONTEXTS = "strict + close, contexts"
LEAST = 3  # relevant papers that a task must have
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
    typed_forms: dict[Key, str]


def load(shared: Path) -> Corpus:
    """Both files of real data, put together."""
    tagged = {row["id"]: row["ai_keywords"] for row in _rows(shared / "data/huggingface_daily/daily_papers.jsonl.xz")}
    rows = sorted(announced(shared), key=lambda row: (str(row["announced"]), str(row["id"])))
    numbers = {day: number for number, day in enumerate(sorted({row["announced"] for row in rows}))}
    labels: Labels = {}
    spelling_counts: dict[Key, Counter[str]] = defaultdict(Counter)
    documents, months = [], defaultdict(list)
    for number, row in enumerate(rows):
        record = Record(row["title"], row["abstract"], categories=tuple(row["categories"] or ()))
        documents.append(prepare_document(Candidate(number, record, numbers[row["announced"]])))
        months[row["announced"][:7]].append(documents[-1])
        if keywords := tagged.get(row["id"]):
            labels[number] = frozenset(map(key, keywords))
            for keyword in keywords:
                spelling_counts[key(keyword)][keyword] += 1
    names = {stems: spellings.most_common(1)[0][0] for stems, spellings in spelling_counts.items() if stems}
    return Corpus(months, _before(documents, months), labels, names)


def announced(shared: Path) -> Iterator[dict[str, str]]:
    """The corpus's papers whose announcement is known, without days of which it has hardly any."""
    rows = list(_rows(shared / "data/corpus.jsonl.xz"))
    full = {day for day, papers in Counter(row["announced"] for row in rows).items() if day and papers >= 50}
    return (row for row in rows if row["announced"] in full)


def _before(documents: list[Document], months: dict[str, list[Document]]) -> dict[str, list[Document]]:
    firsts = {month: min(d.candidate.announcement for d in papers) for month, papers in months.items()}
    return {
        m: [d for d in documents if announcement - 14 <= d.candidate.announcement < announcement]
        for m, announcement in firsts.items()
        if announcement >= 14
    }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def key(keyword: str) -> Key:
    """A keyword without inflection, brackets or stars."""
    return tuple(word.text for word in phrase_words(Term(keyword.replace("*", " ").partition("(")[0])))


def tasks(corpus: Corpus, *, companion_count: int) -> list[Task]:
    """Keywords × months, each with so many other keywords beside it."""
    tasks_of_month = []
    for month in sorted(corpus.before):
        labelled_papers = {d.candidate.id for d in corpus.months[month]} & corpus.labels.keys()
        tags = Counter(stems for paper in labelled_papers for stems in corpus.labels[paper] if len(stems) > 1)
        for main, number in sorted(tags.items()):
            if number >= LEAST:
                keys = [main, *companions(main, labelled_papers, corpus.labels, companion_count)]
                topics = tuple(Topic(corpus.typed_forms[stems].replace("*", " ")) for stems in keys)
                relevant = {
                    p for p in labelled_papers if main in corpus.labels[p] or len(corpus.labels[p] & set(keys[1:])) > 1
                }
                tasks_of_month.append(Task(Profile(topics=topics, limit=CAP), frozenset(relevant), month))
    return tasks_of_month


def companions(main: Key, excluded_papers: set[int], labels: Labels, number: int) -> list[Key]:
    """The keywords that most often stand beside one, judged by other months, with their own frequency divided out."""
    others = [tags for paper, tags in labels.items() if paper not in excluded_papers]
    tag_counts = Counter(stems for tags in others for stems in tags)
    together_count = Counter(stems for tags in others if main in tags for stems in tags if stems and stems != main)
    together = [stems for stems in together_count if together_count[stems] > 1]
    return sorted(together, key=lambda stems: (-together_count[stems] / math.sqrt(tag_counts[stems]), stems))[:number]


def grade(ranking_by_day: Mapping[int, Sequence[int]], task: Task, corpus: Corpus) -> Row:
    """R@10, P@10, nDCG@10 by day, and papers a day. Unlabelled papers are left out."""
    labelled_by_day = {day: [paper for paper in best if paper in corpus.labels] for day, best in ranking_by_day.items()}
    delivered = [paper for papers in labelled_by_day.values() for paper in papers]
    delivered_relevant = len(task.relevant & set(delivered))
    due = Counter(d.candidate.announcement for d in corpus.months[task.month] if d.candidate.id in task.relevant)
    gains = [_ndcg([paper in task.relevant for paper in labelled_by_day[day]], number) for day, number in due.items()]
    a_day = mean(len(best) for best in ranking_by_day.values())
    return (
        delivered_relevant / len(task.relevant),
        delivered_relevant / len(delivered) if delivered else 0.0,
        mean(gains),
        a_day,
    )


def _ndcg(hits: Sequence[bool], relevant: int) -> float:
    best = sum(1 / math.log2(place + 2) for place in range(min(relevant, CAP)))
    return sum(is_relevant / math.log2(place + 2) for place, is_relevant in enumerate(hits[:CAP])) / best


def by_day(corpus: Corpus, month: str) -> dict[int, list[Document]]:
    """A month's papers by announcement."""
    days: dict[int, list[Document]] = defaultdict(list)
    for document in corpus.months[month]:
        days[document.candidate.announcement].append(document)
    return days


class Month:
    """A month's papers by announcement and those of the 14 announcements before, indexed once for all tasks."""

    def __init__(self, corpus: Corpus, month: str) -> None:
        self.corpus, self.month = corpus, month
        self.before = corpus.before[month]
        self.weights = Weights(word_counts.count(self.before, announcements=14))
        self.days = {day: (_index(papers), _facts(papers)) for day, papers in by_day(corpus, month).items()}
        self.earlier = _index(self.before), _facts(self.before)

    def rankings(self, profiles: Sequence[Profile], rule: str) -> list[dict[int, list[int]]]:
        """What each profile gets, day by day, by one of our rules."""
        profiles = [replace(profile, close=rule != "strict") for profile in profiles]
        taus = self.taus(profiles) if rule not in {"strict", "all above the floor"} else [0] * len(profiles)
        contexts = self.contexts(profiles) if rule == WITH_CONTEXTS else {}
        rankings_by_profile: list[dict[int, list[int]]] = [{} for _ in profiles]
        for day, (index, facts) in self.days.items():
            matcher = build_matcher(profiles, [index], self.weights, contexts)
            match_results = matcher.match(facts, taus=taus, explain=False)
            for place, ranking in enumerate(rankings_by_profile):
                ranking[day] = match_results.papers(place)
        return rankings_by_profile

    def taus(self, profiles: Sequence[Profile]) -> list[int]:
        """Thresholds of these profiles for the month."""
        index, facts = self.earlier
        return build_matcher(profiles, [index], self.weights).thresholds(facts)

    def contexts(self, profiles: Sequence[Profile]) -> dict[str, PackedContext]:
        """The contexts of these profiles' topics, from the papers before the month."""
        search = ContextSearch(earlier_lists(self.corpus, self.month), self.weights, window=WINDOW_ANNOUNCEMENTS)
        found = {text: search.context(text) for text in sorted(topics_of(profiles))}
        return {text: pack_context(context, self.weights.stem_numbers) for text, context in found.items() if context}


def earlier_lists(corpus: Corpus, month: str) -> list[PostingLists]:
    """The posting lists of the announcements before a month, newest first, as contexts are computed from them."""
    first = min(d.candidate.announcement for d in corpus.months[month])
    days: dict[int, list[Document]] = defaultdict(list)
    for document in (d for papers in corpus.months.values() for d in papers if d.candidate.announcement < first):
        days[document.candidate.announcement].append(document)
    lists: list[PostingLists] = []
    paper_count = 0
    for announcement in sorted(days, reverse=True)[:MAX_EARLIER_ANNOUNCEMENTS]:
        paper_count += len(days[announcement])
        if paper_count > MAX_EARLIER_PAPERS and len(lists) >= WINDOW_ANNOUNCEMENTS:
            break
        lists.append(read_posting_lists(build_posting_lists((d.candidate.id, d) for d in days[announcement])))
    return lists


def _index(documents: Sequence[Document]) -> PaperIndex:
    return build_index([(d.candidate.id, d.candidate.record) for d in documents])


def _facts(documents: Sequence[Document]) -> PaperFacts:
    days = np.array([d.candidate.announcement for d in documents], np.int64)
    return PaperFacts(days, np.zeros(len(days), np.int32))


def run(tasks_to_run: Sequence[Task], corpus: Corpus, months: Mapping[str, Month], rule: str) -> list[Row]:
    """Profiles through their months by one of our rules."""
    rows: dict[int, Row] = {}
    for month, month_data in months.items():
        places = [place for place, task in enumerate(tasks_to_run) if task.month == month]
        rankings = month_data.rankings([tasks_to_run[place].profile for place in places], rule) if places else []
        rows |= {place: grade(best, tasks_to_run[place], corpus) for place, best in zip(places, rankings, strict=True)}
    return [rows[place] for place in range(len(tasks_to_run))]


def bm25(task: Task, corpus: Corpus, weights: dict[str, Weights]) -> Row:
    """Plain BM25 (k1 = 1.2, b = 0.75) of all the profile's words over title and abstract as one text, ten a day."""
    month_weights = weights[task.month]
    stems = {word.text for topic in task.profile.topics for word in phrase_words(Term(topic.text)) if word.is_weighted}

    def score(document: Document) -> float:
        norm = month_weights.norm(document.length) / 1000
        times = [
            (stem, len(document.title.positions.get(stem, ())) + len(document.abstract.positions.get(stem, ())))
            for stem in stems
        ]
        return sum(month_weights.idf(stem) * 2.2 * tf / (tf + norm) for stem, tf in times if tf)

    ranking = {}
    for day, papers in by_day(corpus, task.month).items():
        scored = sorted(((score(d), -d.candidate.id) for d in papers), reverse=True)[:CAP]
        ranking[day] = [-number for bm25_score, number in scored if bm25_score > 0]
    return grade(ranking, task, corpus)


def ts_rank(task: Task, corpus: Corpus, connection: Connection[tuple[int, int]]) -> Row:
    """PostgreSQL: ts_rank with titles three times abstracts, over the OR of the profile's words, ten a day."""
    words = " ".join(topic.text for topic in task.profile.topics)
    ranking: dict[int, list[int]] = {day: [] for day in by_day(corpus, task.month)}
    for day, paper in connection.execute(_RANKED, {"words": words, "days": list(ranking), "cap": CAP}):
        ranking[day].append(paper)
    return grade(ranking, task, corpus)


_RANKED = """
with asked as (select replace(plainto_tsquery('english', %(words)s)::text, '&', '|')::tsquery as query)
select day, id from (
  select day, id, row_number() over (
    partition by day order by ts_rank('{0.1, 0.1, 0.33, 1}', words, query, 1) desc, id) as place
  from paper, asked where day = any(%(days)s) and words @@ query
) as ranked where place <= %(cap)s order by day, place
"""


@contextmanager
def searched(corpus: Corpus) -> Iterator[Connection[tuple[int, int]]]:
    """A PostgreSQL of our own that holds all papers of the months, hyphens folded, indexed."""
    with Postgres() as server, psycopg.connect(server.empty_database(), autocommit=True) as connection:
        connection.execute("create table paper (id int primary key, day int, words tsvector)")
        with connection.cursor() as cursor:
            for papers in corpus.months.values():
                rows = [(d.candidate.id, d.candidate.announcement, *_texts(d.candidate.record)) for d in papers]
                cursor.executemany(
                    "insert into paper values (%s, %s, setweight(to_tsvector('english', %s), 'A')"
                    " || setweight(to_tsvector('english', %s), 'C'))",
                    rows,
                )
        connection.execute("create index on paper using gin (words)")
        connection.execute("analyze paper")
        yield connection


def _texts(record: Record) -> tuple[str, str]:
    return record.title.replace("-", " "), record.abstract.replace("-", " ")


OUR_RULES = ("strict", "strict + close", WITH_CONTEXTS, "all above the floor")


def main() -> None:
    """Print one table for single keywords and one for profiles of six."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--tasks", type=int, default=486)
    options = parser.parse_args()
    corpus = load(options.shared)
    months = {month: Month(corpus, month) for month in corpus.before}
    weights = {month: month_data.weights for month, month_data in months.items()}
    title_hits.report(months, {d.candidate.id: d.title for papers in corpus.months.values() for d in papers})
    with searched(corpus) as connection:
        rules: dict[str, Callable[[Sequence[Task]], list[Row]]] = {
            rule: partial(run, corpus=corpus, months=months, rule=rule) for rule in OUR_RULES
        }
        rules["BM25, whole abstracts"] = lambda sampled: [bm25(task, corpus, weights) for task in sampled]
        rules["PostgreSQL ts_rank"] = lambda sampled: [ts_rank(task, corpus, connection) for task in sampled]
        for companion_count in (0, 5):
            all_tasks = tasks(corpus, companion_count=companion_count)
            table(
                random.Random(7).sample(all_tasks, min(options.tasks, len(all_tasks))),
                rules,
                len(all_tasks),
                companion_count,
            )


def table(
    sampled_tasks: Sequence[Task],
    rules: Mapping[str, Callable[[Sequence[Task]], list[Row]]],
    task_count: int,
    companion_count: int,
) -> None:
    """Print how each rule does, with the difference of R@10 and nDCG@10 to strict + close (paired, 95 %)."""
    print(f"\n{len(sampled_tasks)} of {task_count} topics x months, {companion_count + 1} keywords each")
    print(f"{'rule':26}{'R@10':>6}{'to strict + close':>26}{'P@10':>7}{'nDCG@10':>9}{'to s. + c.':>24}{'a day':>7}")
    rows = {name: rule(sampled_tasks) for name, rule in rules.items()}
    for name, grades in rows.items():
        r, p, n, a_day = (mean(column) for column in zip(*grades, strict=True))
        differences = np.array(grades) - np.array(rows["strict + close"])
        r_text, n_text = interval(differences[:, 0]), interval(differences[:, 2])
        print(f"{name:26}{r:6.3f}{r_text:>26}{p:7.3f}{n:9.3f}{n_text:>24}{a_day:7.1f}", flush=True)


def interval(differences: NDArray[np.float64]) -> str:
    """The mean of paired differences, with its 95 % interval by bootstrap."""
    draws = np.random.default_rng(7).integers(0, len(differences), (SAMPLES, len(differences)))
    low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
    return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()

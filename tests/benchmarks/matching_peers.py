"""Other engines on the same profiles: PostgreSQL, SQLite's FTS5, a plain loop. CPU seconds."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time

import psycopg

from digest.matching.profile import Candidate, Profile
from digest.matching.query.language import And, Node, Or, Term, parse, positive_terms
from digest.matching.reference import reference_matcher
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import prepare_document
from digest.papers import Record

_TABLES = """
CREATE TABLE papers (id int PRIMARY KEY, words tsvector, categories text[]);
CREATE TABLE typed (id int, query text, bag text, categories text[]);
"""
_READY = """
CREATE TABLE profiles AS SELECT id, to_tsquery('english', query) AS query, to_tsquery('english', bag) AS bag, categories
FROM typed ORDER BY id;
CREATE INDEX ON papers USING gin (words);
"""
_ASK = """
SELECT p.id, found.id FROM profiles p CROSS JOIN LATERAL (
  SELECT d.id FROM papers d
  WHERE d.words @@ p.{query} AND (p.categories = '{{}}' OR d.categories && p.categories)
  ORDER BY ts_rank('{{0, 0, 0.33, 1}}', d.words, p.bag) DESC, d.id LIMIT 10) found
"""
_ALL = "SELECT p.id, d.id FROM profiles p JOIN papers d ON d.words @@ p.query AND (p.categories = '{{}}' OR {both})"


class PostgresSearch:
    """Profiles as tsquery beside papers as tsvector with a GIN index; followed authors are left out."""

    def __init__(self, address: str, profiles: Sequence[Profile], papers: Sequence[Record]) -> None:
        self.connection = psycopg.connect(address, autocommit=True)
        self.connection.execute(_TABLES)
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO papers VALUES (%s, setweight(to_tsvector('english', %s), 'A')"
                " || setweight(to_tsvector('english', %s), 'B'), %s)",
                [(n, p.title, p.abstract, list(p.categories)) for n, p in enumerate(papers)],
            )
            cursor.executemany("INSERT INTO typed VALUES (%s, %s, %s, %s)", map(_as_tsqueries, enumerate(profiles)))
        self.connection.execute(_READY)
        self.connection.execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '256MB'")
        self.connection.execute("VACUUM ANALYZE papers")
        self.connection.execute("VACUUM ANALYZE profiles")
        row = self.connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        self.stat = Path(f"/proc/{row[0]}/stat")

    def seconds(self, query: str) -> float:
        """CPU seconds for the ten best papers of every profile; `query`: as written, or the `bag` of words."""
        before = self._cpu()
        self.connection.execute(_ASK.format(query=query)).fetchall()  # type: ignore[arg-type]
        return self._cpu() - before

    def plan(self, query: str) -> str:
        """The query plan."""
        rows = self.connection.execute("EXPLAIN " + _ASK.format(query=query))  # type: ignore[arg-type]
        return "\n".join(row[0] for row in rows)

    def matches(self) -> set[tuple[int, int]]:
        """All pairs of profile and paper that match as written."""
        rows = self.connection.execute(_ALL.format(both="d.categories && p.categories").replace("{{}}", "{}"))  # type: ignore[arg-type]
        return {(row[0], row[1]) for row in rows}

    def _cpu(self) -> float:
        user, system = self.stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _as_tsqueries(numbered: tuple[int, Profile]) -> tuple[int, str, str, list[str]]:
    number, profile = numbered
    roots = [parse(topic.text).root for topic in profile.topics]
    query = " | ".join(f"({_tsquery(root)})" for root in roots)
    dropped = " | ".join(_tsquery(parse(text).root) for text in profile.exclusions)
    bag = " | ".join(w for root in roots for term in positive_terms(root) for w in _words(term))
    behind = f" & !({dropped})" if dropped else ""
    return number, f"({query}){behind}", f"({bag}){behind}", list(profile.categories)


def _tsquery(node: Node) -> str:
    if isinstance(node, Term):
        return "(" + " <-> ".join(_words(node)) + ")"
    if isinstance(node, And | Or):
        joined = " & " if isinstance(node, And) else " | "
        return "(" + joined.join(map(_tsquery, node.parts)) + ")"
    return f"({_tsquery(node.keep)} & !{_tsquery(node.drop)})"


def _words(term: Term) -> list[str]:
    return [word.replace("*", ":*") for word in re.findall(r"\w+\*?", term.text)]


class Fts5:
    """Each distinct topic asked for once in FTS5, then put together by profile."""

    def __init__(self, papers: Sequence[Record]) -> None:
        self.papers = papers
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE VIRTUAL TABLE papers USING fts5 (title, abstract, tokenize = 'porter')")
        rows = ((n, p.title, p.abstract) for n, p in enumerate(papers))
        self.connection.executemany("INSERT INTO papers (rowid, title, abstract) VALUES (?, ?, ?)", rows)

    def seconds(self, profiles: Sequence[Profile]) -> float:
        """CPU seconds for the ten best papers of every profile."""
        started = process_time()
        answers_by_text: dict[str, list[tuple[int, float]]] = {}
        for profile in profiles:
            for text in (*(topic.text for topic in profile.topics), *profile.exclusions):
                if text not in answers_by_text:
                    answers_by_text[text] = list(self._ask(text))
            self._best(profile, answers_by_text)
        return process_time() - started

    def _ask(self, text: str) -> Iterator[tuple[int, float]]:
        match_expression = _fts(parse(text).root)
        return self.connection.execute(
            "SELECT rowid, -bm25(papers, 3, 1) FROM papers WHERE papers MATCH ?", (match_expression,)
        )

    def _best(self, profile: Profile, answers_by_text: dict[str, list[tuple[int, float]]]) -> list[int]:
        sums: dict[int, float] = defaultdict(float)
        for topic in profile.topics:
            for paper, score in answers_by_text[topic.text]:
                sums[paper] += score
        out = {paper for text in profile.exclusions for paper, _ in answers_by_text[text]}
        categories = set(profile.categories)
        matching_papers = (
            n for n in sums if n not in out and (not categories or categories & set(self.papers[n].categories))
        )
        return sorted(matching_papers, key=lambda paper: -sums[paper])[:10]


def _fts(node: Node) -> str:
    if isinstance(node, Term):
        quoted = " ".join(word.rstrip("*") for word in _words(node)).replace(":", "")
        return f'"{quoted}"' + (" *" if node.text.endswith("*") else "")
    if isinstance(node, And | Or):
        return "(" + (" AND " if isinstance(node, And) else " OR ").join(map(_fts, node.parts)) + ")"
    return f"({_fts(node.keep)} NOT {_fts(node.drop)})"


def loop(profiles: Sequence[Profile], papers: Sequence[Record], weights: Weights, tau: int) -> float:
    """CPU seconds of the obvious loop, every profile against every paper: the reference, papers prepared before."""
    ready = [prepare_document(Candidate(number, record, 1)) for number, record in enumerate(papers)]
    started = process_time()
    for profile in profiles:
        reference_matcher.match(profile, ready, weights, tau=tau)
    return process_time() - started


def substrings(profiles: Sequence[Profile], papers: Sequence[Record]) -> float:
    """CPU seconds of the least that a loop can do: is a phrase in the text; no stems, no order, no reasons."""
    texts = [f"{record.title} {record.abstract}".lower() for record in papers]
    started = process_time()
    for profile in profiles:
        phrases = [term.text.rstrip("*") for topic in profile.topics for term in positive_terms(parse(topic.text).root)]
        [n for n, text in enumerate(texts) if any(phrase in text for phrase in phrases)]
    return process_time() - started

"""Profiles compiled to arrays: terms are interned, each profile is a short record of numbers.

Records are appended; a changed profile's old record stays until `merge`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from digest.errors import BadInput
from digest.matching.engine.compiled_vocabulary import CompiledVocabulary, compile_vocabulary
from digest.matching.engine.growable_arrays import GrowableInts, Interner
from digest.matching.engine.query_texts import QueryTexts
from digest.matching.engine.vocabulary import Vocabulary
from digest.matching.kernel import array_layout
from digest.matching.kernel.array_layout import (
    AND,
    AND_NOT,
    MAX_TOPIC_BITS,
    OR,
    PROFILE_TERM,
    QUERY,
    TERM,
    CompiledProfiles,
)
from digest.matching.profile import Examples, Profile
from digest.matching.profile_limits import DEFAULT_LIMIT
from digest.matching.query.language import And, Node, Or, ProfileTerm, Term, parse, positive_terms, profile_terms_of
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.example_vectors import stems_of
from digest.papers.subjects import with_equivalents
from digest.text.folding import fold_text

_MAX_INT32 = 2**31 - 1
_MAX_PROFILE_TERMS, _MAX_LIKE_WEIGHT = 8_000, 100_000  # sums of impacts stay below 2³¹


@dataclass(slots=True)
class ProfileStore:
    """Compiled profiles by row. Not thread-safe; the arrays that `compile` returns never change.

    `max_width`: the largest number of profile terms of one profile.
    """

    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    queries: Interner[str] = field(default_factory=Interner)
    plain: array[int] = field(default_factory=lambda: array("B"))
    term_at: array[int] = field(default_factory=lambda: array("i", [0]))
    program_at: array[int] = field(default_factory=lambda: array("i", [0]))
    program: array[int] = field(default_factory=lambda: array("i"))
    term_atom: array[int] = field(default_factory=lambda: array("i"))
    profile_term_at: array[int] = field(default_factory=lambda: array("i", [0]))
    profile_term_ids: array[int] = field(default_factory=lambda: array("i"))
    record: array[int] = field(default_factory=lambda: array("q"))
    stream: GrowableInts = field(default_factory=GrowableInts)
    query_texts: QueryTexts = field(default_factory=QueryTexts)
    max_width: int = 0
    _compiled: tuple[CompiledProfiles, CompiledVocabulary] | None = field(default=None, init=False)
    _idf: tuple[Weights, array_layout.I32] | None = field(default=None, init=False)

    def add(self, profile: Profile) -> int:
        """Compile a profile. Returns its row. Raises BadQuery."""
        self.record.append(self._append(profile))
        return len(self.record) - 1

    def replace(self, row: int, profile: Profile) -> None:
        """Replace a row's profile. Raises BadQuery."""
        self.record[row] = self._append(profile)

    def merge(self) -> None:
        """Drop the records that were replaced."""
        old, ends = self.stream.view(), [*map(self._record_end, self.record)]
        self.stream = GrowableInts()
        for row, end in enumerate(ends):
            begin = self.record[row]
            self.record[row] = len(self.stream)
            self.stream.extend(old[begin:end])
        self._compiled = self._idf = None

    def _append(self, profile: Profile) -> int:
        if len(profile.topics) > MAX_TOPIC_BITS:
            raise BadInput(f"a profile has at most {MAX_TOPIC_BITS} topics, not {len(profile.topics)}", field="topics")
        record = _build_record(self, profile)
        offset = len(self.stream)
        self.stream.extend(record)
        self._compiled = self._idf = None
        return offset

    def query_number(self, text: str) -> int:
        """The number of a topic or an exclusion. Raises BadQuery."""
        query_id = self.queries.get(text)
        if query_id is not None:
            return query_id
        query = parse(text)
        query_terms: list[ProfileTerm] = []
        for term in positive_terms(query.root):
            self.term_atom.append(self.vocabulary.term_atom(term))
            query_terms += profile_terms_of(term)
            self.profile_term_ids.extend(
                self.vocabulary.profile_term(profile_term) for profile_term in profile_terms_of(term)
            )
            self.profile_term_at.append(len(self.profile_term_ids))
        self.query_texts.add(query, query_terms)
        self.program.extend(_program(query.root, self.vocabulary))
        self.plain.append(query.plain)
        self.term_at.append(len(self.term_atom))
        self.program_at.append(len(self.program))
        return self.queries.intern(text)

    def profile_terms_of_query(self, query: int) -> array[int]:
        """The profile terms of a query's terms, in order."""
        return self.profile_term_ids[
            self.profile_term_at[self.term_at[query]] : self.profile_term_at[self.term_at[query + 1]]
        ]

    def compile(self) -> tuple[CompiledProfiles, CompiledVocabulary]:
        """The compiled profiles and their vocabulary; cached until the next change."""
        if self._compiled is None:
            self._compiled = self._compiled_profiles(), compile_vocabulary(self.vocabulary)
        return self._compiled

    def idf(self, weights: Weights) -> array_layout.I32:
        """Each word's idf in an epoch; cached for the last epoch until the next change."""
        if self._idf is None or self._idf[0] is not weights:
            values = np.array([weights.idf(text, prefix=prefix) for text, prefix in self.vocabulary.words], np.int32)
            for pair in self.vocabulary.pairs():
                values[pair.number] = values[pair.first] + values[pair.second]
            self._idf = weights, values
        return self._idf[1]

    def _compiled_profiles(self) -> CompiledProfiles:
        return CompiledProfiles(
            record=np.array(self.record, np.int64),
            stream=self.stream.view(),
            queries=_table(QUERY, _with_zero(self.plain), *self._query_columns()),
            program=_array(self.program),
            terms=_table(TERM, _with_zero(self.term_atom), self.profile_term_at),
            profile_term_ids=_array(self.profile_term_ids),
            profile_terms=_array(self.vocabulary.term_rows).view(PROFILE_TERM).reshape(-1),
            stack_depth=_stack_depth(_array(self.program), _array(self.program_at)),
        )

    def _query_columns(self) -> tuple[array_layout.I32, ...]:
        """The first atom of each query, the offsets of its terms and program, and its number of profile terms."""
        term_at, profile_term_at = _array(self.term_at), _array(self.profile_term_at)
        profile_term_counts = np.append(np.diff(profile_term_at[term_at]), np.int32(0))
        return _with_zero(self.term_atom)[term_at], term_at, _array(self.program_at), profile_term_counts

    def _record_end(self, offset: int) -> int:
        stream = self.stream.view()
        head = int(stream[offset])
        topics = head >> array_layout.FLAG_BITS
        offset += 1 + topics
        offset += 1 + int(stream[offset])
        offset += 2 + int(stream[offset]) + topics * bool(head & array_layout.CAPS) + bool(head & array_layout.LIMIT)
        for flag, size in (
            (array_layout.CATEGORIES, 1),
            (array_layout.AUTHORS, 2),
            (array_layout.EXCLUSIONS, 1),
            (array_layout.LIKES, 2),
        ):
            offset += 1 + size * int(stream[offset]) if head & flag else 0
        return offset + (2 + 2 * int(stream[offset]) if head & array_layout.EXAMPLES else 0)


def _array(values: array[int]) -> array_layout.I32:
    return np.array(values, np.int32)


def _table(dtype: np.dtype[Any], *values: array[int] | array_layout.I32) -> array_layout.Rows:
    rows = np.empty(len(values[0]), dtype)
    for column, value in zip(dtype.names or (), values, strict=True):
        rows[column] = value
    return rows


def _stack_depth(program: array_layout.I32, program_at: array_layout.I32) -> int:
    """The largest stack depth of a query's program."""
    depth = np.cumsum(np.where(program >= 0, np.int8(1), np.int8(-1)), dtype=np.int32)
    return (
        int((np.maximum.reduceat(depth, program_at[:-1]) - np.arange(len(program_at) - 1)).max()) if len(depth) else 1
    )


def _with_zero(values: array[int]) -> array_layout.I32:
    return np.append(_array(values), np.int32(0))


def _program(node: Node, vocabulary: Vocabulary) -> Iterator[int]:
    """A query in postfix notation: atoms, each operator after its two operands."""
    if isinstance(node, Term):
        yield vocabulary.term_atom(node)
    elif isinstance(node, And | Or):
        for i, part in enumerate(node.parts):
            yield from _program(part, vocabulary)
            if i:
                yield AND if isinstance(node, And) else OR
    else:
        yield from _program(node.keep, vocabulary)
        yield from _program(node.drop, vocabulary)
        yield AND_NOT


def _build_record(store: ProfileStore, profile: Profile) -> list[int]:
    """A profile's record, in the format of `CompiledProfiles`. Raises BadQuery and BadInput."""
    if sum(abs(weight) for _, weight in profile.likes) > _MAX_LIKE_WEIGHT:
        raise BadInput(f"the weights of likes are at most {_MAX_LIKE_WEIGHT} together", field="likes")
    limited = profile.limit != DEFAULT_LIMIT
    capped = any(topic.cap is not None for topic in profile.topics)
    header = (
        array_layout.CLOSE * profile.close + array_layout.PRIMARY * profile.primary_only + array_layout.LIMIT * limited
    )
    header += array_layout.CAPS * capped + array_layout.CATEGORIES * bool(profile.categories)
    header += array_layout.AUTHORS * bool(profile.authors) + array_layout.EXCLUSIONS * bool(profile.exclusions)
    header += array_layout.LIKES * bool(profile.likes) + array_layout.EXAMPLES * (profile.examples is not None)
    queries = [-1 if topic.muted else store.query_number(topic.text) for topic in profile.topics]
    authors = [
        (store.vocabulary.followed_atom(author), store.vocabulary.profile_term(ProfileTerm("au", fold_text(author))))
        for author in profile.authors
    ]
    keys, word_fields = _word_fields(
        store, [query for query in queries if query >= 0], [author_term for _, author_term in authors]
    )
    store.max_width = max(
        store.max_width, len(word_fields) + len(authors), len(profile.likes), len(profile.example_terms)
    )
    record = [header + (len(profile.topics) << array_layout.FLAG_BITS), *queries, *word_fields]
    record += [max(0, min(profile.limit, _MAX_INT32))] if limited else []
    record += (
        [-1 if topic.cap is None else max(0, min(topic.cap, _MAX_INT32)) for topic in profile.topics] if capped else []
    )
    if profile.categories:
        categories = with_equivalents(profile.categories)
        record += [len(categories), *map(store.vocabulary.category, categories)]
    if authors:
        record += [len(authors), *(number for atom, author_term in authors for number in (atom, keys[author_term]))]
    if profile.exclusions:
        record += [len(profile.exclusions), *map(store.query_number, profile.exclusions)]
    if profile.likes:
        record += [
            len(profile.likes),
            *(number for stem, weight in profile.likes for number in (store.vocabulary.liked_stem(stem), weight)),
        ]
    return record + _example_fields(store.vocabulary, profile.examples)


def _example_fields(vocabulary: Vocabulary, examples: Examples | None) -> list[int]:
    """The number of terms of example papers, the floor, and each term's word and weight. Raises BadInput."""
    if examples is None:
        return []
    if sum(term.weight for term in examples.terms) > _MAX_LIKE_WEIGHT:
        raise BadInput(f"the weights of examples are at most {_MAX_LIKE_WEIGHT} together", field="examples")
    fields = [len(examples.terms), min(examples.floor, _MAX_INT32)]
    for term in examples.terms:
        fields += [vocabulary.example_term(stems_of(term.stems)), term.weight]
    return fields


def _word_fields(store: ProfileStore, queries: list[int], authors: list[int]) -> tuple[dict[int, int], list[int]]:
    """The profile's keys by profile term, and the record's fields of words and profile terms. Raises BadInput."""
    vocabulary = store.vocabulary
    terms_by_query = [store.profile_terms_of_query(query) for query in queries]
    plain_counts = Counter(
        term
        for query, query_terms in zip(queries, terms_by_query, strict=True)
        if store.plain[query]
        for term in query_terms
    )
    keys = {term: number for number, term in enumerate(plain_counts)}
    bits: dict[int, int] = {}
    term_fields = []
    for term in chain.from_iterable(terms_by_query):
        bit = bits.setdefault(term, len(bits))
        term_fields.append((bit << 16) + keys.setdefault(vocabulary.scoring_terms[term], len(keys)))
    if len(term_fields) > _MAX_PROFILE_TERMS:
        raise BadInput(f"a profile has at most {_MAX_PROFILE_TERMS} words, not {len(term_fields)}", field="topics")
    for term in authors:
        keys.setdefault(term, len(keys))
    words = [64 * vocabulary.term_rows[2 * term] + count for term, count in plain_counts.items()]
    return keys, [len(words), *words, len(term_fields), (len(bits) << 16) + len(keys), *term_fields]

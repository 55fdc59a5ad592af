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
from digest.matching.engine.growable_arrays import Numbered, Numbers
from digest.matching.engine.query_texts import QueryTexts
from digest.matching.engine.vocabulary import Vocabulary
from digest.matching.kernel import array_layout
from digest.matching.kernel.array_layout import AND, AND_NOT, MOST_TOPICS, OR, QUERY, TERM, WANT, CompiledProfiles
from digest.matching.profile import DEFAULT_LIMIT, Profile
from digest.matching.query.language import And, Node, Or, ProfileTerm, Term, parse, positive_terms, profile_terms_of
from digest.matching.scoring.bm25 import Weights
from digest.text.folding import fold_text

_MOST = 2**31 - 1
_MOST_WANTS, _MOST_LIKED = 8_000, 100_000  # sums of impacts stay below 2³¹


@dataclass(slots=True)
class ProfileStore:
    """Compiled profiles by row. Not thread-safe; the arrays that `compile` returns never change.

    `max_width`: the largest number of profile terms of one profile.
    """

    lexicon: Vocabulary = field(default_factory=Vocabulary)
    queries: Numbered[str] = field(default_factory=Numbered)
    plain: array[int] = field(default_factory=lambda: array("B"))
    term_at: array[int] = field(default_factory=lambda: array("i", [0]))
    program_at: array[int] = field(default_factory=lambda: array("i", [0]))
    program: array[int] = field(default_factory=lambda: array("i"))
    term_atom: array[int] = field(default_factory=lambda: array("i"))
    want_at: array[int] = field(default_factory=lambda: array("i", [0]))
    want: array[int] = field(default_factory=lambda: array("i"))
    record: array[int] = field(default_factory=lambda: array("q"))
    stream: Numbers = field(default_factory=Numbers)
    said: QueryTexts = field(default_factory=QueryTexts)
    widest: int = 0
    _ready: tuple[CompiledProfiles, CompiledVocabulary] | None = field(default=None, init=False)
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
        old, ends = self.stream.view(), [*map(self._end, self.record)]
        self.stream = Numbers()
        for row, end in enumerate(ends):
            begin = self.record[row]
            self.record[row] = len(self.stream)
            self.stream.extend(old[begin:end])
        self._ready = self._idf = None

    def _append(self, profile: Profile) -> int:
        if len(profile.topics) > MOST_TOPICS:
            raise BadInput(f"a profile has at most {MOST_TOPICS} topics, not {len(profile.topics)}", field="topics")
        record = _record(self, profile)
        at = len(self.stream)
        self.stream.extend(record)
        self._ready = self._idf = None
        return at

    def query(self, text: str) -> int:
        """The number of a topic or an exclusion. Raises BadQuery."""
        known = self.queries.get(text)
        if known is not None:
            return known
        query = parse(text)
        wants: list[ProfileTerm] = []
        for term in positive_terms(query.root):
            self.term_atom.append(self.lexicon.atom(term))
            wants += profile_terms_of(term)
            self.want.extend(self.lexicon.want(want) for want in profile_terms_of(term))
            self.want_at.append(len(self.want))
        self.said.add(query, wants)
        self.program.extend(_program(query.root, self.lexicon))
        self.plain.append(query.plain)
        self.term_at.append(len(self.term_atom))
        self.program_at.append(len(self.program))
        return self.queries.number(text)

    def wants_of(self, query: int) -> array[int]:
        """The profile terms of a query's terms, in order."""
        return self.want[self.want_at[self.term_at[query]] : self.want_at[self.term_at[query + 1]]]

    def compile(self) -> tuple[CompiledProfiles, CompiledVocabulary]:
        """The compiled profiles and their vocabulary; cached until the next change."""
        if self._ready is None:
            self._ready = self._book(), compile_vocabulary(self.lexicon)
        return self._ready

    def idf(self, weights: Weights) -> array_layout.I32:
        """Each word's idf in an epoch; cached for the last epoch until the next change."""
        if self._idf is None or self._idf[0] is not weights:
            found = [weights.idf(text, prefix=prefix) for text, prefix in self.lexicon.words]
            self._idf = weights, np.array(found, np.int32)
        return self._idf[1]

    def _book(self) -> CompiledProfiles:
        return CompiledProfiles(
            record=np.array(self.record, np.int64),
            stream=self.stream.view(),
            queries=_table(QUERY, _padded(self.plain), *self._firsts()),
            program=_array(self.program),
            terms=_table(TERM, _padded(self.term_atom), self.want_at),
            want=_array(self.want),
            wants=_array(self.lexicon.want_row).view(WANT).reshape(-1),
            deepest=_deepest(_array(self.program), _array(self.program_at)),
        )

    def _firsts(self) -> tuple[array_layout.I32, ...]:
        """The first atom of each query, the offsets of its terms and program, and its number of profile terms."""
        term_at, want_at = _array(self.term_at), _array(self.want_at)
        wants = np.append(np.diff(want_at[term_at]), np.int32(0))
        return _padded(self.term_atom)[term_at], term_at, _array(self.program_at), wants

    def _end(self, at: int) -> int:
        stream = self.stream.view()
        head = int(stream[at])
        topics = head >> 8
        at += 1 + topics
        at += 1 + int(stream[at])
        at += 2 + int(stream[at]) + topics * bool(head & array_layout.CAPS) + bool(head & array_layout.LIMIT)
        for flag, size in (
            (array_layout.CATEGORIES, 1),
            (array_layout.AUTHORS, 2),
            (array_layout.EXCLUSIONS, 1),
            (array_layout.LIKES, 2),
        ):
            at += 1 + size * int(stream[at]) if head & flag else 0
        return at


def _array(values: array[int]) -> array_layout.I32:
    return np.array(values, np.int32)


def _table(kind: np.dtype[Any], *values: array[int] | array_layout.I32) -> array_layout.Rows:
    found = np.empty(len(values[0]), kind)
    for column, value in zip(kind.names or (), values, strict=True):
        found[column] = value
    return found


def _deepest(program: array_layout.I32, program_at: array_layout.I32) -> int:
    """The largest stack depth of a query's program."""
    deep = np.cumsum(np.where(program >= 0, np.int8(1), np.int8(-1)), dtype=np.int32)
    return int((np.maximum.reduceat(deep, program_at[:-1]) - np.arange(len(program_at) - 1)).max()) if len(deep) else 1


def _padded(values: array[int]) -> array_layout.I32:
    return np.append(_array(values), np.int32(0))


def _program(node: Node, lexicon: Vocabulary) -> Iterator[int]:
    """A query in postfix notation: atoms, each operator after its two operands."""
    if isinstance(node, Term):
        yield lexicon.atom(node)
    elif isinstance(node, And | Or):
        for number, part in enumerate(node.parts):
            yield from _program(part, lexicon)
            if number:
                yield AND if isinstance(node, And) else OR
    else:
        yield from _program(node.keep, lexicon)
        yield from _program(node.drop, lexicon)
        yield AND_NOT


def _record(store: ProfileStore, profile: Profile) -> list[int]:
    """A profile's record, in the format of `CompiledProfiles`. Raises BadQuery and BadInput."""
    if sum(abs(weight) for _, weight in profile.likes) > _MOST_LIKED:
        raise BadInput(f"the weights of likes are at most {_MOST_LIKED} together", field="likes")
    limited = profile.limit != DEFAULT_LIMIT
    capped = any(topic.cap is not None for topic in profile.topics)
    head = (
        array_layout.CLOSE * profile.close + array_layout.PRIMARY * profile.primary_only + array_layout.LIMIT * limited
    )
    head += array_layout.CAPS * capped + array_layout.CATEGORIES * bool(profile.categories)
    head += array_layout.AUTHORS * bool(profile.authors) + array_layout.EXCLUSIONS * bool(profile.exclusions)
    head += array_layout.LIKES * bool(profile.likes)
    queries = [-1 if topic.muted else store.query(topic.text) for topic in profile.topics]
    authors = [
        (store.lexicon.author(one), store.lexicon.want(ProfileTerm("au", fold_text(one)))) for one in profile.authors
    ]
    keys, heard = _heard(store, [query for query in queries if query >= 0], [want for _, want in authors])
    store.widest = max(store.widest, len(heard) + len(authors), len(profile.likes))
    record = [head + (len(profile.topics) << 8), *queries, *heard]
    record += [max(0, min(profile.limit, _MOST))] if limited else []
    record += [-1 if t.cap is None else max(0, min(t.cap, _MOST)) for t in profile.topics] if capped else []
    if profile.categories:
        record += [len(profile.categories), *map(store.lexicon.category, profile.categories)]
    if authors:
        record += [len(authors), *(number for atom, want in authors for number in (atom, keys[want]))]
    if profile.exclusions:
        record += [len(profile.exclusions), *map(store.query, profile.exclusions)]
    if profile.likes:
        record += [
            len(profile.likes),
            *(n for stem, weight in profile.likes for n in (store.lexicon.liked(stem), weight)),
        ]
    return record


def _heard(store: ProfileStore, queries: list[int], authors: list[int]) -> tuple[dict[int, int], list[int]]:
    """The profile's keys by profile term, and the record's fields of words and profile terms. Raises BadInput."""
    lexicon = store.lexicon
    wants = [store.wants_of(query) for query in queries]
    plain = Counter(want for query, some in zip(queries, wants, strict=True) if store.plain[query] for want in some)
    keys = {want: number for number, want in enumerate(plain)}
    bits: dict[int, int] = {}
    occurs = []
    for want in chain.from_iterable(wants):
        bit = bits.setdefault(want, len(bits))
        occurs.append((bit << 16) + keys.setdefault(lexicon.want_key[want], len(keys)))
    if len(occurs) > _MOST_WANTS:
        raise BadInput(f"a profile has at most {_MOST_WANTS} words, not {len(occurs)}", field="topics")
    for want in authors:
        keys.setdefault(want, len(keys))
    words = [64 * lexicon.want_row[2 * want] + times for want, times in plain.items()]
    return keys, [len(words), *words, len(occurs), (len(bits) << 16) + len(keys), *occurs]

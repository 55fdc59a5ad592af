"""Profiles compiled to arrays: everything they look for interned once, each profile a short record of numbers.

Records are appended; a changed profile's old record stays until `merge`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digest.errors import BadInput
from digest.matching import arrays
from digest.matching.arrays import AND, AND_NOT, MOST_TOPICS, OR, QUERY, TERM, WANT, Book
from digest.matching.profile import DEFAULT_LIMIT, Profile
from digest.matching.query import TEXT_FIELDS, And, Node, Or, Term, Wanted, parse, phrase, positive, wanted
from digest.text.fold import fold
from digest.text.names import Name, name

FIXED = {"au": 3000, "inst": 1200, "venue": 600, "co": 256, "cat": 256, "has": 256}
KINDS = {"": 0b00011, "ti": 0b00001, "abs": 0b00010, "co": 0b00100, "venue": 0b01000, "inst": 0b10000, "all": 0b11111}
_MOST = 2**31 - 1
_MOST_WANTS, _MOST_LIKED = 10_000, 100_000  # sums of impacts stay below 2³¹


@dataclass(slots=True)
class Lexicon:
    """What profiles look for, each thing once. `words`: (text, prefix); an atom is what can hold for a paper.

    `text_atoms`: phrase and kinds of text of each atom that has words (−1 and 0 for others); `authors`, `categories`:
    names and categories wanted, with their atoms; `exact`: whole categories, as `all:` means them.
    """

    words: dict[tuple[str, bool], int] = field(default_factory=dict)
    weighing: set[int] = field(default_factory=set)
    phrases: dict[bytes, int] = field(default_factory=dict)
    phrase_word: array[int] = field(default_factory=lambda: array("i"))
    phrase_at: array[int] = field(default_factory=lambda: array("i", [0]))
    atoms: dict[tuple[str, str] | tuple[int, int], int] = field(default_factory=dict)
    atom_phrase: array[int] = field(default_factory=lambda: array("i"))
    atom_kinds: array[int] = field(default_factory=lambda: array("i"))
    authors: list[tuple[Name, bool, int]] = field(default_factory=list)
    categories: list[tuple[str, int]] = field(default_factory=list)
    exact: list[tuple[str, int]] = field(default_factory=list)
    code: int = -1
    admitting: dict[str, int] = field(default_factory=dict)
    wants: dict[Wanted, int] = field(default_factory=dict)
    want_row: array[int] = field(default_factory=lambda: array("i"))  # key, word, fixed

    def word(self, text: str, prefix: bool) -> int:
        """The number of a stem or of a prefix."""
        return self.words.setdefault((text, prefix), len(self.words))

    def want(self, want: Wanted) -> int:
        """The number of a thing that a match is shown by."""
        known = self.wants.get(want)
        if known is not None:
            return known
        text = want.field in TEXT_FIELDS
        key = self.want(want._replace(field="")) if text and want.field else len(self.wants)
        number = self.wants[want] = len(self.wants)
        word = self.word(want.text, want.prefix) if text else -1
        self.weighing.add(word)
        self.want_row.extend((key, word, FIXED.get(want.field, 0)))
        return number

    def category(self, name: str) -> int:
        """The number of a category that admits papers."""
        return self.admitting.setdefault(name.lower(), len(self.admitting))

    def liked(self, stem: str) -> int:
        """The word of a liked stem, whose worth is looked at in papers."""
        word = self.word(stem, False)
        self.weighing.add(word)
        return word

    def author(self, text: str) -> int:
        """The atom of an author's name."""
        return self._atom(("au", text), text)

    def atom(self, term: Term) -> int:
        """The atom of a query's term."""
        match term.field:
            case "au":
                return self.author(term.text)
            case "cat":
                return self._atom(("cat", fold(term.text)), "")
            case "has":
                return self._atom(("has", ""), "")
        found = self._phrase(term)
        if term.field == "all":
            return self._atom(("all", term.text), term.text, found, KINDS["all"])
        return self._atom((found, KINDS[term.field]), "", found, KINDS[term.field])

    def _phrase(self, term: Term) -> int:
        words = array("i", [self.word(word.text, word.prefix) for word in phrase(term)])
        key = words.tobytes()
        known = self.phrases.get(key)
        if known is None:
            known = self.phrases[key] = len(self.phrases)
            self.phrase_word.extend(words)
            self.phrase_at.append(len(self.phrase_word))
        return known

    def _atom(self, key: tuple[str, str] | tuple[int, int], text: str, words: int = -1, kinds: int = 0) -> int:
        known = self.atoms.get(key)
        if known is not None:
            return known
        number = self.atoms[key] = len(self.atoms)
        self.atom_phrase.append(words)
        self.atom_kinds.append(kinds)
        if key[0] in {"au", "all"}:
            self.authors.append((name(text.removesuffix("*")), text.endswith("*"), number))
        if key[0] == "all":
            self.exact.append((fold(text), number))
        elif key[0] == "cat":
            self.categories.append((str(key[1]), number))
        elif key[0] == "has":
            self.code = number
        return number


@dataclass(slots=True)
class Store:
    """Compiled profiles by row. Not for several threads at once; `book` gives arrays that never change.

    `widest`: the most things that one profile looks for.
    """

    lexicon: Lexicon = field(default_factory=Lexicon)
    queries: dict[str, int] = field(default_factory=dict)
    plain: array[int] = field(default_factory=lambda: array("B"))
    term_at: array[int] = field(default_factory=lambda: array("i", [0]))
    program_at: array[int] = field(default_factory=lambda: array("i", [0]))
    program: array[int] = field(default_factory=lambda: array("i"))
    term_atom: array[int] = field(default_factory=lambda: array("i"))
    want_at: array[int] = field(default_factory=lambda: array("i", [0]))
    want: array[int] = field(default_factory=lambda: array("i"))
    record: array[int] = field(default_factory=lambda: array("q"))
    stream: array[int] = field(default_factory=lambda: array("i"))
    widest: int = 0

    def add(self, profile: Profile) -> int:
        """Compile a profile. Returns its row. Raises BadQuery."""
        self.record.append(self._append(profile))
        return len(self.record) - 1

    def replace(self, row: int, profile: Profile) -> None:
        """Compile a row's profile anew. Raises BadQuery."""
        self.record[row] = self._append(profile)

    def merge(self) -> None:
        """Drop the records that were replaced."""
        old, ends = self.stream, [*map(self._end, self.record)]
        self.stream = array("i")
        for row, end in enumerate(ends):
            begin = self.record[row]
            self.record[row] = len(self.stream)
            self.stream.extend(old[begin:end])

    def _append(self, profile: Profile) -> int:
        if len(profile.topics) > MOST_TOPICS:
            raise BadInput(f"a profile has at most {MOST_TOPICS} topics, not {len(profile.topics)}", field="topics")
        record = array("i", _record(self, profile))
        self.widest = max(self.widest, self._width(profile))
        at = len(self.stream)
        self.stream.extend(record)
        return at

    def query(self, text: str) -> int:
        """The number of a topic or an exclusion. Raises BadQuery."""
        known = self.queries.get(text)
        if known is not None:
            return known
        query = parse(text)
        for term in positive(query.root):
            self.term_atom.append(self.lexicon.atom(term))
            self.want.extend(self.lexicon.want(want) for want in wanted(term))
            self.want_at.append(len(self.want))
        self.program.extend(_program(query.root, self.lexicon))
        self.plain.append(query.plain)
        self.term_at.append(len(self.term_atom))
        self.program_at.append(len(self.program))
        number = self.queries[text] = len(self.queries)
        return number

    def words_of(self, query: int) -> Iterator[int]:
        """The words that weigh of a query's terms."""
        first, last = self.term_at[query], self.term_at[query + 1]
        for want in self.want[self.want_at[first] : self.want_at[last]]:
            yield self.lexicon.want_row[3 * want + 1]

    def book(self) -> Book:
        """The arrays as they are now."""
        return Book(
            record=np.array(self.record, np.int64),
            stream=_array(self.stream),
            queries=_table(QUERY, _padded(self.plain), self._atoms(), self.term_at, self.program_at),
            program=_array(self.program),
            terms=_table(TERM, _padded(self.term_atom), self.want_at),
            want=_array(self.want),
            wants=_array(self.lexicon.want_row).view(WANT).reshape(-1),
        )

    def _atoms(self) -> arrays.I32:
        """Each query's first atom."""
        found = np.zeros(len(self.term_at), np.int32)
        found[:-1] = _padded(self.term_atom)[_array(self.term_at)[:-1]]
        return found

    def _width(self, profile: Profile) -> int:
        """How many things a profile looks for, counted for each topic. Raises BadInput where sums could overflow."""
        queries = (self.queries[topic.text] for topic in profile.topics if not topic.muted)
        width = sum(self.want_at[self.term_at[q + 1]] - self.want_at[self.term_at[q]] for q in queries)
        width += len(profile.authors)
        if width > _MOST_WANTS:
            raise BadInput(f"a profile has at most {_MOST_WANTS} words, not {width}", field="topics")
        if sum(abs(weight) for _, weight in profile.likes) > _MOST_LIKED:
            raise BadInput(f"the weights of likes are at most {_MOST_LIKED} together", field="likes")
        return max(width, len(profile.likes))

    def _end(self, at: int) -> int:
        head, stream = self.stream[at], self.stream
        topics = head >> 8
        at += 1 + topics
        at += 1 + stream[at] + topics * bool(head & arrays.CAPS) + bool(head & arrays.LIMIT)
        for flag, size in ((arrays.CATEGORIES, 1), (arrays.AUTHORS, 2), (arrays.EXCLUSIONS, 1), (arrays.LIKES, 2)):
            at += 1 + size * stream[at] if head & flag else 0
        return at


def _array(values: array[int]) -> arrays.I32:
    return np.array(values, np.int32)


def _table(kind: np.dtype[Any], *values: array[int] | arrays.I32) -> arrays.Rows:
    found = np.empty(len(values[0]), kind)
    for column, value in zip(kind.names or (), values, strict=True):
        found[column] = value
    return found


def _padded(values: array[int]) -> arrays.I32:
    return np.append(_array(values), np.int32(0))


def _program(node: Node, lexicon: Lexicon) -> Iterator[int]:
    """A query for a machine with a stack: atoms, and behind two of them what joins them."""
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


def _record(store: Store, profile: Profile) -> Iterable[int]:
    """A profile's record, as `Book` describes it."""
    limited = profile.limit != DEFAULT_LIMIT
    capped = any(topic.cap is not None for topic in profile.topics)
    head = arrays.CLOSE * profile.close + arrays.PRIMARY * profile.primary_only + arrays.LIMIT * limited
    head += arrays.CAPS * capped + arrays.CATEGORIES * bool(profile.categories)
    head += arrays.AUTHORS * bool(profile.authors) + arrays.EXCLUSIONS * bool(profile.exclusions)
    head += arrays.LIKES * bool(profile.likes)
    record = [head + (len(profile.topics) << 8)]
    queries = [-1 if topic.muted else store.query(topic.text) for topic in profile.topics]
    words = Counter(word for query in queries if query >= 0 and store.plain[query] for word in store.words_of(query))
    record += [*queries, len(words), *(64 * word + times for word, times in words.items())]
    record += [max(0, min(profile.limit, _MOST))] if limited else []
    record += [-1 if t.cap is None else max(0, min(t.cap, _MOST)) for t in profile.topics] if capped else []
    if profile.categories:
        record += [len(profile.categories), *map(store.lexicon.category, profile.categories)]
    if profile.authors:
        record.append(len(profile.authors))
        for author in profile.authors:
            record += [store.lexicon.author(author), store.lexicon.want(Wanted("au", fold(author)))]
    if profile.exclusions:
        record += [len(profile.exclusions), *map(store.query, profile.exclusions)]
    if profile.likes:
        record.append(len(profile.likes))
        for stem, weight in profile.likes:
            record += [store.lexicon.liked(stem), weight]
    return record

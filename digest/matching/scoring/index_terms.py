"""The terms by which papers are found in the search index, and the terms that a query needs. Pure.

A term is a letter for its kind and a text:

    x stem   a word of title or abstract        w word     a written word that differs from its stem
    t stem   a word of the title                b stem     a word of both
    p hash   two adjacent words                 a name_i   an author's family name and first initial
    o v n    a word of comment, venue, institution
    c name   a category or its archive          f source   a source that has the paper          k  code is known

The index may find too many papers, never too few; `scoring.boolean_match` decides. Two pairs of words may have the same
24-bit hash, so a phrase is exact only where an index has the words in their order, as posting lists do. Ids of authors
have no terms, because sources deliver them after the papers: callers add the papers, or look for names
(`with_author_names`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from digest.matching.query.syntax_tree import And, AndNot, Node, Or, Term, Word, phrase_words, positive_terms
from digest.matching.scoring.boolean_match import Document
from digest.papers.subjects import included_categories
from digest.text.folding import fold_text
from digest.text.person_names import PersonName, family_keys, name_readings, parse_name
from digest.text.person_references import author_id_key

CODE = "k"
_MAX_LENGTH = 60
_MAX_DEPTH = 12
_NOBODY = "a_"  # the term of no paper
_PAIR_HASHES = 0xFFFFFF
_OTHER_FIELDS = {"co": "o", "venue": "v", "inst": "n"}


@dataclass(frozen=True, slots=True)
class IndexTerm:
    """One term, or with `prefix` all that begin with it."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class IndexPair:
    """Two adjacent words, as stems."""

    first: str
    second: str

    @property
    def term(self) -> IndexTerm:
        """Its term, which a few other pairs have too."""
        return IndexTerm(_pair(self.first, self.second))


@dataclass(frozen=True, slots=True)
class IndexPhrase:
    """Two or more adjacent words, as stems, in the title or in the abstract; `field`: only in "ti" or "abs"."""

    stems: tuple[str, ...]
    field: str = ""

    @property
    def pairs(self) -> AllOf:
        """Its pairs of words, which a few other papers have too."""
        return AllOf(tuple(dict.fromkeys(IndexPair(*pair) for pair in pairwise(self.stems))))


@dataclass(frozen=True, slots=True)
class AllOf:
    """Papers that every part finds."""

    parts: tuple[IndexQuery, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Papers that at least one part finds."""

    parts: tuple[IndexQuery, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Papers that `keep` finds and `drop` does not."""

    keep: IndexQuery
    drop: IndexQuery


IndexQuery = IndexTerm | IndexPair | IndexPhrase | AllOf | AnyOf | Without


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to look up for a query. `is_exact`: the index finds the matching papers and no others."""

    query: IndexQuery
    is_exact: bool


def document_terms(document: Document, sources: Iterable[str]) -> set[str]:
    """All terms of a paper."""
    title, abstract = document.title, document.abstract
    terms = {_cut("x" + stem) for stem in document.tf}
    terms |= {_cut("t" + stem) for stem in title.positions}
    terms |= {_cut("b" + stem) for stem in title.positions.keys() & abstract.positions.keys()}
    for text in (title, abstract):
        terms |= {_cut("w" + word) for word in text.written_words if word not in text.positions}
        terms |= {_pair(first.stem, second.stem) for first, second in pairwise(text.tokens)}
    terms |= {term for author in document.authors for term in _author_terms(author)}
    for kind, texts in (("o", (document.comment,)), ("v", (document.venue,)), ("n", document.institutions)):
        terms |= {_cut(kind + word) for text in texts for word in (*text.positions, *text.written_words)}
    terms |= {"c" + name for category in document.categories for name in (category, category.partition(".")[0])}
    terms |= {source_term(source) for source in sources}
    record = document.candidate.record
    return terms | ({CODE} if record.has_code or record.code_url is not None else set())


def source_term(source: str) -> str:
    """The term of the papers that a source has."""
    return _cut("f" + source.lower())


def category_query(category: str) -> IndexQuery:
    """The papers in a category, in an archive or in a field of subjects, by cross-lists too."""
    terms = tuple(IndexTerm("c" + archive) for archive in included_categories(fold_text(category)))
    return terms[0] if len(terms) == 1 else AnyOf(terms)


def word_query(word: Word) -> IndexQuery:
    """The papers with a word in title or abstract."""
    if not word.prefix:
        return IndexTerm(_cut("x" + word.text))
    return AnyOf((IndexTerm(_cut("x" + word.text), prefix=True), IndexTerm(_cut("w" + word.text), prefix=True)))


def stem_query(stem: str) -> IndexQuery:
    """The papers with a stem in title or abstract."""
    return IndexTerm(_cut("x" + stem))


def title_query(word: Word) -> IndexQuery:
    """The papers with a word in the title; of a prefix, those whose stem begins with it."""
    return IndexTerm(_cut("t" + word.text), prefix=word.prefix)


def twice_query(word: Word) -> IndexQuery:
    """The papers with a word both in title and abstract; of a prefix, those whose stem begins with it."""
    return IndexTerm(_cut("b" + word.text), prefix=word.prefix)


def all_words_query(words: Iterable[Word]) -> IndexQuery:
    """The papers with all of these words in title or abstract, in any order."""
    return AllOf(tuple(dict.fromkeys(word_query(word) for word in words)))


def lookup(node: Node, *, exact_phrases: bool = False) -> Lookup:
    """What to look up for a query. A part after ANDNOT is looked up only where the index is exact about it.

    `exact_phrases`: the index finds an `IndexPhrase`. A query of very many parentheses is looked up by
    all its terms, because SQLite's parser has a small stack.
    """
    if _depth(node) > _MAX_DEPTH:
        queries = tuple(_term_lookup(term, exact_phrases=exact_phrases).query for term in positive_terms(node))
        return Lookup(AnyOf(queries), is_exact=False)
    match node:
        case Term():
            return _term_lookup(node, exact_phrases=exact_phrases)
        case And(parts) | Or(parts):
            lookups = [lookup(part, exact_phrases=exact_phrases) for part in parts]
            queries = tuple(part.query for part in lookups)
            query = AllOf(queries) if isinstance(node, And) else AnyOf(queries)
            return Lookup(query, all(part.is_exact for part in lookups))
        case AndNot(keep, drop):
            included, excluded = lookup(keep, exact_phrases=exact_phrases), lookup(drop, exact_phrases=exact_phrases)
            if excluded.is_exact:
                return Lookup(Without(included.query, excluded.query), included.is_exact)
            return Lookup(included.query, is_exact=False)


def with_author_names(node: Node, names: Mapping[str, Sequence[str]]) -> Node:
    """The query with each author's id (`scheme:value`) replaced by the names that papers print for it."""
    match node:
        case Term(text, "au") if key := author_id_key(text):
            terms = tuple(Term(name, "au") for name in names.get(key, ()))
            return terms[0] if len(terms) == 1 else Or(terms) if terms else node
        case And(parts):
            return And(tuple(with_author_names(part, names) for part in parts))
        case Or(parts):
            return Or(tuple(with_author_names(part, names) for part in parts))
        case AndNot(keep, drop):
            return AndNot(with_author_names(keep, names), drop)
    return node


def _depth(node: Node) -> int:
    """How deep terms are inside other parts of a query."""
    match node:
        case Term():
            return 0
        case AndNot(keep, drop):
            return 1 + max(_depth(keep), _depth(drop))
        case And(parts) | Or(parts):
            return 1 + max(map(_depth, parts))


def _term_lookup(term: Term, *, exact_phrases: bool) -> Lookup:
    words = phrase_words(term)
    match term.field:
        case "au":
            return Lookup(IndexTerm(_NOBODY) if author_id_key(term.text) else _author_query(term.text), is_exact=False)
        case "cat":
            return Lookup(category_query(term.text), is_exact=True)
        case "has":
            return Lookup(IndexTerm(CODE), is_exact=True)
        case "all":
            return Lookup(_any_field_query(term, words), is_exact=False)
        case "" | "ti" | "abs":
            return _text_lookup(words, term.field, exact_phrases=exact_phrases)
    kind = _OTHER_FIELDS[term.field]
    return Lookup(AllOf(tuple(IndexTerm(_cut(kind + word.text), word.prefix) for word in words)), is_exact=False)


def _text_lookup(words: tuple[Word, ...], field: str, *, exact_phrases: bool) -> Lookup:
    """Words of title or abstract. A phrase is looked up by its words and its pairs of adjacent words."""
    has_prefix = any(word.prefix for word in words)
    if len(words) == 1 and not has_prefix:
        return Lookup(_word_in_field(words[0], field), is_exact=_is_uncut(words[0]))
    if exact_phrases and not has_prefix and all(map(_is_uncut, words)):
        return Lookup(IndexPhrase(tuple(word.text for word in words), field), is_exact=True)
    weighted = [word for word in words if word.is_weighted] or list(words)
    parts: list[IndexQuery] = [
        _word_in_field(word, field) if field == "ti" and not word.prefix else word_query(word) for word in weighted
    ]
    parts += [
        IndexPair(first.text, second.text) for first, second in pairwise(words) if not (first.prefix or second.prefix)
    ]
    return Lookup(AllOf(tuple(dict.fromkeys(parts))), is_exact=False)


def _word_in_field(word: Word, field: str) -> IndexQuery:
    if field == "ti":
        return title_query(word)
    if field == "abs":
        return AnyOf((Without(word_query(word), title_query(word)), twice_query(word)))
    return word_query(word)


def _any_field_query(term: Term, words: tuple[Word, ...]) -> IndexQuery:
    others = (
        AllOf(tuple(IndexTerm(_cut(kind + word.text), word.prefix) for word in words))
        for kind in _OTHER_FIELDS.values()
    )
    category = IndexTerm(_cut("c" + fold_text(term.text)))
    return AnyOf((_text_lookup(words, "", exact_phrases=False).query, *others, category, _author_query(term.text)))


def _author_query(name: str) -> IndexQuery:
    person, prefix = parse_name(name.removesuffix("*")), name.endswith("*")
    if prefix:
        return AnyOf(tuple(IndexTerm(_cut("a" + key), prefix=True) for key in sorted(family_keys(person))))
    terms = [
        IndexTerm(term, prefix=not reading.given_names)
        for reading in name_readings(person)
        for term in _reading_terms(reading)
    ]
    return AnyOf(tuple(dict.fromkeys(terms)) or (IndexTerm(_NOBODY),))


def _author_terms(author: PersonName) -> Iterable[str]:
    return (term for reading in name_readings(author) for term in _reading_terms(reading))


def _reading_terms(reading: PersonName) -> list[str]:
    """A reading's family name, with and without particles, and the initial of its first given name."""
    initial = reading.given_names[0][0] if reading.given_names else ""
    keys = {key for key in (reading.family, reading.particles + reading.family) if key}
    return [f"{_cut('a' + key)}_{initial}" for key in sorted(keys)]


def _pair(first: str, second: str) -> str:
    return f"p{zlib.crc32(f'{first} {second}'.encode()) & _PAIR_HASHES:x}"


def _is_uncut(word: Word) -> bool:
    """False for a word so long that others have the same term."""
    return len(word.text) < _MAX_LENGTH - 1


def _cut(term: str) -> str:
    return term[:_MAX_LENGTH]

"""Papers prepared for matching, and whether one matches a query as written. Slow and simple."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from digest.matching.profile import Candidate
from digest.matching.query.language import And, AndNot, Node, Or, Term, Word, phrase_words
from digest.matching.scoring.parameters import ABSTRACT_TF, TITLE_TF
from digest.papers.subjects import included_categories
from digest.text.folding import fold_text
from digest.text.person_names import PersonName, family_keys, names_agree, parse_name
from digest.text.person_references import author_id_key, reference_of
from digest.text.tokens import Token, split_compound, tokens
from digest.text.tokens import stem as stem_of


@dataclass(frozen=True, slots=True)
class IndexedText:
    """One text: its tokens, the positions of each stem, and every word as written, in alphabetical order."""

    tokens: tuple[Token, ...]
    positions: Mapping[str, tuple[int, ...]]
    written_words: tuple[str, ...]

    def has_prefix(self, prefix: str) -> bool:
        """True where a word of the text begins with the prefix."""
        i = bisect_left(self.written_words, prefix)
        return i < len(self.written_words) and self.written_words[i].startswith(prefix)

    def words_with_prefix(self, prefix: str) -> tuple[str, ...]:
        """The words of the text that begin with the prefix."""
        return self.written_words[
            bisect_left(self.written_words, prefix) : bisect_left(self.written_words, prefix + "\U0010ffff")
        ]


@dataclass(frozen=True, slots=True)
class Document:
    """A candidate with its words, built once by `prepare_document` and shared by all profiles.

    `tf`: stem to 3·[in title] + 1·[in abstract]. `length`: tokens of title and abstract. `families`: the possible
    family names of the authors. `other_texts`: the words of comment, venue and institutions, without positions.
    """

    candidate: Candidate
    title: IndexedText
    abstract: IndexedText
    comment: IndexedText
    venue: IndexedText
    institutions: tuple[IndexedText, ...]
    other_texts: IndexedText
    authors: tuple[PersonName, ...]
    families: frozenset[str]
    categories: tuple[str, ...]
    tf: Mapping[str, int]
    length: int


Predicate = Callable[[Document], bool]


def prepare_document(candidate: Candidate) -> Document:
    """The candidate's words, once for all profiles."""
    record = candidate.record
    title, abstract = index_text(record.title), index_text(record.abstract)
    authors = tuple(parse_name(author) for author in record.authors)
    comment, venue = index_text(record.comment or ""), index_text(record.venue or "")
    institutions = tuple(index_text(institution) for institution in record.institutions)
    tf = dict.fromkeys(abstract.positions, ABSTRACT_TF) | {
        stem: TITLE_TF + ABSTRACT_TF * (stem in abstract.positions) for stem in title.positions
    }
    return Document(
        candidate=candidate,
        title=title,
        abstract=abstract,
        comment=comment,
        venue=venue,
        institutions=institutions,
        other_texts=_merge_words((comment, venue, *institutions)),
        authors=authors,
        families=frozenset().union(*map(family_keys, authors)),
        categories=tuple(category.lower() for category in record.categories),
        tf=tf,
        length=len(title.tokens) + len(abstract.tokens),
    )


def index_text(text: str) -> IndexedText:
    """Tokenize a text and index the positions of its stems."""
    text_tokens = tuple(tokens(text))
    positions: dict[str, list[int]] = {}
    for i, token in enumerate(text_tokens):
        positions.setdefault(token.stem, []).append(i)
    written = {token.word for token in text_tokens} | {token.whole for token in text_tokens if token.whole}
    return IndexedText(
        text_tokens, {stem: tuple(stem_positions) for stem, stem_positions in positions.items()}, tuple(sorted(written))
    )


def _merge_words(texts: Iterable[IndexedText]) -> IndexedText:
    """The words of several texts, for a quick check that none of them has a word."""
    stems = {stem for text in texts for stem in text.positions}
    written = {word for text in texts for word in text.written_words}
    return IndexedText((), dict.fromkeys(stems, ()), tuple(sorted(written)))


def node_matches(node: Node, document: Document) -> bool:
    """True where the paper matches the query as written."""
    return predicate(node)(document)


@lru_cache(maxsize=1 << 14)
def predicate(node: Node) -> Predicate:
    """The query as a function of a paper: its terms are analysed once, not for every paper."""
    match node:
        case Term():
            return _term(node)
        case And(parts):
            return _all_of(tuple(map(predicate, parts)))
        case Or(parts):
            return _any_of(tuple(map(predicate, parts)))
        case AndNot(keep, drop):
            keeps, drops = predicate(keep), predicate(drop)
            return lambda document: keeps(document) and not drops(document)


def _all_of(parts: tuple[Predicate, ...]) -> Predicate:
    def matches_all(document: Document) -> bool:
        for part in parts:  # noqa: SIM110 (a generator takes twice as long)
            if not part(document):
                return False
        return True

    return matches_all


def _any_of(parts: tuple[Predicate, ...]) -> Predicate:
    def matches_any(document: Document) -> bool:
        for part in parts:  # noqa: SIM110 (a generator takes twice as long)
            if part(document):
                return True
        return False

    return matches_any


def in_category(category: str, categories: Iterable[str]) -> bool:
    """`cs.LG` is one category; `cs` and `cs.*` are a whole archive, `bio` a field with arXiv's equivalents.

    All in lower case.
    """
    archives = included_categories(category)
    return any(
        candidate_category == archive or candidate_category.startswith(archive + ".")
        for candidate_category in categories
        for archive in archives
    )


def has_author(name: str, document: Document) -> bool:
    """True where one of the paper's authors may have this name; `Lia*` is the beginning of a family name."""
    return author_predicate(name)(document)


@lru_cache(maxsize=1 << 14)
def author_predicate(name: str) -> Predicate:
    """`has_author` as a function of a paper. The family names rule out most papers quickly."""
    author, prefix = parse_name(name.removesuffix("*")), name.endswith("*")
    keys = family_keys(author)
    beginnings = tuple(keys)

    def agrees(document: Document) -> bool:
        if prefix:
            likely = any(family.startswith(beginnings) for family in document.families)
        else:
            likely = not keys.isdisjoint(document.families)
        return likely and any(names_agree(author, paper_author, prefix=prefix) for paper_author in document.authors)

    return agrees


def followed_predicate(author: str) -> Predicate:
    """Whether a paper is by a followed author: by the name, or where a person is followed, as its candidate says."""
    return author_predicate(author) if reference_of(author) is None else _by_id(author)


def _by_id(person: str) -> Predicate:
    """Whether a paper is by a person, as its candidate says."""
    return lambda document: person in document.candidate.people


def _term(term: Term) -> Predicate:
    words, text = phrase_words(term), term.text
    match term.field:
        case "" | "ti" | "abs":
            return _in_title_or_abstract(words, term.field)
        case "au":
            return _by_id(key) if (key := author_id_key(text)) else author_predicate(text)
        case "cat":
            category = fold_text(text)
            return lambda document: in_category(category, document.categories)
        case "has":
            return lambda d: d.candidate.record.has_code or d.candidate.record.code_url is not None
        case "all":
            return _in_any_field(term)
    return _in_other_text(words, term.field)


def _in_title_or_abstract(words: tuple[Word, ...], field: str) -> Predicate:
    """Title and abstract, by far the most frequent fields, with fast paths for single words and exact phrases."""
    stems = tuple([word.text for word in words if not word.prefix])
    exact, [first, *others] = len(stems) == len(words), [word.text for word in words]
    in_title, in_abstract = field != "abs", field != "ti"
    if not others and exact and in_title and in_abstract:
        return lambda document: first in document.tf
    if not others and exact:
        return lambda document: first in (document.title if in_title else document.abstract).positions
    if not others:
        return lambda document: (
            (in_abstract and document.abstract.has_prefix(first)) or (in_title and document.title.has_prefix(first))
        )
    all_stems = frozenset(stems)

    def matches(document: Document) -> bool:
        if not all_stems <= document.tf.keys():
            return False
        if exact:
            return (in_abstract and _adjacent(stems, document.abstract)) or (
                in_title and _adjacent(stems, document.title)
            )
        return (in_abstract and is_phrase_in(words, document.abstract)) or (
            in_title and is_phrase_in(words, document.title)
        )

    return matches


def _in_other_text(words: tuple[Word, ...], field: str) -> Predicate:
    """The comment, the venue, or one of the institutions."""
    if field == "inst":
        return lambda document: any(is_phrase_in(words, text) for text in document.institutions)
    if field == "co":
        return lambda document: is_phrase_in(words, document.comment)
    return lambda document: is_phrase_in(words, document.venue)


def _in_any_field(term: Term) -> Predicate:
    """`all:` is every field."""
    words, category = phrase_words(term), fold_text(term.text)
    in_title_or_abstract, by_author = _in_title_or_abstract(words, ""), author_predicate(term.text)

    def matches(document: Document) -> bool:
        if in_title_or_abstract(document):
            return True
        if _has_all(words, document.other_texts) and (
            is_phrase_in(words, document.comment)
            or is_phrase_in(words, document.venue)
            or any(is_phrase_in(words, text) for text in document.institutions)
        ):
            return True
        return category in document.categories or by_author(document)

    return matches


def is_phrase_in(words: tuple[Word, ...], text: IndexedText) -> bool:
    """True where the text contains the words as a phrase."""
    if not _has_all(words, text):
        return False
    if len(words) == 1:
        return True
    if all(not word.prefix for word in words):
        return _adjacent([word.text for word in words], text)
    ends = _start_positions(words[0], text)
    for word in words:
        ends = _end_positions(word, text, ends)
        if not ends:
            return False
    return True


def _has_all(words: tuple[Word, ...], text: IndexedText) -> bool:
    """True where the text contains each of the words, in any position."""
    for word, prefix, _, _ in words:  # noqa: SIM110 (a generator takes twice as long)
        if not (text.has_prefix(word) if prefix else word in text.positions):
            return False
    return True


def _adjacent(stems: Sequence[str], text: IndexedText) -> bool:
    """True where the stems are adjacent in this order somewhere in the text."""
    positions = text.positions
    ends: Sequence[int] = positions.get(stems[0], ())
    for stem in stems[1:]:
        if not ends:
            return False
        following = positions.get(stem, ())
        ends = [end + 1 for end in ends if end + 1 in following]
    return bool(ends)


def _start_positions(word: Word, text: IndexedText) -> set[int]:
    """The possible positions of the first word; for a prefix, those of the stems of all words that begin with it."""
    if not word.prefix:
        return set(text.positions.get(word.text, ()))
    stems = {
        stem
        for written in text.words_with_prefix(word.text)
        for stem in (stem_of(written), split_compound(written)[0].stem)
    }
    return {position for stem in stems for position in text.positions.get(stem, ())}


def _end_positions(word: Word, text: IndexedText, starts: Iterable[int]) -> set[int]:
    """The end positions of the word if it begins at one of `starts`: one further on, or after a closed compound."""
    ends: set[int] = set()
    tokens, expected = text.tokens, word.text
    for start in starts:
        if start >= len(tokens):
            continue
        token = tokens[start]
        if not word.prefix:
            if token.stem == expected:
                ends.add(start + 1)
            continue
        if token.word.startswith(expected):
            ends.add(start + 1)
        if token.whole.startswith(expected):
            ends.add(start + token.span)
    return ends

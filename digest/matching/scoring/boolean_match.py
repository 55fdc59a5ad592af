"""Papers prepared for matching, and whether one matches a query as written. Slow and simple."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from digest.matching.profile import Candidate
from digest.matching.query.language import And, AndNot, Node, Or, Term, Word, phrase_words
from digest.text.folding import fold_text
from digest.text.person_names import PersonName, family_keys, names_agree, parse_name
from digest.text.tokens import Token, split_compound, tokens
from digest.text.tokens import stem as stem_of


@dataclass(frozen=True, slots=True)
class IndexedText:
    """One text: its tokens, the positions of each stem, and every word as written, in alphabetical order."""

    tokens: tuple[Token, ...]
    places: Mapping[str, tuple[int, ...]]
    written: tuple[str, ...]

    def has_prefix(self, prefix: str) -> bool:
        """True where a word of the text begins with the prefix."""
        at = bisect_left(self.written, prefix)
        return at < len(self.written) and self.written[at].startswith(prefix)

    def beginning(self, prefix: str) -> tuple[str, ...]:
        """The words of the text that begin with the prefix."""
        return self.written[bisect_left(self.written, prefix) : bisect_left(self.written, prefix + "\U0010ffff")]


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
    tf = dict.fromkeys(abstract.places, 1) | {stem: 3 + (stem in abstract.places) for stem in title.places}
    return Document(
        candidate=candidate,
        title=title,
        abstract=abstract,
        comment=comment,
        venue=venue,
        institutions=institutions,
        other_texts=_words_of((comment, venue, *institutions)),
        authors=authors,
        families=frozenset().union(*map(family_keys, authors)),
        categories=tuple(category.lower() for category in record.categories),
        tf=tf,
        length=len(title.tokens) + len(abstract.tokens),
    )


def index_text(text: str) -> IndexedText:
    """Tokenize a text and index the positions of its stems."""
    found = tuple(tokens(text))
    places: dict[str, list[int]] = {}
    for at, token in enumerate(found):
        places.setdefault(token.stem, []).append(at)
    written = {token.word for token in found} | {token.whole for token in found if token.whole}
    return IndexedText(found, {stem: tuple(at) for stem, at in places.items()}, tuple(sorted(written)))


def _words_of(texts: Iterable[IndexedText]) -> IndexedText:
    """The words of several texts, for a quick check that none of them has a word."""
    stems = {stem for text in texts for stem in text.places}
    written = {word for text in texts for word in text.written}
    return IndexedText((), dict.fromkeys(stems, ()), tuple(sorted(written)))


def node_holds(node: Node, document: Document) -> bool:
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
            kept, dropped = predicate(keep), predicate(drop)
            return lambda document: kept(document) and not dropped(document)


def _all_of(parts: tuple[Predicate, ...]) -> Predicate:
    def holds_all(document: Document) -> bool:
        for part in parts:  # noqa: SIM110 (a generator takes twice as long)
            if not part(document):
                return False
        return True

    return holds_all


def _any_of(parts: tuple[Predicate, ...]) -> Predicate:
    def holds_any(document: Document) -> bool:
        for part in parts:  # noqa: SIM110 (a generator takes twice as long)
            if part(document):
                return True
        return False

    return holds_any


def in_category(wanted: str, categories: Iterable[str]) -> bool:
    """`cs.LG` is one category; `cs` and `cs.*` are a whole archive. All in lower case."""
    archive = wanted.removesuffix(".*")
    return any(found in {wanted, archive} or found.startswith(archive + ".") for found in categories)


def has_author(wanted: str, document: Document) -> bool:
    """True where one of the paper's authors may have this name; `Lia*` is the beginning of a family name."""
    return author_predicate(wanted)(document)


@lru_cache(maxsize=1 << 14)
def author_predicate(wanted: str) -> Predicate:
    """`has_author` as a function of a paper. The family names rule out most papers quickly."""
    asked, prefix = parse_name(wanted.removesuffix("*")), wanted.endswith("*")
    keys = family_keys(asked)
    beginnings = tuple(keys)

    def agrees(document: Document) -> bool:
        if prefix:
            likely = any(family.startswith(beginnings) for family in document.families)
        else:
            likely = not keys.isdisjoint(document.families)
        return likely and any(names_agree(asked, one, prefix=prefix) for one in document.authors)

    return agrees


def _term(term: Term) -> Predicate:
    words, text = phrase_words(term), term.text
    match term.field:
        case "" | "ti" | "abs":
            return _in_words(words, term.field)
        case "au":
            return author_predicate(text)
        case "cat":
            category = fold_text(text)
            return lambda document: in_category(category, document.categories)
        case "has":
            return lambda d: d.candidate.record.has_code or d.candidate.record.code_url is not None
        case "all":
            return _anywhere(term)
    return _in_other_text(words, term.field)


def _in_words(words: tuple[Word, ...], field: str) -> Predicate:
    """Title and abstract, by far the most frequent fields, with fast paths for single words and exact phrases."""
    stems = tuple([word.text for word in words if not word.prefix])
    exact, [first, *others] = len(stems) == len(words), [word.text for word in words]
    in_title, in_abstract = field != "abs", field != "ti"
    if not others and exact and in_title and in_abstract:
        return lambda document: first in document.tf
    if not others and exact:
        return lambda document: first in (document.title if in_title else document.abstract).places
    if not others:
        return lambda document: (
            (in_abstract and document.abstract.has_prefix(first)) or (in_title and document.title.has_prefix(first))
        )
    all_stems = frozenset(stems)

    def found(document: Document) -> bool:
        if not all_stems <= document.tf.keys():
            return False
        if exact:
            return (in_abstract and _adjacent(stems, document.abstract)) or (
                in_title and _adjacent(stems, document.title)
            )
        return (in_abstract and is_phrase_in(words, document.abstract)) or (
            in_title and is_phrase_in(words, document.title)
        )

    return found


def _in_other_text(words: tuple[Word, ...], field: str) -> Predicate:
    """The comment, the venue, or one of the institutions."""
    if field == "inst":
        return lambda document: any(is_phrase_in(words, text) for text in document.institutions)
    if field == "co":
        return lambda document: is_phrase_in(words, document.comment)
    return lambda document: is_phrase_in(words, document.venue)


def _anywhere(term: Term) -> Predicate:
    """`all:` is every field."""
    words, category = phrase_words(term), fold_text(term.text)
    in_words, by_author = _in_words(words, ""), author_predicate(term.text)

    def found(document: Document) -> bool:
        if in_words(document):
            return True
        if _has_all(words, document.other_texts) and (
            is_phrase_in(words, document.comment)
            or is_phrase_in(words, document.venue)
            or any(is_phrase_in(words, text) for text in document.institutions)
        ):
            return True
        return category in document.categories or by_author(document)

    return found


def is_phrase_in(words: tuple[Word, ...], text: IndexedText) -> bool:
    """True where the text contains the words as a phrase."""
    if not _has_all(words, text):
        return False
    if len(words) == 1:
        return True
    if all(not word.prefix for word in words):
        return _adjacent([word.text for word in words], text)
    ends = _starts(words[0], text)
    for word in words:
        ends = _ends(word, text, ends)
        if not ends:
            return False
    return True


def _has_all(words: tuple[Word, ...], text: IndexedText) -> bool:
    """True where the text contains each of the words, in any position."""
    for word, prefix, _, _ in words:  # noqa: SIM110 (a generator takes twice as long)
        if not (text.has_prefix(word) if prefix else word in text.places):
            return False
    return True


def _adjacent(stems: Sequence[str], text: IndexedText) -> bool:
    """True where the stems are adjacent in this order somewhere in the text."""
    places = text.places
    ends: Sequence[int] = places.get(stems[0], ())
    for stem in stems[1:]:
        if not ends:
            return False
        following = places.get(stem, ())
        ends = [at + 1 for at in ends if at + 1 in following]
    return bool(ends)


def _starts(word: Word, text: IndexedText) -> set[int]:
    """The possible positions of the first word; for a prefix, those of the stems of all words that begin with it."""
    if not word.prefix:
        return set(text.places.get(word.text, ()))
    stems = {
        stem for written in text.beginning(word.text) for stem in (stem_of(written), split_compound(written)[0].stem)
    }
    return {at for stem in stems for at in text.places.get(stem, ())}


def _ends(word: Word, text: IndexedText, places: Iterable[int]) -> set[int]:
    """The end positions of the word if it begins at one of `starts`: one further on, or after a closed compound."""
    ends: set[int] = set()
    tokens, wanted = text.tokens, word.text
    for at in places:
        if at >= len(tokens):
            continue
        token = tokens[at]
        if not word.prefix:
            if token.stem == wanted:
                ends.add(at + 1)
            continue
        if token.word.startswith(wanted):
            ends.add(at + 1)
        if token.whole.startswith(wanted):
            ends.add(at + token.span)
    return ends

"""Papers prepared for matching, and whether one satisfies a query as written. Slow and obvious."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from digest.matching.profile import Candidate
from digest.matching.query.language import And, AndNot, Node, Or, Term, Word, phrase
from digest.text.folding import fold
from digest.text.person_names import Name, agree, family_keys, name
from digest.text.tokens import Token, split, tokens
from digest.text.tokens import stem as stem_of


@dataclass(frozen=True, slots=True)
class Text:
    """One text: its tokens, where each stem stands, and every word as written, in alphabetical order."""

    tokens: tuple[Token, ...]
    places: Mapping[str, tuple[int, ...]]
    written: tuple[str, ...]

    def has_prefix(self, prefix: str) -> bool:
        """True where a word of the text begins so."""
        at = bisect_left(self.written, prefix)
        return at < len(self.written) and self.written[at].startswith(prefix)

    def beginning(self, prefix: str) -> tuple[str, ...]:
        """The words of the text that begin so."""
        return self.written[bisect_left(self.written, prefix) : bisect_left(self.written, prefix + "\U0010ffff")]


@dataclass(frozen=True, slots=True)
class Document:
    """A candidate with its words, made once by `prepare` and shared by all profiles.

    `tf`: stem to 3·[in title] + 1·[in abstract]. `length`: tokens of title and abstract. `families`: what the authors'
    family names may be read as.
    """

    candidate: Candidate
    title: Text
    abstract: Text
    comment: Text
    venue: Text
    institutions: tuple[Text, ...]
    authors: tuple[Name, ...]
    families: frozenset[str]
    categories: tuple[str, ...]
    tf: Mapping[str, int]
    length: int


Predicate = Callable[[Document], bool]


def prepare(candidate: Candidate) -> Document:
    """The candidate's words, once for all profiles."""
    record = candidate.record
    title, abstract = read(record.title), read(record.abstract)
    authors = tuple(name(author) for author in record.authors)
    tf = dict.fromkeys(abstract.places, 1) | {stem: 3 + (stem in abstract.places) for stem in title.places}
    return Document(
        candidate=candidate,
        title=title,
        abstract=abstract,
        comment=read(record.comment or ""),
        venue=read(record.venue or ""),
        institutions=tuple(read(institution) for institution in record.institutions),
        authors=authors,
        families=frozenset().union(*map(family_keys, authors)),
        categories=tuple(category.lower() for category in record.categories),
        tf=tf,
        length=len(title.tokens) + len(abstract.tokens),
    )


def read(text: str) -> Text:
    """A text's tokens and where they stand."""
    found = tuple(tokens(text))
    places: dict[str, list[int]] = {}
    for at, token in enumerate(found):
        places.setdefault(token.stem, []).append(at)
    written = {token.word for token in found} | {token.whole for token in found if token.whole}
    return Text(found, {stem: tuple(at) for stem, at in places.items()}, tuple(sorted(written)))


def holds(node: Node, document: Document) -> bool:
    """True where the paper satisfies the query as written."""
    return predicate(node)(document)


@lru_cache(maxsize=1 << 14)
def predicate(node: Node) -> Predicate:
    """The query as a function of a paper: what its terms ask for is analysed once, not with every paper."""
    match node:
        case Term():
            return _term(node)
        case And(parts):
            every = tuple(map(predicate, parts))
            return lambda document: all(part(document) for part in every)
        case Or(parts):
            some = tuple(map(predicate, parts))
            return lambda document: any(part(document) for part in some)
        case AndNot(keep, drop):
            kept, dropped = predicate(keep), predicate(drop)
            return lambda document: kept(document) and not dropped(document)


def in_category(wanted: str, categories: Iterable[str]) -> bool:
    """`cs.LG` is one category; `cs` and `cs.*` are a whole archive. All in lower case."""
    archive = wanted.removesuffix(".*")
    return any(found in {wanted, archive} or found.startswith(archive + ".") for found in categories)


def has_author(wanted: str, document: Document) -> bool:
    """True where one of the paper's authors may be the one wanted; `Lia*` asks for the beginning of a family name."""
    return author(wanted)(document)


@lru_cache(maxsize=1 << 14)
def author(wanted: str) -> Predicate:
    """`has_author` as a function of a paper. Most papers are told by the family names of their authors."""
    asked, prefix = name(wanted.removesuffix("*")), wanted.endswith("*")
    keys = family_keys(asked)
    beginnings = tuple(keys)

    def agrees(document: Document) -> bool:
        if prefix:
            likely = any(family.startswith(beginnings) for family in document.families)
        else:
            likely = not keys.isdisjoint(document.families)
        return likely and any(agree(asked, one, prefix=prefix) for one in document.authors)

    return agrees


def _term(term: Term) -> Predicate:
    words, text = phrase(term), term.text
    match term.field:
        case "" | "ti" | "abs":
            return _in_words(words, term.field)
        case "au":
            return author(text)
        case "cat":
            category = fold(text)
            return lambda document: in_category(category, document.categories)
        case "has":
            return lambda d: d.candidate.record.has_code or d.candidate.record.code_url is not None
        case "all":
            return _anywhere(term)
    return _in_other_text(words, term.field)


def _in_words(words: tuple[Word, ...], field: str) -> Predicate:
    """Title and abstract, by far the most asked for: a word that neither has is soon told."""
    stems = tuple(word.text for word in words if not word.prefix)
    if not field and len(stems) == len(words) == 1:
        [stem] = stems
        return lambda document: stem in document.tf

    def found(document: Document) -> bool:
        for stem in stems:
            if stem not in document.tf:
                return False
        return (field != "abs" and stands_in(words, document.title)) or (
            field != "ti" and stands_in(words, document.abstract)
        )

    return found


def _in_other_text(words: tuple[Word, ...], field: str) -> Predicate:
    """The comment, the venue, or one of the institutions."""
    if field == "inst":
        return lambda document: any(stands_in(words, text) for text in document.institutions)
    if field == "co":
        return lambda document: stands_in(words, document.comment)
    return lambda document: stands_in(words, document.venue)


def _anywhere(term: Term) -> Predicate:
    """`all:` is every field."""
    words, category = phrase(term), fold(term.text)
    in_words, by_author = _in_words(words, ""), author(term.text)

    def found(document: Document) -> bool:
        if in_words(document) or stands_in(words, document.comment) or stands_in(words, document.venue):
            return True
        if any(stands_in(words, text) for text in document.institutions):
            return True
        return category in document.categories or by_author(document)

    return found


def stands_in(words: tuple[Word, ...], text: Text) -> bool:
    """True where the words stand in the text side by side, in order."""
    by_prefix = False
    for word in words:
        if not (text.has_prefix(word.text) if word.prefix else word.text in text.places):
            return False
        by_prefix |= word.prefix
    if len(words) == 1:
        return True
    if not by_prefix:
        return _in_a_row([text.places[word.text] for word in words])
    ends = _starts(words[0], text)
    for word in words:
        ends = {end for at in ends for end in _step(word, text, at)}
        if not ends:
            return False
    return True


def _in_a_row(places: list[tuple[int, ...]]) -> bool:
    """True where one word's place is followed by one of the next word, and so on."""
    first, second, *others = places
    return any(at + 1 in second and all(at + offset in other for offset, other in enumerate(others, 2)) for at in first)


def _starts(word: Word, text: Text) -> set[int]:
    """Where the first word may stand; for a prefix, where any word of the text that begins so has its stem."""
    if not word.prefix:
        return set(text.places.get(word.text, ()))
    stems = {stem for written in text.beginning(word.text) for stem in (stem_of(written), split(written)[0].stem)}
    return {at for stem in stems for at in text.places.get(stem, ())}


def _step(word: Word, text: Text, at: int) -> Iterable[int]:
    """Where the next word must stand if this one stands at `at`: nowhere, one on, or past a closed compound."""
    if at >= len(text.tokens):
        return
    token = text.tokens[at]
    if not word.prefix:
        if token.stem == word.text:
            yield at + 1
        return
    if token.word.startswith(word.text):
        yield at + 1
    if token.whole.startswith(word.text):
        yield at + token.span

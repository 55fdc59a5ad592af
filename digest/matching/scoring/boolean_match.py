"""Papers prepared for matching, and whether one satisfies a query as written. Slow and obvious."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digest.matching.profile import Candidate
from digest.matching.query.language import And, AndNot, Node, Or, Term, Word, phrase
from digest.text.folding import fold
from digest.text.person_names import Name, agree, name
from digest.text.tokens import Token, tokens


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


@dataclass(frozen=True, slots=True)
class Document:
    """A candidate with its words, made once by `prepare` and shared by all profiles.

    `tf`: stem to 3·[in title] + 1·[in abstract]. `length`: tokens of title and abstract.
    """

    candidate: Candidate
    title: Text
    abstract: Text
    comment: Text
    venue: Text
    institutions: tuple[Text, ...]
    authors: tuple[Name, ...]
    categories: tuple[str, ...]
    tf: Mapping[str, int]
    length: int


def prepare(candidate: Candidate) -> Document:
    """The candidate's words, once for all profiles."""
    record = candidate.record
    title, abstract = read(record.title), read(record.abstract)
    tf = dict.fromkeys(abstract.places, 1) | {stem: 3 + (stem in abstract.places) for stem in title.places}
    return Document(
        candidate=candidate,
        title=title,
        abstract=abstract,
        comment=read(record.comment or ""),
        venue=read(record.venue or ""),
        institutions=tuple(read(institution) for institution in record.institutions),
        authors=tuple(name(author) for author in record.authors),
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
    match node:
        case Term():
            return _term(node, document)
        case And(parts):
            return all(holds(part, document) for part in parts)
        case Or(parts):
            return any(holds(part, document) for part in parts)
        case AndNot(keep, drop):
            return holds(keep, document) and not holds(drop, document)


def in_category(wanted: str, categories: Iterable[str]) -> bool:
    """`cs.LG` is one category; `cs` and `cs.*` are a whole archive. All in lower case."""
    archive = wanted.removesuffix(".*")
    return any(found in {wanted, archive} or found.startswith(archive + ".") for found in categories)


def has_author(wanted: str, document: Document) -> bool:
    """True where one of the paper's authors may be the one wanted; `Lia*` asks for the beginning of a family name."""
    asked = name(wanted.removesuffix("*"))
    return any(agree(asked, author, prefix=wanted.endswith("*")) for author in document.authors)


def _term(term: Term, document: Document) -> bool:
    match term.field:
        case "" | "ti" | "abs":
            return _in_words(phrase(term), term.field, document)
        case "au":
            return has_author(term.text, document)
        case "cat":
            return in_category(fold(term.text), document.categories)
        case "has":
            record = document.candidate.record
            return record.has_code or record.code_url is not None
        case "all":
            return _anywhere(term, document)
    texts = {"co": (document.comment,), "venue": (document.venue,), "inst": document.institutions}[term.field]
    return any(stands_in(phrase(term), text) for text in texts)


def _in_words(words: tuple[Word, ...], field: str, document: Document) -> bool:
    """Title and abstract, by far the most asked for: a word that neither has is soon told."""
    for word in words:
        if word.text not in document.tf and not word.prefix:
            return False
    return (field != "abs" and stands_in(words, document.title)) or (
        field != "ti" and stands_in(words, document.abstract)
    )


def _anywhere(term: Term, document: Document) -> bool:
    """`all:` is every field."""
    texts = (document.title, document.abstract, document.comment, document.venue, *document.institutions)
    if any(stands_in(phrase(term), text) for text in texts):
        return True
    return has_author(term.text, document) or fold(term.text) in document.categories


def stands_in(words: tuple[Word, ...], text: Text) -> bool:
    """True where the words stand in the text side by side, in order."""
    if not all(text.has_prefix(word.text) if word.prefix else word.text in text.places for word in words):
        return False
    ends = _starts(words[0], text)
    for word in words:
        ends = {end for at in ends for end in _step(word, text, at)}
    return bool(ends)


def _starts(word: Word, text: Text) -> set[int]:
    """Where the first word may stand."""
    return set(range(len(text.tokens))) if word.prefix else set(text.places.get(word.text, ()))


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

"""Papers prepared for matching, and whether one matches a query as written. Slow and simple."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from digest.matching.profile import Candidate
from digest.matching.query.language import And, AndNot, Node, Or, Term, Word, phrase_words
from digest.matching.scoring.parameters import ABSTRACT_TF, TITLE_TF
from digest.papers import Record
from digest.papers.subjects import included_categories
from digest.text.folding import fold_text
from digest.text.person_names import PersonName, family_keys, names_agree, parse_name
from digest.text.person_references import author_id_key, reference_of
from digest.text.tokens import Token, split_compound, tokens
from digest.text.tokens import stem as stem_of


@dataclass(frozen=True)
class IndexedText:
    """One text: its tokens, and their stems. What few queries need is computed when it is first needed."""

    tokens: tuple[Token, ...]
    stems: tuple[str, ...]

    @cached_property
    def positions(self) -> Mapping[str, tuple[int, ...]]:
        """The positions of each stem."""
        positions: dict[str, list[int]] = {}
        for i, stem in enumerate(self.stems):
            positions.setdefault(stem, []).append(i)
        return {stem: tuple(stem_positions) for stem, stem_positions in positions.items()}

    @cached_property
    def written_words(self) -> tuple[str, ...]:
        """Every word as written, in alphabetical order."""
        written = {token.word for token in self.tokens} | {token.whole for token in self.tokens if token.whole}
        return tuple(sorted(written))

    def has_prefix(self, prefix: str) -> bool:
        """True where a word of the text begins with the prefix."""
        i = bisect_left(self.written_words, prefix)
        return i < len(self.written_words) and self.written_words[i].startswith(prefix)

    def words_with_prefix(self, prefix: str) -> tuple[str, ...]:
        """The words of the text that begin with the prefix."""
        return self.written_words[
            bisect_left(self.written_words, prefix) : bisect_left(self.written_words, prefix + "\U0010ffff")
        ]


class _OtherTexts:
    """What few queries look at of a paper: computed when it is first needed."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @cached_property
    def comment(self) -> IndexedText:
        return index_text(self._record.comment or "")

    @cached_property
    def venue(self) -> IndexedText:
        return index_text(self._record.venue or "")

    @cached_property
    def institutions(self) -> tuple[IndexedText, ...]:
        return tuple(index_text(institution) for institution in self._record.institutions)

    @cached_property
    def joined(self) -> IndexedText:
        """These texts as one, for a quick check that none of them has a word."""
        return _indexed([token for text in (self.comment, self.venue, *self.institutions) for token in text.tokens])

    @cached_property
    def authors(self) -> tuple[PersonName, ...]:
        return tuple(parse_name(author) for author in self._record.authors)

    @cached_property
    def families(self) -> frozenset[str]:
        return frozenset().union(*map(family_keys, self.authors))


@dataclass(frozen=True, slots=True)
class Document:
    """A candidate with its words, built once by `prepare_document` and shared by all profiles.

    `tf`: stem to 3·[in title] + 1·[in abstract]. `length`: tokens of title and abstract.
    """

    candidate: Candidate
    title: IndexedText
    abstract: IndexedText
    categories: tuple[str, ...]
    tf: Mapping[str, int]
    length: int
    others: _OtherTexts

    @property
    def comment(self) -> IndexedText:
        """The words of the comment."""
        return self.others.comment

    @property
    def venue(self) -> IndexedText:
        """The words of the venue."""
        return self.others.venue

    @property
    def institutions(self) -> tuple[IndexedText, ...]:
        """The words of each institution."""
        return self.others.institutions

    @property
    def authors(self) -> tuple[PersonName, ...]:
        """The authors."""
        return self.others.authors

    @property
    def families(self) -> frozenset[str]:
        """The possible family names of the authors."""
        return self.others.families


Predicate = Callable[[Document], bool]


def prepare_document(candidate: Candidate) -> Document:
    """The candidate's words, once for all profiles."""
    record = candidate.record
    title, abstract = index_text(record.title), index_text(record.abstract)
    in_abstract = dict.fromkeys(abstract.stems, ABSTRACT_TF)
    return Document(
        candidate=candidate,
        title=title,
        abstract=abstract,
        categories=tuple(category.lower() for category in record.categories),
        tf=in_abstract | {stem: TITLE_TF + ABSTRACT_TF * (stem in in_abstract) for stem in title.stems},
        length=len(title.tokens) + len(abstract.tokens),
        others=_OtherTexts(record),
    )


def index_text(text: str) -> IndexedText:
    """Tokenize a text."""
    return _indexed(tokens(text))


def _indexed(text_tokens: Sequence[Token]) -> IndexedText:
    return IndexedText(tuple(text_tokens), tuple([token.stem for token in text_tokens]))


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
        return lambda document: first in (document.title if in_title else document.abstract).stems
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
        if _has_all(words, document.others.joined) and (
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
        return _adjacent(tuple([word.text for word in words]), text)
    ends = _start_positions(words[0], text)
    for word in words:
        ends = _end_positions(word, text, ends)
        if not ends:
            return False
    return True


def _has_all(words: tuple[Word, ...], text: IndexedText) -> bool:
    """True where the text contains each of the words, in any position."""
    for word, prefix, _, _ in words:  # noqa: SIM110 (a generator takes twice as long)
        if not (text.has_prefix(word) if prefix else word in text.stems):
            return False
    return True


def _adjacent(stems: tuple[str, ...], text: IndexedText) -> bool:
    """True where the stems are adjacent in this order somewhere in the text."""
    first, position = stems[0], -1
    for _ in range(text.stems.count(first)):
        position = text.stems.index(first, position + 1)
        if text.stems[position : position + len(stems)] == stems:
            return True
    return False


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

"""People who share a name, and the papers of a followed person, told apart by `papers.same_person`.

Nothing is stored: the groups follow from the stored papers, so a paper that comes today can show that two groups are
one person. They are cached in the process until another batch is stored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest.caching import BoundedCache
from digest.db.core.engine import engine
from digest.db.papers import author_ids
from digest.db.papers import papers as store
from digest.db.papers.author_ids import StoredAuthorId
from digest.db.papers.papers import StoredPaper
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.papers import AuthoredPaper, author_key, group_papers
from digest.text.folding import fold_text
from digest.text.person_names import matching_names, names_agree, parse_name
from digest.text.person_references import (
    ARXIV,
    DOI,
    ID_SCHEMES,
    PAPER_SCHEMES,
    PersonReference,
    is_person_id,
    reference_of,
)
from digest.text.tokens import is_weighted, stem

MAX_PAPERS = 300  # newest papers that print the name in full; half as many with initials, or with one id
MAX_NAMES = 8  # of one id whose papers are grouped
_TITLE_WEIGHT = 2  # of a word in the title, beside one in the abstract
_WORD = re.compile(r"[^\W\d_]{4,}")
_MAX_CACHED = 4000  # names
_caches: WeakKeyDictionary[Engine, BoundedCache[tuple[Person, ...]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Person:
    """One person as far as the stored papers tell. `ids`: (scheme, value), the most reliable first.

    `co_authors`, `categories`: the most frequent ones first; `papers`: ids, newest first; `identifiers`: (scheme,
    value) of those with an arXiv id or DOI, newest first; `institution`: the newest known, else ''.
    """

    name: str
    ids: tuple[tuple[str, str], ...]
    institution: str
    co_authors: tuple[str, ...]
    categories: tuple[str, ...]
    papers: tuple[int, ...]
    identifiers: tuple[tuple[str, str], ...]

    @property
    def reference(self) -> str:
        """The text to follow this person by; '' where neither the person nor a paper has an identifier.

        Of the papers the oldest names the person, because it stays the oldest.
        """
        key = next(iter((*self.ids, *reversed(self.identifiers))), None)
        text = str(PersonReference(self.name, *key)) if key else ""
        return text if reference_of(text) else ""

    def is_meant_by(self, reference: PersonReference) -> bool:
        """True where the reference names this person."""
        keys = self.identifiers if reference.scheme in PAPER_SCHEMES else self.ids
        return (reference.scheme, reference.value) in keys


def people_named(session: Session, name: str) -> tuple[Person, ...]:
    """The people whose papers print this name in full, the one with most papers first."""
    return _groups(session, name, None)


def person(session: Session, reference: PersonReference) -> Person | None:
    """The person that a reference names; None where no stored paper shows them."""
    return next((p for p in _groups(session, reference.name, reference) if p.is_meant_by(reference)), None)


def papers_of(session: Session, people: Iterable[str], oldest_paper: int = 0) -> dict[str, frozenset[int]]:
    """The papers of people as in `people_of`, from the paper with that id on. Names alone are left out.

    An id, alone (`orcid:…`) or after a name, is the person whom the papers with it show, under each name that these
    print: so papers without an id are found too, if they are the person's.
    """
    texts = set(people)
    references = [(text, reference) for text in texts if (reference := reference_of(text))]
    ids = {text: key for text in texts if (key := _id_of(text))}
    papers: dict[str, set[int]] = {}
    if ids:
        papers_by_id = author_ids.papers_with_ids(session, ids.values(), oldest_paper)
        papers = {text: {*papers_by_id[":".join(key)]} for text, key in ids.items()}
        names_by_id = author_ids.names_of_ids(session, ids.values(), MAX_NAMES)
        references += [
            (text, PersonReference(name, *key)) for text, key in ids.items() for name in names_by_id.get(key, ())
        ]
    for text, reference in _with_recent_papers(session, references, oldest_paper) if references else ():
        for paper_id in _papers_of_person(session, reference):
            if paper_id >= oldest_paper:
                papers.setdefault(text, set()).add(paper_id)
    return {text: frozenset(paper_ids) for text, paper_ids in papers.items()}


def _papers_of_person(session: Session, reference: PersonReference) -> tuple[int, ...]:
    """The person's papers, also those under the name that papers print where the source of the id has another."""
    named = person(session, reference)
    if named is None or author_key(named.name) == author_key(reference.name):
        return named.papers if named else ()
    printed = person(session, reference._replace(name=named.name))
    return (*named.papers, *(printed.papers if printed else ()))


def _id_of(text: str) -> tuple[str, str] | None:
    """The (scheme, value) of an id alone, or of a person who is named by one; None for others."""
    reference = reference_of(text)
    if reference is not None:
        return (reference.scheme, reference.value) if reference.scheme in ID_SCHEMES else None
    scheme, _, value = text.partition(":")
    return (scheme, value) if is_person_id(scheme, value) else None


def _with_recent_papers(
    session: Session, references: Sequence[tuple[str, PersonReference]], oldest_paper: int
) -> list[tuple[str, PersonReference]]:
    """The people with a paper of their name or id since then; only their groups have to be computed."""
    if not oldest_paper:
        return sorted(set(references))
    keys = {key for _, reference in references for key in _name_keys(reference.name)}
    recent_keys = store.author_keys_since(session, keys, oldest_paper)
    recent_ids = author_ids.ids_since(session, {reference.value for _, reference in references}, oldest_paper)
    return [
        (text, reference)
        for text, reference in sorted(set(references))
        if not recent_keys.isdisjoint(_name_keys(reference.name)) or (reference.scheme, reference.value) in recent_ids
    ]


def _groups(session: Session, name: str, reference: PersonReference | None) -> tuple[Person, ...]:
    """The people of a name. A reference that is older than the newest papers adds its own papers."""
    cache = _caches.setdefault(
        engine(), BoundedCache(max_entries=_MAX_CACHED, max_bytes=1 << 26, size_of=lambda people: 500 * len(people))
    )
    version = store.newest_batch(session)
    folded = " ".join(fold_text(name).split())
    people = cache.get((folded, None), lambda: _find_people(session, name, None), version=version)
    if reference is None or any(p.is_meant_by(reference) for p in people):
        return people
    key = (folded, (reference.scheme, reference.value))
    return cache.get(key, lambda: _find_people(session, name, reference), version=version)


def _find_people(session: Session, name: str, reference: PersonReference | None) -> tuple[Person, ...]:
    full, *initials = _name_keys(name)
    numbers = [
        *store.paper_ids_by_author(session, [full], MAX_PAPERS),
        *(store.paper_ids_by_author(session, initials, MAX_PAPERS // 2) if initials else ()),
        *(_papers_of_reference(session, reference) if reference else ()),
    ]
    stored_papers = store.stored_papers(session, dict.fromkeys(numbers))
    ids_by_paper = author_ids.author_ids_of(session, stored_papers)
    authored = [
        authored
        for paper in stored_papers.values()
        if not paper.record.withdrawn
        and (authored := _authored_paper(name, paper, ids_by_paper.get(paper.id, ()))) is not None
    ]
    groups = group_papers(authored)
    people = (_person(name, [stored_papers[paper.id] for paper in group], ids_by_paper) for group in groups)
    return tuple(p for p in people if full in {author_key(p.name)} or (reference and p.is_meant_by(reference)))


def _papers_of_reference(session: Session, reference: PersonReference) -> list[int]:
    if reference.scheme in ID_SCHEMES:
        return author_ids.papers_with_id(session, reference.scheme, reference.value, MAX_PAPERS // 2)
    arxiv_ids, dois = ([reference.value] if reference.scheme == scheme else [] for scheme in (ARXIV, DOI))
    by_arxiv_id, by_doi = store.find_by_identifiers(session, arxiv_ids, dois)
    return [*by_arxiv_id.values(), *(paper_id for paper_id, _ in by_doi.values())]


@lru_cache(maxsize=1 << 14)
def _name_keys(name: str) -> tuple[str, ...]:
    """The keys of papers that print the name: in full, then with an initial for the given names."""
    parsed = parse_name(name)
    if not parsed.given_names or len(parsed.given_names[0]) == 1:
        return (author_key(name),)
    family = name.rsplit(maxsplit=1)[-1] if "," not in name else name.partition(",")[0]
    initial = parsed.given_names[0][0]
    return author_key(name), author_key(f"{initial}. {family}"), author_key(f"{initial} {family}")


def _authored_paper(name: str, paper: StoredPaper, ids: Sequence[StoredAuthorId]) -> AuthoredPaper | None:
    """The paper as one of somebody with the name; None where none of its authors has it."""
    own = matching_names(name, paper.record.authors)
    if not own:
        return None
    others = [author for position, author in enumerate(paper.record.authors) if position not in own]
    return AuthoredPaper(
        id=paper.id,
        co_authors=frozenset(author_key(author) for author in others),
        category=next(iter(paper.record.categories), ""),
        ids=frozenset((item.scheme, item.value) for item in _own_ids(name, ids)),
        words=_word_weights(paper),
    )


def _own_ids(name: str, ids: Iterable[StoredAuthorId]) -> list[StoredAuthorId]:
    parsed_name = parse_name(name)
    return [item for item in ids if names_agree(parsed_name, parse_name(item.name))]


def _word_weights(paper: StoredPaper) -> dict[str, float]:
    """The words of title and abstract by their rarity."""
    weights: Counter[str] = Counter()
    for text, factor in ((paper.record.title, _TITLE_WEIGHT), (paper.record.abstract, 1)):
        for word in {stem(word) for word in _WORD.findall(fold_text(text)) if is_weighted(word)}:
            weights[word] += factor * _prior_weights().idf(word)
    return dict(weights)


@lru_cache(maxsize=1)
def _prior_weights() -> Weights:
    """The weights by the package's own counts, which never change."""
    return Weights(word_counts.prior())


def _person(name: str, papers: Sequence[StoredPaper], ids_by_paper: Mapping[int, Sequence[StoredAuthorId]]) -> Person:
    key = author_key(name)
    spellings = Counter(author for paper in papers for author in paper.record.authors if author_key(author) == key)
    own_ids = [item for paper in papers for item in _own_ids(name, ids_by_paper.get(paper.id, ()))]
    co_authors: Counter[str] = Counter()
    for paper in papers:
        own = matching_names(name, paper.record.authors)
        co_authors.update(author for position, author in enumerate(paper.record.authors) if position not in own)
    return Person(
        name=_most_frequent(spellings, 1)[0] if spellings else papers[0].record.authors[_position(name, papers[0])],
        ids=tuple(sorted({(item.scheme, item.value) for item in own_ids}, key=_id_order)),
        institution=next((item.institution for item in own_ids if item.institution), ""),
        co_authors=_most_frequent(co_authors, 3),
        categories=_most_frequent(Counter(category for p in papers for category in p.record.categories[:1]), 2),
        papers=tuple(paper.id for paper in papers),
        identifiers=tuple(identifier for paper in papers for identifier in _identifiers(paper)),
    )


def _position(name: str, paper: StoredPaper) -> int:
    return matching_names(name, paper.record.authors)[0]


def _id_order(key: tuple[str, str]) -> tuple[int, str]:
    return ID_SCHEMES.index(key[0]), key[1]


def _identifiers(paper: StoredPaper) -> list[tuple[str, str]]:
    """DOI, then arXiv id: read from the end, the arXiv id comes first."""
    return [(scheme, value) for scheme, value in ((DOI, paper.doi), (ARXIV, paper.arxiv_id)) if value]


def _most_frequent(counts: Counter[str], limit: int) -> tuple[str, ...]:
    return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:limit])

"""The people of a name to choose from, and what a choice changes in a list of followed authors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from sqlmodel import Session

from digest.compose.email import paper_block
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers.papers import StoredPaper
from digest.papers import AuthorCandidate
from digest.services.catalog import author_lookup, followed_people
from digest.services.catalog.followed_people import Person
from digest.services.catalog.page_schemas import NamedPeople, PersonRow
from digest.text.person_references import (
    ID_PAGES,
    PersonReference,
    author_name,
    reference_of,
)
from digest.text.plain_text import one_line

MAX_NAMES = 10  # that are looked up for one form
MAX_PEOPLE = 6  # that are listed of a name

PeopleByName = Mapping[str, Sequence[AuthorCandidate]]


def named_people(
    session: Session, authors: Iterable[str], elsewhere: PeopleByName = MappingProxyType({})
) -> tuple[NamedPeople, ...]:
    """For the names among these followed authors that leave or made a choice: the people who have them.

    `elsewhere`: people whom a source knows, by folded name.
    """
    authors_by_name: dict[str, list[str]] = {}
    for author in authors:
        authors_by_name.setdefault(_folded_name(author), []).append(author)
    names = list(authors_by_name.items())[:MAX_NAMES]
    people = (_people_of_name(session, same_name, elsewhere.get(folded, ())) for folded, same_name in names)
    return tuple(item for item in people if item.has_choice)


def people_of_authors(authors: Iterable[str], *, ask: bool = False) -> tuple[NamedPeople, ...]:
    """`named_people`, read in a transaction of its own, with those whom a source knows.

    `ask`: look up names that were not looked up before, which may take three seconds.
    """
    author_list = list(authors)
    if not author_list:
        return ()
    names = list(dict.fromkeys(map(author_name, author_list)))[:MAX_NAMES]
    elsewhere = author_lookup.find_people(names) if ask else author_lookup.stored_people(names)
    with reading() as session:
        return named_people(session, author_list, elsewhere)


def people_of_name(name: str, *, ask: bool) -> NamedPeople:
    """The people of one name, here and as a source knows them.

    `ask`: look the name up if it was not looked up before, which may take three seconds.
    """
    names = [author_name(name)]
    elsewhere = author_lookup.find_people(names) if ask else author_lookup.stored_people(names)
    with reading() as session:
        return _people_of_name(session, [name], elsewhere.get(_folded_name(name), ()))


def with_choice(authors: Sequence[str], choice: str) -> tuple[str, ...]:
    """The followed authors after a choice: a person replaces the name alone, and a name alone its people."""
    is_person = reference_of(choice) is not None
    others = [
        author
        for author in authors
        if _folded_name(author) != _folded_name(choice) or (is_person and reference_of(author) is not None)
    ]
    return tuple(dict.fromkeys((*others, choice)))


def _people_of_name(session: Session, authors: Sequence[str], elsewhere: Sequence[AuthorCandidate]) -> NamedPeople:
    """The people of the one name that these authors have; those that are followed first."""
    references = [reference for author in authors if (reference := reference_of(author))]
    name = author_name(authors[0])
    people = list(followed_people.people_named(session, name))
    followed = [
        followed_person for reference in references if (followed_person := followed_people.person(session, reference))
    ]
    people += [person for person in followed if not any(set(person.papers) & set(p.papers) for p in people)]
    is_followed = [any(person.is_meant_by(reference) for reference in references) for person in people]
    order = sorted(range(len(people)), key=lambda i: not is_followed[i])[:MAX_PEOPLE]
    newest = _newest_papers(session, [people[i] for i in order])
    return NamedPeople(
        name=one_line(next((person.name for person in people), name)),
        people=tuple(
            _row(people[i], paper, followed=is_followed[i])
            for i, paper in zip(order, newest, strict=True)
            if paper is not None
        ),
        more=len(people) - len(order),
        unknown=tuple(str(reference) for reference in references if not any(p.is_meant_by(reference) for p in people)),
        elsewhere=_rows_elsewhere(name, elsewhere, people, references),
    )


def _rows_elsewhere(
    name: str, candidates: Sequence[AuthorCandidate], people: Sequence[Person], references: Sequence[PersonReference]
) -> tuple[PersonRow, ...]:
    """Those of whom no paper is stored, as far as ids tell."""
    stored_ids = {key for person in people for key in person.ids}
    followed = {(reference.scheme, reference.value) for reference in references}
    return tuple(
        PersonRow(
            reference=str(PersonReference(_plain_name(candidate.name) or name, *candidate.ids[0])),
            papers=candidate.papers,
            institution=candidate.institution,
            links=_links(candidate.ids),
            followed=not followed.isdisjoint(candidate.ids),
            name=candidate.name,
            is_elsewhere=True,
            titles=candidate.titles,
        )
        for candidate in candidates
        if stored_ids.isdisjoint(candidate.ids)
    )


def _plain_name(name: str) -> str:
    """A name that `person_references` reads back: without parentheses."""
    return one_line(re.sub(r"\([^()]*\)|[()]", "", name))


def _newest_papers(session: Session, people: Sequence[Person]) -> list[StoredPaper | None]:
    """The newest stored paper of each; None where all were deleted since the people were cached."""
    stored_papers = store.stored_papers(session, [person.papers[0] for person in people])
    incomplete_people = [person for person in people if person.papers[0] not in stored_papers]
    stored_papers |= store.stored_papers(
        session, [paper_id for person in incomplete_people for paper_id in person.papers]
    )
    return [next((stored_papers[i] for i in person.papers if i in stored_papers), None) for person in people]


def _row(person: Person, newest: StoredPaper, *, followed: bool) -> PersonRow:
    return PersonRow(
        reference=person.reference,
        papers=len(person.papers),
        latest=(newest.id, paper_block.readable_title(newest.record)),
        institution=one_line(person.institution),
        links=_links(person.ids),
        co_authors=tuple(map(one_line, person.co_authors)),
        categories=person.categories,
        followed=followed,
        name=one_line(person.name),
    )


def _links(ids: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The label and the address of each id that has a page."""
    return tuple(
        (f"{ID_PAGES[scheme][0]} {value}", f"{ID_PAGES[scheme][1]}{value}")
        for scheme, value in ids
        if scheme in ID_PAGES
    )


def _folded_name(author: str) -> str:
    return author_lookup.folded_name(author_name(author))

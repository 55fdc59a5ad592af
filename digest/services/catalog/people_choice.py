"""The people of a name to choose from, and what a choice changes in a list of followed authors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from digest.compose.email import paper_block
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers.papers import StoredPaper
from digest.services.catalog import followed_people
from digest.services.catalog.followed_people import Person
from digest.services.catalog.page_schemas import NamedPeople, PersonRow
from digest.text.folding import fold_text
from digest.text.person_references import (
    ID_PAGES,
    author_name,
    reference_of,
)
from digest.text.plain_text import one_line

MAX_NAMES = 10  # that are looked up for one form
MAX_PEOPLE = 6  # that are listed of a name


def named_people(session: Session, authors: Iterable[str]) -> tuple[NamedPeople, ...]:
    """For the names among these followed authors that leave or made a choice: the people who have them."""
    authors_by_name: dict[str, list[str]] = {}
    for author in authors:
        authors_by_name.setdefault(_folded_name(author), []).append(author)
    names = list(authors_by_name.values())[:MAX_NAMES]
    people = (_people_of_name(session, same_name) for same_name in names)
    return tuple(item for item in people if item.has_choice)


def people_of_authors(authors: Iterable[str]) -> tuple[NamedPeople, ...]:
    """`named_people`, read in a transaction of its own."""
    author_list = list(authors)
    if not author_list:
        return ()
    with reading() as session:
        return named_people(session, author_list)


def with_choice(authors: Sequence[str], choice: str) -> tuple[str, ...]:
    """The followed authors after a choice: a person replaces the name alone, and a name alone its people."""
    is_person = reference_of(choice) is not None
    others = [
        author
        for author in authors
        if _folded_name(author) != _folded_name(choice) or (is_person and reference_of(author) is not None)
    ]
    return tuple(dict.fromkeys((*others, choice)))


def _people_of_name(session: Session, authors: Sequence[str]) -> NamedPeople:
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
    )


def _newest_papers(session: Session, people: Sequence[Person]) -> list[StoredPaper | None]:
    """The newest stored paper of each; None where all were deleted since the people were cached."""
    stored_papers = store.stored_papers(session, [person.papers[0] for person in people])
    without = [person for person in people if person.papers[0] not in stored_papers]
    stored_papers |= store.stored_papers(session, [paper_id for person in without for paper_id in person.papers])
    return [next((stored_papers[i] for i in person.papers if i in stored_papers), None) for person in people]


def _row(person: Person, newest: StoredPaper, *, followed: bool) -> PersonRow:
    links = (
        (f"{ID_PAGES[scheme][0]} {value}", f"{ID_PAGES[scheme][1]}{value}")
        for scheme, value in person.ids
        if scheme in ID_PAGES
    )
    return PersonRow(
        reference=person.reference,
        papers=len(person.papers),
        latest=(newest.id, paper_block.paper_block(newest.record).title),
        institution=one_line(person.institution),
        links=tuple(links),
        co_authors=tuple(map(one_line, person.co_authors)),
        categories=person.categories,
        followed=followed,
    )


def _folded_name(author: str) -> str:
    return " ".join(fold_text(author_name(author)).split())

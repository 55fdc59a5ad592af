"""The people who have a name, to follow one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from digest.services.catalog import people_choice
from digest.services.catalog.page_schemas import PersonRow
from digest.services.subscriptions.preference_parsers import MAX_NAME
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute
from digest.web.http.search_limits import SearchSlot

router = APIRouter(route_class=ApiRoute, tags=["papers"])

MaybeToken = Annotated[api_auth.Caller, Depends(api_auth.allow_public("papers:read"))]


class PersonIdAnswer(BaseModel):
    """An id of a person, as its source calls it, and the person's page there."""

    label: str
    address: str


class LatestPaper(BaseModel):
    """A person's newest paper here."""

    id: int
    title: str


class PersonAnswer(BaseModel):
    """Somebody of a name. `reference`: the text to follow them by, '' for none.

    `is_here`: papers of theirs are stored; then `papers` counts these, else those that a source knows, with titles of
    recent ones in `titles`.
    """

    reference: str
    name: str
    is_here: bool
    papers: int
    institution: str
    ids: list[PersonIdAnswer]
    co_authors: list[str]
    categories: list[str]
    latest: LatestPaper | None
    titles: list[str]


class PeopleAnswer(BaseModel):
    """The people of a name, those with papers here first. `more`: how many of these are not listed."""

    name: str
    people: list[PersonAnswer]
    more: int


@router.get("/people")
def people(
    slot: SearchSlot,
    caller: MaybeToken,
    name: Annotated[str, Query(min_length=2, max_length=MAX_NAME, description="an author's name")],
) -> PeopleAnswer:
    """The people who have a name, to follow one of them instead of everybody with it.

    Names that were not looked up before are looked up on the network for callers with a token.
    """
    with slot():
        named = people_choice.people_of_name(name, ask=caller.has_token)
    rows = (*named.people, *named.elsewhere)
    return PeopleAnswer(name=named.name, people=list(map(_person_answer, rows)), more=named.more)


def _person_answer(row: PersonRow) -> PersonAnswer:
    return PersonAnswer(
        reference=row.reference,
        name=row.name,
        is_here=not row.is_elsewhere,
        papers=row.papers,
        institution=row.institution,
        ids=[PersonIdAnswer(label=label, address=address) for label, address in row.links],
        co_authors=list(row.co_authors),
        categories=list(row.categories),
        latest=LatestPaper(id=row.latest[0], title=row.latest[1]) if row.latest else None,
        titles=list(row.titles),
    )

"""Looks up the people of a name at OpenAlex, with their ids, institution and recent papers, for somebody who waits."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from digest import settings
from digest.errors import SourceDown
from digest.papers import AuthorCandidate
from digest.sources import http, json_items, openalex
from digest.sources.redirect_policy import SourceRequest
from digest.text.markup import text_of_markup
from digest.text.person_names import names_agree, parse_name
from digest.text.person_references import OPENALEX, ORCID, is_person_id
from digest.text.plain_text import one_line

MAX_CANDIDATES = 6
MAX_TITLES = 2  # recent papers of each
_ANSWERED, _WORKS_READ = 25, 50
_AUTHOR_FIELDS = "id,orcid,display_name,works_count,last_known_institutions"
_WORK_FIELDS = "display_name,publication_date,authorships"


def is_enabled() -> bool:
    """True where the setting allows it, and OpenAlex gets a contact: an administrator's address, or a key."""
    is_allowed = openalex.PEOPLE_LOOKUP.value().strip().lower() in openalex.ON
    return is_allowed and bool(_contact() or openalex.has_key())


def find_people(name: str, *, seconds: float) -> tuple[AuthorCandidate, ...]:
    """The people who may have the name, those with most papers first, by two requests. Raises SourceDown.

    `seconds`: how long both may take together, with the wait for a turn. Without an answer about recent papers these
    are left out.
    """
    deadline = time.monotonic() + seconds
    words = " ".join(re.findall(r"[\w'.-]+", name))
    request = _request("authors", {"search": words, "select": _AUTHOR_FIELDS}, _ANSWERED, deadline)
    candidates, typed = http.fetch(request, _people, tries=1), parse_name(name)
    people = [person for person in candidates if names_agree(typed, parse_name(person.name))]
    people = sorted(people, key=lambda person: -person.papers)[:MAX_CANDIDATES]
    titles = _recent_titles(people, deadline) if people else {}
    return tuple(replace(person, titles=tuple(titles.get(_key_of(person), ()))[:MAX_TITLES]) for person in people)


def _recent_titles(people: Sequence[AuthorCandidate], deadline: float) -> dict[str, list[str]]:
    """The titles of each person's newest papers by key; of as many people as one answer has, none where it fails."""
    keys = "|".join(map(_key_of, people))
    values = {"filter": f"authorships.author.id:{keys}", "sort": "publication_date:desc", "select": _WORK_FIELDS}
    try:
        return http.fetch(_request("works", values, _WORKS_READ, deadline), _titles_by_author, tries=1)
    except SourceDown:
        return {}


def _contact() -> str:
    emails = settings.get().admin_emails
    return emails[0] if emails else ""


def _request(resource: str, values: Mapping[str, str], size: int, deadline: float) -> SourceRequest:
    contact = _contact()
    params = (*values.items(), ("per-page", str(size)), *((("mailto", contact),) if contact else ()))
    return replace(openalex.request(resource, params), deadline=deadline)


def _key_of(person: AuthorCandidate) -> str:
    return next(value for scheme, value in person.ids if scheme == OPENALEX)


def _people(data: bytes) -> list[AuthorCandidate]:
    """The people of an answer; those without an id or a name are left out."""
    candidates = (_candidate(item) for item in json_items.read_items(data, "results").values if isinstance(item, dict))
    return [candidate for candidate in candidates if candidate is not None]


def _candidate(author: Mapping[str, Any]) -> AuthorCandidate | None:
    name, key = one_line(str(author.get("display_name") or "")), openalex.key_of(author)
    if not 0 < len(name) <= openalex.MAX_NAME or not is_person_id(OPENALEX, key):
        return None
    orcid_id = str(author.get("orcid") or "").removeprefix("https://orcid.org/")
    ids = ((ORCID, orcid_id), (OPENALEX, key)) if is_person_id(ORCID, orcid_id) else ((OPENALEX, key),)
    count = author.get("works_count")
    return AuthorCandidate(
        name,
        ids,
        institution=next(iter(_names(author.get("last_known_institutions"))), ""),
        papers=count if isinstance(count, int) and count >= 0 else 0,
    )


def _names(items: object) -> list[str]:
    rows = items if isinstance(items, list) else []
    return [one_line(str(row.get("display_name") or ""))[:200] for row in rows if isinstance(row, dict)]


def _titles_by_author(data: bytes) -> dict[str, list[str]]:
    """The titles of an answer's works in its order, by OpenAlex's key of each author."""
    titles: defaultdict[str, list[str]] = defaultdict(list)
    for work in json_items.read_items(data, "results").values:
        title = text_of_markup(str(work.get("display_name") or ""))[:300] if isinstance(work, dict) else ""
        for authorship in (work.get("authorships") or ()) if title else ():
            key = openalex.key_of(authorship.get("author") or {})
            if title not in titles[key]:
                titles[key].append(title)
    return dict(titles)

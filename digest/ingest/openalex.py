"""OpenAlex: works' citations, venues and institutions, days after arXiv has them, and their authors' figures.

The parsers are pure. What OpenAlex does not have is left out of a list's answer: unknown, no error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from digest import settings
from digest.errors import BadInput
from digest.ingest import http
from digest.papers import AuthorFigures, Listed, Parsed, Person, Record, arxiv_identity
from digest.text.plain import one_line

TURN = "openalex"
MOST = 50  # works or authors of one request; more values are refused there in one filter
MOST_AUTHORS = 30  # of a work: collaborations of thousands have no record of their own
MOST_NAME = 200
_ARXIV = "arxiv"
_ADDRESS = "https://openalex.org/"
_WORK = "doi,display_name,authorships,publication_date,cited_by_count,primary_location"
_AUTHOR = "id,display_name,works_count,cited_by_count,summary_stats"


def parse(data: bytes) -> Parsed:
    """One work, the works of a list, or authors. Raises BadInput where it is none of these."""
    try:
        found = _objects(data)
        works = [one for one in found if not _is_author(one)]
        people = [_person(one) for one in found if _is_author(one)]
        return Parsed(tuple(map(_listed, works)), people=tuple(filter(None, people)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"a work in another form: {error}") from error


def names(data: bytes) -> dict[str, str]:
    """The authors of an answer's works: OpenAlex's key of each, and the name as the paper prints it."""
    found = {}
    for work in _objects(data):
        authorships = work.get("authorships") or ()
        for one in authorships if len(authorships) <= MOST_AUTHORS else ():
            author = one.get("author") or {}
            key, name = _key(author), one_line(str(one.get("raw_author_name") or author.get("display_name") or ""))
            if key and 0 < len(name) <= MOST_NAME:
                found[key] = name
    return found


def fetch(arxiv_ids: Sequence[str]) -> Iterator[Parsed]:
    """The works of these arXiv papers, then their authors' figures under the names that the papers print."""
    known: dict[str, str] = {}
    for start in range(0, len(arxiv_ids), MOST):
        dois = "|".join(f"https://doi.org/10.48550/arxiv.{one.lower()}" for one in arxiv_ids[start : start + MOST])
        found, authors = http.ask(_request("works", f"doi:{dois}", _WORK), lambda data: (parse(data), names(data)))
        known |= authors
        yield found
    keys = sorted(known)
    for start in range(0, len(keys), MOST):
        request = _request("authors", f"openalex:{'|'.join(keys[start : start + MOST])}", _AUTHOR)
        people = http.ask(request, parse).people
        yield Parsed(people=tuple(Person(known[one.key], one.figures, one.key) for one in people if one.key in known))


def _request(kind: str, chosen: str, fields: str) -> http.Request:
    key = settings.get().openalex_key
    params = (("filter", chosen), ("select", fields), ("per-page", str(MOST)))
    own = (("api_key", key),) if key else ()
    return http.Request(f"{settings.get().openalex_url.rstrip('/')}/{kind}", TURN, (*params, *own))


def _objects(data: bytes) -> list[Mapping[str, Any]]:
    """The answer's objects: one, or those of a list. Raises BadInput."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {str(error)[:100]}") from error
    if not isinstance(answer, dict) or not ("results" in answer or "display_name" in answer):
        raise BadInput("expected a work, an author, or a list of them")
    found = answer.get("results", [answer])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInput("results: expected a list of objects")
    return found


def _key(one: Mapping[str, Any]) -> str:
    """OpenAlex's key of a thing, without its address: A5048491430."""
    return str(one.get("id") or "").removeprefix(_ADDRESS)


def _is_author(one: Mapping[str, Any]) -> bool:
    return _key(one).startswith("A")


def _person(one: Mapping[str, Any]) -> Person | None:
    """An author with figures; what is not told stays unknown. None where nothing is. Raises ValueError."""
    name = one_line(str(one.get("display_name") or ""))
    figures = AuthorFigures(
        h_index=_count((one.get("summary_stats") or {}).get("h_index"), "summary_stats.h_index"),
        papers=_count(one.get("works_count"), "works_count"),
        citations=_count(one.get("cited_by_count"), "cited_by_count"),
    )
    return Person(name, figures, _key(one)) if 0 < len(name) <= MOST_NAME and figures != AuthorFigures() else None


def _count(value: Any, name: str) -> int | None:
    """A number of things; None where it is not told. Raises ValueError."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise ValueError(f"{name}: {str(value)[:20]!r} is no count")
    return value


def _listed(work: Mapping[str, Any]) -> Listed:
    """A work as a record: title, authors and institutions as printed there, and its citations. Raises ValueError."""
    doi = str(work.get("doi") or "").lower().removeprefix("https://doi.org/")
    authorships = work.get("authorships") or ()
    places = [place["display_name"] for one in authorships for place in one.get("institutions") or ()]
    day = work.get("publication_date")
    count = work.get("cited_by_count")
    record = Record(
        title=one_line(str(work.get("display_name") or "")),
        authors=tuple(name for one in authorships if (name := (one.get("author") or {}).get("display_name"))),
        doi=doi or None,
        institutions=tuple(dict.fromkeys(places)),
        venue=_venue(work),
        published=date.fromisoformat(day) if day else None,
    )
    arxiv_id = arxiv_identity(record)
    if arxiv_id:
        # its title and names are other people's typing of what arXiv has first-hand
        record = Record("", arxiv_id=arxiv_id, institutions=record.institutions, venue=record.venue)
    return Listed(record, signals=(("citations", float(count)),) if isinstance(count, int) else ())


def _venue(work: Mapping[str, Any]) -> str | None:
    """Where it appeared, unless that is arXiv."""
    source = (work.get("primary_location") or {}).get("source") or {}
    name = str(source.get("display_name") or "")
    return name if name and _ARXIV not in name.lower() else None

"""OpenAlex: a work's citations, venue and institutions, days after arXiv has it. The parser is pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from digest import settings
from digest.errors import BadInput
from digest.ingest import http
from digest.papers import Listed, Parsed, Record, arxiv_identity
from digest.text.plain import one_line

TURN = "openalex"
_ARXIV = "arxiv"


def parse(data: bytes) -> Parsed:
    """One work, or the works of a list. Raises BadInput where it is neither."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {str(error)[:100]}") from error
    if not isinstance(answer, dict) or not ("results" in answer or "display_name" in answer):
        raise BadInput("expected a work or a list of works")
    works = answer.get("results", [answer])
    try:
        return Parsed(tuple(_listed(work) for work in works))
    except (AttributeError, TypeError, ValueError) as error:
        raise BadInput(f"a work in another form: {error}") from error


def fetch(arxiv_id: str) -> Parsed:
    """The work of one arXiv paper; none where OpenAlex does not have it yet."""
    key = settings.get().openalex_key
    request = http.Request(
        f"{settings.get().openalex_url.rstrip('/')}/works/doi:10.48550/arXiv.{arxiv_id}",
        TURN,
        (("api_key", key),) if key else (),
    )
    return http.ask(request, parse)


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

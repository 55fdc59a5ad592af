"""Semantic Scholar: citations of known papers, up to 500 at once. The parser is pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from digest import settings
from digest.errors import BadInput
from digest.ingest import http
from digest.papers import Bad, Listed, Parsed, Record

MOST = 500
TURN = "semantic-scholar"
_FIELDS = "externalIds,citationCount,influentialCitationCount"


def parse(data: bytes, ids: Sequence[str] = ()) -> Parsed:
    """One answer to a batch: a row for each id asked for (arXiv ids), in their order, null where it is unknown there.

    Without `ids` the rows' own external ids say which paper it is. Raises BadInput where it is no list, or has another
    length than asked for.
    """
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {str(error)[:100]}") from error
    if not isinstance(rows, list):
        raise BadInput(f"expected a list of papers: {str(rows)[:100]}")
    if ids and len(rows) != len(ids):
        raise BadInput(f"{len(rows)} papers came for {len(ids)} asked for")
    found, bad = [], []
    for place, row in enumerate(rows):
        if row is None:
            continue
        try:
            found.append(_listed(row, ids[place] if ids else None))
        except ValueError as error:
            bad.append(Bad(place + 1, str(error), json.dumps(row)[:120]))
    return Parsed(tuple(found), tuple(bad))


def fetch(ids: Sequence[str]) -> Parsed:
    """Citations of these papers, at most 500."""
    key = settings.get().semantic_scholar_key
    request = http.Request(
        f"{settings.get().semantic_scholar_url.rstrip('/')}/graph/v1/paper/batch",
        TURN,
        (("fields", _FIELDS),),
        (("x-api-key", key),) if key else (),
        json.dumps({"ids": [f"ARXIV:{arxiv_id}" for arxiv_id in ids]}).encode(),
    )
    return http.ask(request, partial(parse, ids=ids))


def _listed(row: Any, arxiv_id: str | None) -> Listed:
    """A row's counters; the record only names the paper. Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError("expected an object")
    other = row.get("externalIds") or {}
    arxiv_id, doi = arxiv_id or other.get("ArXiv"), other.get("DOI")
    if not arxiv_id and not doi:
        raise ValueError("externalIds: neither an arXiv id nor a DOI")
    count = row.get("citationCount")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise ValueError(f"citationCount: {str(count)[:20]!r} is no count")
    signals = (("citations", float(count)),) if count is not None else ()
    return Listed(Record("", arxiv_id=arxiv_id, doi=str(doi).lower() if doi else None), signals=signals)

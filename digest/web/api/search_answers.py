"""The API's answers to searches."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from digest.services.search.search_schemas import SearchPage


def search_as_json(page: SearchPage) -> dict[str, Any]:
    """A page of search results as JSON. `total_is`: exact, about (estimated by the index) or minimum."""
    return {
        "total": page.total,
        "total_is": "minimum" if page.is_minimum else "exact" if page.is_exact else "about",
        "papers": [
            asdict(hit.row)
            | {"announced": hit.day.isoformat() if hit.day else None, "strict": hit.strict, "match_score": hit.score}
            for hit in page.hits
        ],
        "facets": {
            "categories": dict(page.facets.categories),
            "sources": dict(page.facets.sources),
            "code": page.facets.code,
        },
        "cursor": page.cursor or None,
    }

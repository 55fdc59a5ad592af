"""Suggestions for the topics field, as JSON for the page's script."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from digest.services.preview.typing_suggestions import MAX_TEXT, suggest_topics
from digest.web.http.search_limits import COUNT_SUGGESTION

router = APIRouter(include_in_schema=False)

CACHEABLE = {"Cache-Control": "public, max-age=600"}  # the same for everybody, and changes once a day
Typed = Annotated[str, Query(max_length=MAX_TEXT)]


@router.get("/topics/suggest", dependencies=[COUNT_SUGGESTION])
def suggest(q: Typed = "") -> JSONResponse:
    """Topics to take instead of what is typed, best first."""
    return JSONResponse({"suggestions": [asdict(item) for item in suggest_topics(q)]}, headers=CACHEABLE)

"""Previews of a profile by the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from digest.services.catalog.page_schemas import Preview
from digest.services.subscriptions.preference_fields import SignUpPreferences
from digest.web.api.answers import PreviewAnswer
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute
from digest.web.http.preview_limits import LimitedPreview

router = APIRouter(route_class=ApiRoute, tags=["papers"])

READ_PAPERS = Depends(api_auth.allow_public("papers:read"))


class PreviewRequest(SignUpPreferences):
    """A profile to try. `days`: the number of announcements; `limit`: the maximum number of papers of each."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"topics": ["graph neural networks"], "days": 7, "limit": 5}]}
    )

    days: int = Field(default=14, ge=1, le=60)


@router.post("/preview", dependencies=[READ_PAPERS])
def preview(body: PreviewRequest, make_preview: LimitedPreview) -> PreviewAnswer:
    """Show what these preferences would have selected, day by day, without subscribing."""
    return PreviewAnswer.model_validate(preview_as_json(make_preview(body.profile(), days=body.days, limit=body.limit)))


def preview_as_json(result: Preview) -> dict[str, Any]:
    """A preview as plain values."""
    return {
        "days": [
            {
                "date": day.date,
                "total": day.total,
                "papers": [
                    asdict(paper) | {"matched": [{"topic": topic, "words": words} for topic, words in paper.matched]}
                    for paper in day.papers
                ],
            }
            for day in result.days
        ],
        "announcements_left_out": result.left_out,
    }

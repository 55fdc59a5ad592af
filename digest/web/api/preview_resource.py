"""Previews of a profile by the API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from digest.services.catalog.page_schemas import Preview
from digest.services.subscriptions.preference_fields import SignUpPreferences
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute
from digest.web.http.preview_limits import LimitedPreview

router = APIRouter(route_class=ApiRoute, tags=["papers"])

READ_PAPERS = Depends(api_auth.allow_public("papers:read"))


class MatchedTopic(BaseModel):
    """A topic as typed, and its words that a paper has."""

    topic: str
    words: list[str]


class PreviewPaperAnswer(BaseModel):
    """A paper of a preview, with the topics that it matches."""

    id: int
    title: str
    score: int
    strict: bool
    matched: list[MatchedTopic]
    trending: float | None
    arxiv_id: str | None
    example: str
    example_words: list[str]


class PreviewDayAnswer(BaseModel):
    """One announcement of a preview. `total`: all matches; `papers`: the best, up to the limit."""

    date: date
    total: int
    papers: list[PreviewPaperAnswer]


class PreviewAnswer(BaseModel):
    """A preview, oldest day first. `announcements_left_out`: older ones that have too many papers to match at once."""

    days: list[PreviewDayAnswer]
    announcements_left_out: int


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

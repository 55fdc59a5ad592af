"""The API's public reads: trending papers, one paper, search, and citations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from digest import settings
from digest.errors import BadInput, NotFound
from digest.services.catalog import paper_exports, paper_lookup
from digest.services.catalog.page_schemas import PaperRow
from digest.services.search import paper_search
from digest.services.search.facets import MAX_CATEGORY, is_category
from digest.services.search.search_schemas import NEWEST, SearchPage, SearchRequest
from digest.services.security import signed_links
from digest.services.subscriptions import topic_feedback
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import PREFERENCES
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute
from digest.web.http.cursor_pages import Listing, next_address, next_link
from digest.web.http.dependencies import Services
from digest.web.http.search_limits import SearchSlot
from digest.web.ui.page_cache import CachedPage, Pages

router = APIRouter(route_class=ApiRoute, tags=["papers"])

READ_PAPERS = Depends(api_auth.allow_public("papers:read"))
PAGE_FIELDS = ("meta_tags", "downloads")  # of a paper that only its page needs
DEFAULT_TRENDING = 50
RESULTS_PER_ANSWER = 50  # of a search, unless the client asks for another number
MAX_RESULTS = 100  # the largest number that it may ask for
CITATIONS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The citations as a file",
        "content": {
            "application/x-bibtex": {"schema": {"type": "string"}},
            "application/x-research-info-systems": {"schema": {"type": "string"}},
            "application/vnd.citationstyles.csl+json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}
FormatName = Literal["bibtex", "ris", "csl-json"]
EncodingName = Annotated[Literal["unicode", "tex"], Query(description="of BibTeX")]
Identifiers = Annotated[
    str, Query(max_length=8000, description="arXiv ids, DOIs or numbers of this service, with commas between")
]
Category = Annotated[str | None, Query(max_length=MAX_CATEGORY, description="of arXiv, such as cs.LG")]
AT_LEAST, EXACT, ABOUT = "minimum", "exact", "about"  # what the total of a search is


class PaperList(BaseModel):
    """Papers that are trending now."""

    papers: list[PaperRow]


class PaperAnswer(BaseModel):
    """One paper. `nearest_paper`: id and title of the nearest earlier paper; `summary`: who made it, and the text."""

    row: PaperRow
    abstract: str
    links: list[tuple[str, str]]
    announced: date | None
    comment: str
    nearest_paper: tuple[int, str] | None
    summary: tuple[str, str] | None
    bibtex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHitAnswer(PaperRow):
    """A paper that a search finds. `strict`: as a topic matches as written; else it has the words, but apart."""

    announced: date | None
    strict: bool
    match_score: int


class FacetsAnswer(BaseModel):
    """How many of the papers found are in each category, from each source, and with code."""

    categories: dict[str, int]
    sources: dict[str, int]
    code: int


class SearchAnswer(Listing):
    """A page of a search. `total_is`: exact, about (estimated by the index) or minimum."""

    total: int
    total_is: str = Field(examples=["exact"])
    papers: list[SearchHitAnswer]
    facets: FacetsAnswer


class PaperQuery(BaseModel):
    """A search in the query language of topics. `order`: newest or best; `after`, `before`: days, as 2025-11-21."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(min_length=1, max_length=2000, examples=["graph neural networks"])
    order: str = Field(default=NEWEST, max_length=10)
    category: str = Field(default="", max_length=MAX_CATEGORY)
    source: str = Field(default="", max_length=60)
    code: bool = False
    after: date | None = None
    before: date | None = None
    limit: int = Field(default=RESULTS_PER_ANSWER, ge=1, le=MAX_RESULTS)
    cursor: str = Field(default="", max_length=60)

    def request(self) -> SearchRequest:
        """The request to the search. Raises BadInput."""
        if self.category and not is_category(self.category):
            raise BadInput("category: use one of arXiv's, such as cs.LG", field="category")
        return SearchRequest(
            text=self.q,
            order=self.order,
            category=self.category,
            source=self.source,
            code=self.code,
            first=self.after,
            last=self.before,
            cursor=self.cursor,
            limit=self.limit,
        )


@router.get("/papers", dependencies=[READ_PAPERS], response_model=PaperList)
def papers(
    services: Services,
    pages: Pages,
    category: Category = None,
    limit: Annotated[int, Query(ge=1, le=500)] = DEFAULT_TRENDING,
) -> Response:
    """Papers that are trending now, in all fields or in one category; the order changes with every new signal."""
    if category is not None and not CATEGORY.fullmatch(category):
        raise NotFound("category: use one of arXiv's, such as cs.LG")

    def make() -> CachedPage:
        rows = [asdict(row) for row in services.trending(category, limit)]
        return CachedPage(json.dumps({"papers": rows}, ensure_ascii=False, separators=(",", ":"), default=str).encode())

    is_configured = category is None or category in settings.get().arxiv_categories
    is_cached = limit == DEFAULT_TRENDING and is_configured  # others would fill the cache
    page = pages.get(("api: papers", category), make) if is_cached else make()
    return Response(page.content, media_type="application/json")


@router.get("/search", dependencies=[READ_PAPERS], response_model=SearchAnswer)
def search(request: Request, slot: SearchSlot, query: Annotated[PaperQuery, Query()]) -> Response:
    """Papers that a query finds, newest or best first."""
    search_request = query.request()
    with slot():
        results = paper_search.search(search_request)
    address = next_address(request, results.cursor) if results.cursor else None
    headers = {"Link": next_link(address)} if address else None
    return JSONResponse(search_as_json(results) | {"next": address}, headers=headers)


def search_as_json(page: SearchPage) -> dict[str, Any]:
    """A page of search results as JSON values."""
    return {
        "total": page.total,
        "total_is": AT_LEAST if page.is_minimum else EXACT if page.is_exact else ABOUT,
        "papers": [
            asdict(hit.row)
            | {
                "published": hit.row.published.isoformat() if hit.row.published else None,
                "announced": hit.day.isoformat() if hit.day else None,
                "strict": hit.strict,
                "match_score": hit.score,
            }
            for hit in page.hits
        ],
        "facets": FacetsAnswer(
            categories=dict(page.facets.categories), sources=dict(page.facets.sources), code=page.facets.code
        ).model_dump(),
    }


@router.get("/papers/{paper_id}", dependencies=[READ_PAPERS])
def paper(paper_id: int, services: Services) -> PaperAnswer:
    """One paper."""
    _require_id(paper_id)
    page = asdict(services.paper(paper_id))
    return PaperAnswer.model_validate({name: value for name, value in page.items() if name not in PAGE_FIELDS})


@router.get("/papers/{paper_id}/citation", dependencies=[READ_PAPERS], response_class=Response, responses=CITATIONS)
def paper_citation(paper_id: int, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export one paper as BibTeX, RIS or CSL-JSON."""
    _require_id(paper_id)
    identified = paper_lookup.find_papers([str(paper_id)])
    if not identified.paper_ids:
        raise NotFound("there is no such paper here")
    return citation_file(identified.paper_ids, format, encoding, f"paper-{paper_id}")


@router.get("/citations", dependencies=[READ_PAPERS], response_class=Response, responses=CITATIONS)
def citations(ids: Identifiers, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export papers as BibTeX, RIS or CSL-JSON. Identifiers of papers that are not stored here are refused."""
    identified = paper_lookup.find_papers(paper_lookup.split_identifiers(ids))
    if identified.unknown or not identified.paper_ids:
        raise NotFound(f"ids: not stored here: {', '.join(identified.unknown)[:300]}")
    return citation_file(identified.paper_ids, format, encoding, "papers")


@router.get("/likes/{token}/citations", dependencies=[READ_PAPERS], response_class=Response, responses=CITATIONS)
def liked_citations(token: str, format: FormatName = "bibtex", encoding: EncodingName = "unicode") -> Response:  # noqa: A002
    """Export the papers that a subscriber likes. `token`: the last part of the subscriber's preferences link."""
    (subscriber_id,) = signed_links.read_token(PREFERENCES, token)
    return citation_file(topic_feedback.liked_papers(subscriber_id), format, encoding, "liked-papers")


def citation_file(paper_ids: Sequence[int], name: str, encoding: str, file_name: str) -> Response:
    """The citations of papers as a file to download."""
    file_format, tex = paper_exports.citation_format(name), paper_exports.is_tex(encoding)
    file = paper_exports.export_papers(paper_ids, file_format, tex=tex, name=file_name)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _require_id(paper_id: int) -> None:
    if not 0 < paper_id < 2**31:
        raise NotFound("there is no such paper here")

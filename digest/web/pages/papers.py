"""The page of a paper, and the listing of papers by their identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from digest.errors import N_, NotFound
from digest.i18n import localize
from digest.services.catalog import paper_listing, paper_lookup, similar_papers
from digest.web.http.dependencies import PageServices, Services
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import PageCache, Pages
from digest.web.ui.paging import ROWS_PER_PAGE, PageNumber, check_page, paging

router = APIRouter(include_in_schema=False)

Identifiers = Annotated[str, Query(max_length=8000)]
SCORE_PARTS = {  # of a score, with their weights
    "trending": N_("trending in its field (weight 3)"),
    "novelty": N_("novelty (weight 2)"),
    "author": N_("its authors' record (weight 1)"),
}


def warm_up(services: PageServices, pages: PageCache, paper_ids: Iterable[int]) -> None:
    """Render the pages of these papers, and so compute what the pages of all papers have in common."""
    for paper_id in paper_ids:
        paper(paper_id, services, pages)


@router.get("/papers")
def listing(ids: Identifiers = "", page: PageNumber = 1) -> HTMLResponse:
    """The papers with these identifiers, or the form to paste some. Not cached: there is no end of such lists."""
    identifiers = paper_lookup.split_identifiers(ids)
    start = (page - 1) * ROWS_PER_PAGE
    result = paper_listing.listing(identifiers, start=start, limit=ROWS_PER_PAGE)
    check_page(page, result.rows)
    query = {"ids": ",".join(identifiers)}
    return template_rendering.page_response(
        "listing.html",
        listing=result,
        query=urlencode(query, safe=",:/"),
        paging=paging("/papers", page, has_more=result.total > start + ROWS_PER_PAGE, query=query),
    )


@router.get("/papers/{paper_id}")
def paper(paper_id: int, services: Services, pages: Pages) -> HTMLResponse:
    """A paper with its figures, and why it is trending."""
    if not 0 < paper_id < 2**31:
        raise NotFound(localize("there is no such paper here"))
    return pages.page(
        ("paper", paper_id),
        lambda: template_rendering.render(
            "paper.html",
            paper=services.paper(paper_id),
            parts=SCORE_PARTS,
            similar=similar_papers.similar_papers(paper_id),
        ),
    )

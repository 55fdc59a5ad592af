"""The pages of trending papers: of all fields and of one category, by period."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import settings
from digest.errors import N_, NotFound
from digest.i18n import localize
from digest.papers.subjects import ARXIV_SUBJECTS, SUBJECTS
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.web.http.dependencies import PageServices, Services
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import PageCache, Pages
from digest.web.ui.paging import ROWS_PER_PAGE, PageNumber, check_page, paging

router = APIRouter(include_in_schema=False)

PERIODS = (("day", N_("Newest day")), ("week", N_("7 days")), ("month", N_("30 days")))
ANNOUNCEMENTS = {"day": 1, "week": 7, "month": 30}  # days on which papers were announced
Period = Literal["day", "week", "month"]
MAX_CATEGORY = 40  # characters of a code
DEFAULT_PERIOD: Period = "week"


class TrendingView(NamedTuple):
    """One page of the trending papers."""

    category: str | None
    period: Period
    page: int


def warm_up(services: PageServices, pages: PageCache) -> None:
    """Render the first trending page."""
    _trending(services, pages, TrendingView(None, DEFAULT_PERIOD, 1))


@router.get("/trending")
def trending(services: Services, pages: Pages, period: Period = DEFAULT_PERIOD, page: PageNumber = 1) -> HTMLResponse:
    """The trending papers of all fields."""
    return _trending(services, pages, TrendingView(None, period, page))


@router.get("/trending/{category}")
def category_trending(
    category: str, services: Services, pages: Pages, period: Period = DEFAULT_PERIOD, page: PageNumber = 1
) -> HTMLResponse:
    """The trending papers of one category."""
    if len(category) > MAX_CATEGORY or not CATEGORY.fullmatch(category):
        raise NotFound(localize("there is no such category; use one of arXiv's, such as cs.LG"))
    return _trending(services, pages, TrendingView(category, period, page))


def _trending(services: PageServices, pages: PageCache, view: TrendingView) -> HTMLResponse:
    """The page. Those of configured categories and first ones of subjects are cached: others would fill the cache."""
    is_first = (view.period, view.page) == (DEFAULT_PERIOD, 1)
    is_subject = view.category in SUBJECTS or view.category in ARXIV_SUBJECTS
    if (is_first and is_subject) or view.category is None or view.category in settings.get().arxiv_categories:
        return pages.page(("trending", *view), lambda: _render_trending(services, view))
    return HTMLResponse(_render_trending(services, view))


def _render_trending(services: PageServices, view: TrendingView) -> str:
    limit = view.page * ROWS_PER_PAGE + 1  # one more, to know whether there is a next page
    if view.period == DEFAULT_PERIOD:
        rows = services.trending(view.category, limit)
    else:
        rows = services.trending_among(view.category, limit, ANNOUNCEMENTS[view.period])
    page_rows = rows[(view.page - 1) * ROWS_PER_PAGE : limit - 1]
    check_page(view.page, page_rows)
    path = "/trending" + (f"/{view.category}" if view.category else "")
    query = {} if view.period == DEFAULT_PERIOD else {"period": view.period}
    return template_rendering.render(
        "trending.html",
        category=view.category,
        categories=settings.get().arxiv_categories,
        period=view.period,
        query=f"?{urlencode(query)}" if query else "",
        periods=[
            (name, localize(label), "" if name == DEFAULT_PERIOD else f"?period={name}") for name, label in PERIODS
        ],
        papers=page_rows,
        first=(view.page - 1) * ROWS_PER_PAGE + 1,
        paging=paging(path, view.page, has_more=len(rows) == limit, query=query),
    )

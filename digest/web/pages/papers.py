"""Public pages: what is trending, a paper, an author; and an edition by its link."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from digest import settings
from digest.compose.email import wording
from digest.errors import N_, NotFound
from digest.i18n import localize, localize_plural
from digest.papers.subjects import ARXIV_SUBJECTS, SUBJECTS
from digest.services.catalog import author_pages, paper_listing, paper_lookup, similar_papers
from digest.services.catalog.page_schemas import FURTHER_LISTED, FurtherPage
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import EDITION, FEED
from digest.web.http.dependencies import PageServices, Services
from digest.web.http.middleware import content_security_policy
from digest.web.http.preview_limits import PreviewSlot
from digest.web.pages.feeds import MAX_AUTHOR_NAME
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import PageCache, Pages
from digest.web.ui.paging import ROWS_PER_PAGE, PageNumber, check_page, paging

router = APIRouter(include_in_schema=False)

PERIODS = (("day", N_("Newest day")), ("week", N_("7 days")), ("month", N_("30 days")))
ANNOUNCEMENTS = {"day": 1, "week": 7, "month": 30}  # days on which papers were announced
Period = Literal["day", "week", "month"]
MAX_CATEGORY = 40  # characters of a code
DEFAULT_PERIOD: Period = "week"
Identifiers = Annotated[str, Query(max_length=8000)]
SCORE_PARTS = {  # of a score, with their weights
    "trending": N_("trending in its field (weight 3)"),
    "novelty": N_("novelty (weight 2)"),
    "author": N_("its authors' record (weight 1)"),
}
MAIL_POLICY = content_security_policy(styles="'unsafe-inline'")  # mails have style attributes and no scripts


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


@router.get("/authors/{name:path}")
def author(name: str, services: Services, pages: Pages, page: PageNumber = 1) -> HTMLResponse:
    """An author's papers and figures. Only first pages are cached."""
    if len(name) > MAX_AUTHOR_NAME:
        raise NotFound(localize("no paper here is by that author"))
    if page == 1:
        return pages.page(("author", author_pages.page_key(name)), lambda: _render_author(services, name, page))
    return HTMLResponse(_render_author(services, name, page))


def _render_author(services: PageServices, name: str, page: int) -> str:
    end = page * ROWS_PER_PAGE
    result = services.author(name, end)
    rows = result.rows[end - ROWS_PER_PAGE :]
    check_page(page, rows)
    return template_rendering.render(
        "author.html",
        author=result,
        rows=rows,
        follow=_follow_link(result.reference or name),
        follow_person=_follow_link,
        feed=f"/authors/{quote(name)}",
        paging=paging(f"/authors/{name}", page, has_more=result.total > end),
    )


def _follow_link(name: str) -> str:
    """The sign-up form for this author's papers only."""
    plain = " ".join(name.replace('"', " ").replace("*", " ").split())
    return "/?" + urlencode({"authors": plain}, quote_via=quote)


@router.get("/editions/{token}")
def edition(token: str, services: Services) -> HTMLResponse:
    """An edition in the browser, the same content as in the mail."""
    (edition_id,) = signed_links.read_token(EDITION, token)
    return _edition(services, edition_id, f"/editions/{token}")


@router.get("/feeds/editions/{token}")
def feed_edition(token: str, services: Services) -> HTMLResponse:
    """The same, by the address in a feed."""
    _, edition_id = signed_links.read_token(FEED, token, count=2)
    return _edition(services, edition_id, f"/feeds/editions/{token}")


def _edition(services: PageServices, edition_id: int, page: str) -> HTMLResponse:
    headers = template_rendering.PRIVATE | {"Content-Security-Policy": MAIL_POLICY}
    return HTMLResponse(services.edition(edition_id, page), headers=headers)


@router.get("/editions/{token}/more")
def further_papers(token: str, services: Services, slot: PreviewSlot) -> HTMLResponse:
    """The titles that matched beyond the edition's limit."""
    (edition_id,) = signed_links.read_token(EDITION, token)
    return _further(services, edition_id, f"/editions/{token}", slot)


@router.get("/feeds/editions/{token}/more")
def further_feed_papers(token: str, services: Services, slot: PreviewSlot) -> HTMLResponse:
    """The same, by the address in a feed."""
    _, edition_id = signed_links.read_token(FEED, token, count=2)
    return _further(services, edition_id, f"/feeds/editions/{token}", slot)


def _further(services: PageServices, edition_id: int, edition_page: str, slot: PreviewSlot) -> HTMLResponse:
    with slot():
        page = services.further(edition_id)
    heading = wording.matches_past_limit(page.total, has_topics=page.has_topics) or localize(
        "All papers are in the edition"
    )
    return template_rendering.page_response(
        "further_papers.html", private=True, further=page, edition=edition_page, heading=heading, note=_shortage(page)
    )


def _shortage(page: FurtherPage) -> str:
    """Why the page lists fewer papers than the mail counted; '' where it lists all."""
    missing = page.total - page.listed
    if not missing:
        return ""
    if page.listed >= FURTHER_LISTED:
        return localize("The best %(n)s of them:", n=page.listed)
    return localize_plural(
        "%(n)s of them was withdrawn or revised since and is not listed.",
        "%(n)s of them were withdrawn or revised since and are not listed.",
        missing,
    )

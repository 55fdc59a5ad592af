"""Public pages: what is trending, a paper, an author; and an edition by its link."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import settings
from digest.compose.email import wording
from digest.errors import N_, NotFound
from digest.i18n import localize, localize_plural
from digest.services.catalog import similar_papers
from digest.services.catalog.page_schemas import FURTHER_LISTED, FurtherPage
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import EDITION, FEED
from digest.web.http.dependencies import PageServices, Services
from digest.web.http.middleware import content_security_policy
from digest.web.http.preview_limits import PreviewSlot
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import PageCache, Pages

router = APIRouter(include_in_schema=False)

MAX_LISTED = 50
SCORE_PARTS = {  # of a score, with their weights
    "trending": N_("trending in its field (weight 3)"),
    "novelty": N_("novelty (weight 2)"),
    "author": N_("its authors' record (weight 1)"),
}
MAIL_POLICY = content_security_policy(styles="'unsafe-inline'")  # mails have style attributes and no scripts


@router.get("/trending")
def trending(services: Services, pages: Pages) -> HTMLResponse:
    """The trending papers of all fields."""
    return _trending(services, pages, None)


@router.get("/trending/{category}")
def category_trending(category: str, services: Services, pages: Pages) -> HTMLResponse:
    """The trending papers of one category."""
    if len(category) > 20 or not CATEGORY.fullmatch(category):
        raise NotFound(localize("there is no such category; use one of arXiv's, such as cs.LG"))
    return _trending(services, pages, category)


def _trending(services: PageServices, pages: PageCache, category: str | None) -> HTMLResponse:
    return pages.page(
        ("trending", category),
        lambda: template_rendering.render(
            "trending.html",
            category=category,
            categories=settings.get().arxiv_categories,
            papers=services.trending(category, MAX_LISTED),
        ),
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
def author(name: str, services: Services, pages: Pages) -> HTMLResponse:
    """An author's papers and figures."""
    if len(name) > 200:
        raise NotFound(localize("no paper here is by that author"))
    return pages.page(
        ("author", name),
        lambda: template_rendering.render(
            "author.html", author=services.author(name, MAX_LISTED), follow=_follow_link(name)
        ),
    )


def _follow_link(name: str) -> str:
    """The sign-up form for this author's papers only: without a topic, all trending papers would be included."""
    plain = " ".join(name.replace('"', " ").replace("*", " ").split())
    return "/?" + urlencode({"topics": f'au:"{plain}"', "authors": plain}, quote_via=quote)


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
        "further.html", private=True, further=page, edition=edition_page, heading=heading, note=_shortage(page)
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

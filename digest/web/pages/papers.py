"""Public pages: what is trending, a paper, an author; and an edition by its link."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import settings
from digest.errors import N_, NotFound
from digest.i18n import localize
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import EDITION, FEED
from digest.web.http.dependencies import PageServices, Services
from digest.web.http.middleware import content_security_policy
from digest.web.ui import template_rendering

router = APIRouter(include_in_schema=False)

MAX_LISTED = 50
SCORE_PARTS = {  # of a score, with their weights
    "trending": N_("trending in its field (weight 3)"),
    "novelty": N_("novelty (weight 2)"),
    "author": N_("its authors' record (weight 1)"),
}
MAIL_POLICY = content_security_policy(styles="'unsafe-inline'")  # mails have style attributes and no scripts


@router.get("/trending")
def trending(services: Services) -> HTMLResponse:
    """The trending papers of all fields."""
    return _trending(services, None)


@router.get("/trending/{category}")
def category_trending(category: str, services: Services) -> HTMLResponse:
    """The trending papers of one category."""
    if len(category) > 20 or not CATEGORY.fullmatch(category):
        raise NotFound(localize("there is no such category; use one of arXiv's, such as cs.LG"))
    return _trending(services, category)


def _trending(services: Services, category: str | None) -> HTMLResponse:
    return template_rendering.page_response(
        "trending.html",
        category=category,
        categories=settings.get().arxiv_categories,
        papers=services.trending(category, MAX_LISTED),
    )


@router.get("/papers/{paper_id}")
def paper(paper_id: int, services: Services) -> HTMLResponse:
    """A paper with its figures, and why it is trending."""
    if not 0 < paper_id < 2**31:
        raise NotFound(localize("there is no such paper here"))
    return template_rendering.page_response("paper.html", paper=services.paper(paper_id), parts=SCORE_PARTS)


@router.get("/authors/{name:path}")
def author(name: str, services: Services) -> HTMLResponse:
    """An author's papers and figures."""
    if len(name) > 200:
        raise NotFound(localize("no paper here is by that author"))
    return template_rendering.page_response("author.html", author=services.author(name, MAX_LISTED))


@router.get("/editions/{token}")
def edition(token: str, services: Services) -> HTMLResponse:
    """An edition in the browser, the same content as in the mail."""
    (edition_id,) = signed_links.read_token(EDITION, token)
    return _edition(services, edition_id, f"/editions/{token}/link")


@router.get("/feeds/editions/{token}")
def feed_edition(token: str, services: Services) -> HTMLResponse:
    """An edition, by its link in a feed."""
    _, edition_id = signed_links.read_token(FEED, token, count=2)
    return _edition(services, edition_id, f"/feeds/editions/{token}/link")


def _edition(services: PageServices, edition_id: int, mail_link: str) -> HTMLResponse:
    headers = template_rendering.PRIVATE | {"Content-Security-Policy": MAIL_POLICY}
    return HTMLResponse(services.edition(edition_id, mail_link), headers=headers)

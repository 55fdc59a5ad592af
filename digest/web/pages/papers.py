"""Public pages: what is trending, a paper, an author; and an edition by its link."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import settings
from digest.errors import N_, NotFound
from digest.i18n import translate
from digest.services.security import signed_links
from digest.services.subscriptions.preference_parsers import CATEGORY
from digest.signing import EDITION, FEED
from digest.web.http.dependencies import PageServices, Services
from digest.web.http.middleware import policy
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import PageCache, Pages

router = APIRouter(include_in_schema=False)

LISTED = 50
PARTS = {  # of a score, with their weights
    "trending": N_("trending in its field (weight 3)"),
    "novelty": N_("novelty (weight 2)"),
    "author": N_("its authors' record (weight 1)"),
}
MAIL_POLICY = policy(styles="'unsafe-inline'")  # a mail's styles stand in its tags; it has no script


@router.get("/trending")
def trending(services: Services, pages: Pages) -> HTMLResponse:
    """What is rising in all fields."""
    return _trending(services, pages, None)


@router.get("/trending/{category}")
def trending_in(category: str, services: Services, pages: Pages) -> HTMLResponse:
    """What is rising in one category."""
    if len(category) > 20 or not CATEGORY.fullmatch(category):
        raise NotFound(translate("there is no such category; use one of arXiv's, such as cs.LG"))
    return _trending(services, pages, category)


def _trending(services: PageServices, pages: PageCache, category: str | None) -> HTMLResponse:
    return pages.page(
        ("trending", category),
        lambda: template_rendering.render(
            "trending.html",
            category=category,
            categories=settings.get().arxiv_categories,
            papers=services.trending(category, LISTED),
        ),
    )


@router.get("/papers/{paper_id}")
def paper(paper_id: int, services: Services, pages: Pages) -> HTMLResponse:
    """One paper, with its figures and why it trends."""
    if not 0 < paper_id < 2**31:
        raise NotFound(translate("there is no such paper here"))
    return pages.page(
        ("paper", paper_id),
        lambda: template_rendering.render("paper.html", paper=services.paper(paper_id), parts=PARTS),
    )


@router.get("/authors/{name:path}")
def author(name: str, services: Services, pages: Pages) -> HTMLResponse:
    """An author's papers and figures."""
    if len(name) > 200:
        raise NotFound(translate("no paper here is by that author"))
    return pages.page(
        ("author", name),
        lambda: template_rendering.render(
            "author.html", author=services.author(name, LISTED), follow=_follow_link(name)
        ),
    )


def _follow_link(name: str) -> str:
    """The sign-up form for this author's papers alone: without a topic it would be for all that is trending."""
    plain = " ".join(name.replace('"', " ").replace("*", " ").split())
    return "/?" + urlencode({"topics": f'au:"{plain}"', "authors": plain}, quote_via=quote)


@router.get("/editions/{token}")
def edition(token: str, services: Services) -> HTMLResponse:
    """An edition in the browser, the same content as in the mail."""
    (edition_id,) = signed_links.read(EDITION, token)
    return _edition(services, edition_id, f"/editions/{token}/link")


@router.get("/feeds/editions/{token}")
def edition_of_feed(token: str, services: Services) -> HTMLResponse:
    """The same, by the address in a feed."""
    _, edition_id = signed_links.read(FEED, token, values=2)
    return _edition(services, edition_id, f"/feeds/editions/{token}/link")


def _edition(services: PageServices, edition_id: int, mail_link: str) -> HTMLResponse:
    headers = template_rendering.PRIVATE | {"Content-Security-Policy": MAIL_POLICY}
    return HTMLResponse(services.edition(edition_id, mail_link), headers=headers)

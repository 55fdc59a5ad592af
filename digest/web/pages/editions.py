"""An edition by its link, and the papers that matched beyond its limit."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.compose.email import wording
from digest.i18n import localize, localize_plural
from digest.services.catalog.page_schemas import FURTHER_LISTED, FurtherPage
from digest.services.security import signed_links
from digest.signing import EDITION, FEED
from digest.web.http.dependencies import PageServices, Services
from digest.web.http.middleware import content_security_policy
from digest.web.http.preview_limits import PreviewSlot
from digest.web.ui import template_rendering

router = APIRouter(include_in_schema=False)

MAIL_POLICY = content_security_policy(styles="'unsafe-inline'")  # mails have style attributes and no scripts


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

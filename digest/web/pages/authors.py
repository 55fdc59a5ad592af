"""An author's page: figures and papers, newest first."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest.errors import NotFound
from digest.i18n import localize
from digest.services.catalog import author_pages
from digest.web.http.dependencies import PageServices, Services
from digest.web.pages.feeds import MAX_AUTHOR_NAME
from digest.web.ui import template_rendering
from digest.web.ui.page_cache import Pages
from digest.web.ui.paging import ROWS_PER_PAGE, PageNumber, check_page, paging

router = APIRouter(include_in_schema=False)


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

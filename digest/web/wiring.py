"""The services behind the pages in production. Tests pass others."""

from __future__ import annotations

from digest.services.catalog import paper_presenters
from digest.services.delivery import resend
from digest.services.editions import preview, web_view
from digest.web.http.dependencies import PageServices


def page_services() -> PageServices:
    """The production services."""
    return PageServices(
        preview=preview.preview,
        trending=paper_presenters.trending,
        paper=paper_presenters.paper,
        author=paper_presenters.author,
        edition=web_view.web_view,
        resend=resend.resend,
    )

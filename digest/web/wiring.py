"""The services behind the pages in production. Tests pass others."""

from __future__ import annotations

from digest.services.catalog import author_pages, paper_presenters
from digest.services.delivery import resend_edition
from digest.services.editions import further_papers, web_view
from digest.services.preview import preview
from digest.web.http.dependencies import PageServices


def page_services() -> PageServices:
    """The production services."""
    return PageServices(
        preview=preview.preview,
        trending=paper_presenters.trending,
        trending_among=paper_presenters.trending_among,
        paper=paper_presenters.paper,
        author=author_pages.author,
        edition=web_view.web_view,
        further=further_papers.further_papers,
        resend=resend_edition.resend,
        refresh_previews=preview.refresh,
    )

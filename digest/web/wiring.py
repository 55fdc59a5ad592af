"""The services that the pages show, as they are in a real installation. Tests give others."""

from __future__ import annotations

from digest.services.catalog import paper_presenters
from digest.services.delivery import resend
from digest.services.editions import preview, web_view
from digest.web.http.dependencies import Given


def given() -> Given:
    """Everything real."""
    return Given(
        preview=preview.preview,
        trending=paper_presenters.trending,
        paper=paper_presenters.paper,
        author=paper_presenters.author,
        edition=web_view.web_view,
        resend=resend.resend,
    )

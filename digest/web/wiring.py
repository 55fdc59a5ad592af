"""The services that the pages show, as they are in a real installation. Tests give others."""

from __future__ import annotations

from digest.services import editions, listing, preview, resend
from digest.web.given import Given


def given() -> Given:
    """Everything real."""
    return Given(
        preview=preview.preview,
        trending=listing.trending,
        paper=listing.paper,
        author=listing.author,
        edition=editions.web_view,
        resend=resend.resend,
    )

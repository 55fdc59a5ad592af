"""The address of a feed: what somebody may type, and whether a feed that redirects permanently gets the new one.

Which redirects are followed at all: `redirect_policy.py`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from digest.errors import BadInput
from digest.sources.feed_identity import clean_link

MAX_ADDRESS = 2000


def checked_address(text: str) -> str:
    """The typed address of a feed. Raises BadInput where it is none of http or https, or carries a password."""
    address = "".join(text.split())
    if address.startswith("feed:"):
        address = address.removeprefix("feed:").removeprefix("//")
        address = address if address.startswith("http") else f"https://{address}"
    try:
        parts = urlsplit(address)
        is_web = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_web = False
    if not is_web or len(address) > MAX_ADDRESS or not address.isprintable():
        raise BadInput(
            "address: write the feed's web address, such as https://journal.example/feed.xml", field="address"
        )
    if parts.username or parts.password:
        raise BadInput("address: it must not carry a password", field="address")
    return address


def new_address(address: str, moved_to: str) -> str:
    """The address to store after permanent redirects, '' for none.

    One that differs by session and tracking parameters alone would change at each fetch.
    """
    if not moved_to or clean_link(moved_to) == clean_link(address):
        return ""
    try:
        return checked_address(moved_to)
    except BadInput:
        return ""

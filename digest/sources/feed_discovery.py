"""Feeds that a web page names (`<link rel="alternate" type="application/rss+xml" …>`). Pure.

https://html.spec.whatwg.org/multipage/links.html#rel-alternate
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

from digest.sources.decoding import decode

MAX_PAGE = 1_000_000  # characters of a page that are read
MAX_FEEDS = 5
_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "application/xml"}
)
_LINK = re.compile(r"<link\s([^<>]{0,2000})>", re.IGNORECASE)
_VALUE = re.compile(r"""([\w-]{1,30})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]{1,2000}))""")
_START = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?(?:<!DOCTYPE\s+html|<html|<head|<body)", re.I | re.S
)


def is_web_page(data: bytes) -> bool:
    """True for an HTML page."""
    return _START.match(decode(data[:8000])) is not None


def feeds_named_by(data: bytes, url: str) -> list[str]:
    """The addresses of the feeds that a page names, at most five; `url`: the page's own."""
    addresses: list[str] = []
    for link in _LINK.finditer(decode(data)[:MAX_PAGE]):
        values = {
            match[1].lower(): unescape(match[2] or match[3] or match[4] or "") for match in _VALUE.finditer(link[1])
        }
        kind = values.get("type", "").partition(";")[0].strip().lower()
        if "alternate" in values.get("rel", "").lower().split() and kind in _TYPES:
            addresses.append(_absolute(url, values.get("href", "")))
    return list(dict.fromkeys(address for address in addresses if address))[:MAX_FEEDS]


def _absolute(url: str, href: str) -> str:
    try:
        address = urljoin(url, href.strip()) if href.strip() else ""
        return address if urlsplit(address).scheme in {"http", "https"} and len(address) <= 2000 else ""
    except ValueError:
        return ""

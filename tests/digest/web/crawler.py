"""A client that follows every link, as mail scanners do. It presses no button."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from digest.errors import BadToken
from digest.services.security import signed_links
from digest.services.security.link_and_session_lifetimes import LIFETIMES
from tests.digest.web.conftest import Browser, path

SITE = "http://testserver"
_URL = re.compile(r"http://testserver[^\s<>\"')\]\\]*")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]+)?\.[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")


class _Addresses(HTMLParser):
    """Collects every address in a page that leads to this site: of links, forms and other elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in {"href", "src", "action", "formaction"} and value]


def addresses(text: str) -> list[str]:
    """The site's own addresses in a page, a feed or a mail, as paths."""
    plain = unescape(text).replace("\\/", "/")
    links = [*_Addresses(plain).links, *_URL.findall(plain)]
    paths = [path(link).partition("#")[0] or "/" for link in links]
    return list(dict.fromkeys(link for link in paths if link.startswith("/") and not link.startswith("//")))


def tokens(text: str) -> set[tuple[str, str]]:
    """Every signed token in a text, with its purpose."""
    return {(purpose, token) for token in _TOKEN.findall(text) for purpose in [purpose_of(token)] if purpose}


def purpose_of(token: str) -> str:
    """The purpose that this token was signed for; '' where it is none of ours."""
    for purpose, expires in LIFETIMES.items():
        try:
            if expires is None:
                signed_links.signer().read(purpose, token)
            else:
                _read_either(purpose, token)
        except BadToken:
            continue
        return purpose
    return ""


def _read_either(purpose: str, token: str) -> None:
    """Links that expire carry the time of signing, or are looked up with their request."""
    try:
        signed_links.signer().read(purpose, token)
    except BadToken:
        signed_links.signer().read_timed(purpose, token, max_age=10**9)


@dataclass
class Crawl:
    """The pages that a crawl fetched: text and status by path."""

    pages: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def everything(self) -> str:
        return "\n".join(self.pages.values())

    def broken(self, *, but: str) -> dict[str, int]:
        """Broken links, without addresses that begin with `but`: invented papers of a test have no author pages.

        303 and 405 are forms that only take POST, 429 the limit of previews.
        """
        return {
            page: status
            for page, status in self.statuses.items()
            if status not in {200, 303, 405, 429} and not page.startswith(but)
        }


def crawl(web: Browser, start: Iterable[str], *, most: int = 400, follow_public: bool = True) -> Crawl:
    """Open these addresses and everything they lead to within the site, each with HEAD and GET.

    Without `follow_public`, links of pages whose address holds no token are not followed.
    """
    crawled, waiting = Crawl(), [path(link) for link in start]
    while waiting and len(crawled.pages) < most:
        address = waiting.pop(0)
        if address in crawled.pages:
            continue
        head, response = web.head(address), web.get(address)
        assert head.status_code == response.status_code, address
        crawled.pages[address], crawled.statuses[address] = response.text + str(response.headers), response.status_code
        if follow_public or _TOKEN.search(address):
            waiting += [link for link in addresses(response.text) if link not in crawled.pages]
        if "location" in response.headers:
            waiting.append(path(response.headers["location"]))
    assert not [link for link in waiting if link not in crawled.pages], "the crawl was cut short"
    return crawled

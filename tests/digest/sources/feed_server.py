"""A local server of feeds, web pages and Crossref's answers, with faults, conditional requests and a log."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from tests.patience import PATIENCE

Reply = tuple[int, bytes, dict[str, str]]
LONG = "We measured the synapses of many animals over a year and found that they grow with use. " * 4


def item(number: int | str, *, day: str = "2026-08-05", title: str = "", doi: str = "", more: str = "") -> str:
    """An item of an RSS 2.0 feed with a DOI, an abstract and an author."""
    doi = doi or f"10.1234/exa.{number}"
    title = title or f"Synapses number {number} grow with use"
    return (
        f"<item><title>{escape(title)}</title><link>https://journal.example/doi/{doi}?af=R</link>"
        f"<prism:doi>{doi}</prism:doi><dc:creator>Robin Example, Ada Sample{number}</dc:creator>"
        f"<dc:date>{day}</dc:date><description>{escape(LONG)}{number}</description>{more}</item>"
    )


def feed(*items: str, title: str = "Journal of Examples") -> bytes:
    """An RSS 2.0 feed."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"><channel>'
        f"<title>{title}</title><link>https://journal.example/</link>{''.join(items)}</channel></rss>"
    ).encode()


def work(doi: str, **fields: object) -> bytes:
    """Crossref's answer about one work."""
    message = {"DOI": doi, "type": "journal-article", "title": ["A title"], **fields}
    return json.dumps({"status": "ok", "message-type": "work", "message": message}).encode()


@dataclass
class FeedServer:
    """Serves `pages` by path, and `works` as Crossref does. `faults` are used up first, one an answer."""

    pages: dict[str, bytes] = field(default_factory=dict)
    works: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    redirect_status: int = 302
    headers: dict[str, str] = field(default_factory=dict)
    faults: list[Callable[[bytes], Reply]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    etags: bool = True
    url: str = ""
    work_faults: list[Callable[[bytes], Reply]] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)  # bytes of the next bodies after which their answers stop
    stalled: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, headers: dict[str, str]) -> Reply:
        self.requests.append((path, headers))
        parts = urlsplit(path)
        if parts.path.startswith("/works/"):
            body = self.works.get(unquote(parts.path.removeprefix("/works/")))
            if self.work_faults:
                return self.work_faults.pop(0)(body or b"")
            rate = {"x-rate-limit-limit": "50", "x-rate-limit-interval": "1s"}
            return (200, body, rate) if body is not None else (404, b"Resource not found.", rate)
        if parts.path in self.redirects:
            return self.redirect_status, b"", {"Location": self.redirects[parts.path]}
        body = self.pages.get(parts.path, b"")
        if self.faults:
            return self.faults.pop(0)(body)
        if parts.path not in self.pages:
            return 404, b"", {}
        etag = f'"{hash(body)}"'
        if self.etags and headers.get("if-none-match") == etag:
            return 304, b"", {}
        return 200, body, {"Content-Type": "application/xml", **({"ETag": etag} if self.etags else {}), **self.headers}

    def paths(self, prefix: str) -> list[str]:
        return [unquote(urlsplit(path).path) for path, _ in self.requests if path.startswith(prefix)]


@contextmanager
def serving() -> Iterator[FeedServer]:
    feeds = FeedServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """The tests read `requests`."""

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body, extra = feeds.answer(self.path, headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "Connection": "close", **extra}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                if feeds.stalls:
                    self.wfile.write(body[: feeds.stalls.pop(0)])
                    feeds.stalled.set()
                    feeds.released.wait(PATIENCE)
                    return
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    feeds.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield feeds
    feeds.released.set()
    server.shutdown()
    server.server_close()


# --- faults


def too_many(_: bytes) -> Reply:
    return 429, b"slow down", {"Retry-After": "1"}


def cut(body: bytes) -> Reply:
    return 200, body[: len(body) * 2 // 3], {}


def web_page(_: bytes) -> Reply:
    return 200, b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>", {}


def entities(_: bytes) -> Reply:
    text = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>'
    )
    return 200, text, {}


def huge(_: bytes) -> Reply:
    return 200, b" ", {"Content-Length": str(2 * 1024**3)}


def bomb(_: bytes) -> Reply:
    return 200, gzip.compress(b" " * (64 * 1024 * 1024), 9), {"Content-Encoding": "gzip"}


def empty(_: bytes) -> Reply:
    return 200, b"", {}

"""A local server that answers as Zotero's and ORCID's APIs do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LibraryServer:
    """Answers by path. `requests`: path, query and headers of each request."""

    url: str = ""
    routes: dict[str, Callable[[Mapping[str, str]], Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.requests.append((parts.path, query, {name.lower(): value for name, value in headers.items()}))
        route = self.routes.get(parts.path)
        return route(query) if route else Answer(b"Not found", 404)

    def add(self, path: str, value: Any, **headers: str) -> None:
        """Answer that path with JSON."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self.routes[path] = lambda _: Answer(json.dumps(value).encode(), headers=named)

    def add_items(self, path: str, items: list[Any], **headers: str) -> None:
        """Answer that path with pages of the items."""

        def page(query: Mapping[str, str]) -> Answer:
            start, limit = int(query.get("start", 0)), int(query["limit"])
            named = {"Total-Results": str(len(items))} | {
                name.replace("_", "-"): text for name, text in headers.items()
            }
            return Answer(json.dumps(items[start : start + limit]).encode(), headers=named)

        self.routes[path] = page

    def refuse(self, path: str, status: int, body: bytes = b"Forbidden") -> None:
        """Answer that path with an error."""
        self.routes[path] = lambda _: Answer(body, status)


@contextmanager
def library_server() -> Iterator[LibraryServer]:
    """A running server."""
    server = LibraryServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = server.answer(self.path, dict(self.headers))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()

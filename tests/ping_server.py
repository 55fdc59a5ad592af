"""A local service that is called after runs, as a dead-man switch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class PingServer:
    """The service. `statuses`: of its next answers, then 200. `calls`: method, path and body of each request."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    calls: list[tuple[str, str, str]] = field(default_factory=list)


@contextmanager
def ping_server() -> Iterator[PingServer]:
    """A running service on a private address."""
    state = PingServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            state.calls.append((self.command, self.path, body))
            self.send_response(state.statuses.pop(0) if state.statuses else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

        do_GET = do_POST = _answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/ping/1b2c"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

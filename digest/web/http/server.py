"""The HTTP server: uvicorn on h11, with the limits on connections that uvicorn lacks.

| limit | against |
|---|---|
| `HEADER_TIMEOUT_SECONDS` from the first byte of a request to the end of its headers | slow headers (slowloris) |
| 16 KB of headers (h11) | large headers; answered with 400 |
| `middleware.BODY_TIMEOUT_SECONDS`, `middleware.MAX_BODY_BYTES` | slow and large bodies; answered with 408 and 413 |
| `RESPONSE_TIMEOUT_SECONDS` without progress in sending the response | clients that don't read |
| DIGEST_WEB_CONNECTIONS at once | many connections; the one with the oldest incomplete request is closed |

Other servers: granian limits the time of headers, but not of bodies; hypercorn limits the time between two reads, which
a client passes that sends a byte now and then. Either would need the time limit for bodies in the application as well,
and neither closes the slowest connection to make room for others.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest import logs

log = logs.get(__name__)

HEADER_TIMEOUT_SECONDS = 10.0
RESPONSE_TIMEOUT_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 5
SPARE_FILES = 200  # file descriptors besides connections: database, Redis, logs, files of the matching engine


class LimitedProtocol(H11Protocol):
    """A connection that is closed if its client is too slow."""

    max_connections = 2000
    seconds_for_headers = HEADER_TIMEOUT_SECONDS
    seconds_for_answer = RESPONSE_TIMEOUT_SECONDS
    _incomplete: dict[LimitedProtocol, None] = {}  # noqa: RUF012 - shared: connections with an incomplete request, oldest first

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request. If there are too many connections, close the slowest one."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections and self._incomplete:
            oldest = next(iter(self._incomplete))
            oldest._abort("no room for a client this slow")
        self._watch_request()

    def data_received(self, data: bytes) -> None:
        """Process the data, and check whether the request is complete."""
        super().data_received(data)
        self._watch_request()

    def on_response_complete(self) -> None:
        """Watch the next request, which may have begun already."""
        super().on_response_complete()
        self._watch_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._incomplete.pop(self, None)
        self._stop_header_timer()
        self._stop_answer_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the timer: the client reads the response more slowly than it is written."""
        self.flow.pause_writing()
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(self.seconds_for_answer, self._abort, "the answer was not read")

    def resume_writing(self) -> None:
        """Stop the timer: the client has read a part of the response."""
        self._stop_answer_timer()
        self.flow.resume_writing()

    def _watch_request(self) -> None:
        """Time the headers, and track connections with an incomplete request."""
        if self.transport.is_closing():
            return
        state = self.conn.their_state
        idle = state is h11.IDLE and self.timeout_keep_alive_task is not None
        if state is h11.IDLE and not idle:
            if self._header_timer is None:
                self._header_timer = self.loop.call_later(self.seconds_for_headers, self._abort, "no headers in time")
        else:
            self._stop_header_timer()
        if state in {h11.IDLE, h11.SEND_BODY}:
            self._incomplete.setdefault(self)
        else:
            self._incomplete.pop(self, None)

    def _abort(self, reason: str) -> None:
        """Reset the connection."""
        log.info("connection_cut", reason=reason)
        self._incomplete.pop(self, None)
        self.transport.abort()

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_answer_timer(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None


def server_config(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    connections: int = LimitedProtocol.max_connections,
    seconds_for_headers: float = HEADER_TIMEOUT_SECONDS,
) -> uvicorn.Config:
    """The configuration of uvicorn. `connections`: the maximum, reduced if the process may not open as many files."""
    limits = {
        "max_connections": min(connections, _raise_file_limit(connections + SPARE_FILES) - SPARE_FILES),
        "seconds_for_headers": seconds_for_headers,
        "_incomplete": {},
    }
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=type("ConfiguredProtocol", (LimitedProtocol,), limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def serve(app: ASGIApp, *, host: str, port: int, connections: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = uvicorn.Server(server_config(app, host=host, port=port, connections=connections))
    with suppress(KeyboardInterrupt):  # uvicorn drains, then raises the signal again
        server.run()


def _raise_file_limit(desired: int) -> int:
    """Raise the soft limit of open files to `desired`, as far as the hard limit allows. Returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= desired:
        return max(desired, SPARE_FILES + 10) if soft == resource.RLIM_INFINITY else soft
    new_limit = desired if hard == resource.RLIM_INFINITY else min(desired, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (new_limit, hard))
    return new_limit

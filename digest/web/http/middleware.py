"""ASGI middleware for every request: a bounded body, HEAD as GET, and security headers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.bibliography.import_limits import MAX_BYTES

MAX_BODY_BYTES = 64 * 1024
MAX_HEAD_BYTES = 16 * 1024
BODY_TIMEOUT_SECONDS = 15.0  # for any request; 64 KB in that time are 35 kbit/s
UPLOAD_PATH = re.compile(r"/start-from-papers|/api/v1/library|/preferences/[^/]{1,2000}")
MAX_UPLOAD_BYTES = MAX_BYTES + MAX_BODY_BYTES  # a file and the fields of its form
UPLOAD_TIMEOUT_SECONDS = 60.0
MAX_UPLOADS = 4  # at the same time; each is held in memory
CLIENT_DISCONNECTED = -1


def csp_hash(text: str) -> str:
    """The CSP source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_security_policy(*, styles: str, scripts: str = "") -> str:
    """A Content-Security-Policy that allows nothing from elsewhere, and only these inline styles and scripts."""
    directives = {
        "default-src": "'none'",
        "style-src": styles,
        "script-src": scripts or "'none'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class BoundedBody:
    """Reads the whole body before the application sees the request, so that a slow client does not occupy a thread.

    More than `MAX_BODY_BYTES` are refused with 413, a body that takes longer than `seconds` with 408. Both responses
    close the connection, because the rest of the body may still arrive. The paths that take files allow more of both,
    for few requests at the same time (429).
    """

    def __init__(
        self, app: ASGIApp, refuse: Callable[[Scope, int], Response], *, seconds: float = BODY_TIMEOUT_SECONDS
    ) -> None:
        self.app, self.refuse, self.seconds = app, refuse, seconds
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, body = await self._read(scope, receive)
        if status == CLIENT_DISCONNECTED:
            return
        if status:
            refusal = self.refuse(scope, status)
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        await self.app(scope, _replay_body(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        """The body with status 0, or the status of the refusal."""
        if refused := _refused_head(scope):
            return refused, b""
        is_upload = scope["method"] == "POST" and UPLOAD_PATH.fullmatch(scope["path"]) is not None
        limit, seconds = (MAX_UPLOAD_BYTES, UPLOAD_TIMEOUT_SECONDS) if is_upload else (MAX_BODY_BYTES, self.seconds)
        length = Headers(scope=scope).get("content-length", "0")
        if len(length) > 20 or int(length) > limit:
            return 413, b""
        if is_upload and self._uploads >= MAX_UPLOADS:
            return 429, b""
        self._uploads += is_upload
        try:
            async with asyncio.timeout(seconds):
                return await _read_body(receive, limit)
        except TimeoutError:
            return 408, b""
        finally:
            self._uploads -= is_upload


def _refused_head(scope: Scope) -> int:
    """The status to refuse a request with by its head; 0 for none."""
    if _head_size(scope) > MAX_HEAD_BYTES:
        return 431
    length = Headers(scope=scope).get("content-length", "0")
    has_nul = "\x00" in scope["path"] or b"%00" in scope["query_string"]  # no valid text contains it
    return 400 if has_nul or not (length.isascii() and length.isdigit()) else 0


def _head_size(scope: Scope) -> int:
    """Bytes of the URL and headers. The server's own limit works only for heads that arrive in several parts."""
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return address + sum(len(name) + len(value) for name, value in scope["headers"])


async def _read_body(receive: Receive, limit: int) -> tuple[int, bytes]:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return CLIENT_DISCONNECTED, b""
        body += message.get("body", b"")
        if len(body) > limit:
            return 413, b""
        if not message.get("more_body", False):
            return 0, bytes(body)


def _replay_body(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns the body first, then waits for the client as before."""
    pending_messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return pending_messages.pop() if pending_messages else await receive()

    return receive_replayed


class HeadAsGet:
    """Answers HEAD with the headers of GET and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle HEAD as GET, and drop the body."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, without_body)


class SafeHeaders:
    """Adds the security headers to every response; a response may have its own policy."""

    def __init__(self, app: ASGIApp, content_policy: str, *, https: bool) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": content_policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Frame-Options": "DENY",
        }
        if https:
            self.headers["Strict-Transport-Security"] = "max-age=31536000"
        self._encoded = tuple((name.lower().encode(), value.encode()) for name, value in self.headers.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the missing headers to its response."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                present = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(header for header in self._encoded if header[0] not in present)]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)

"""Where files may be uploaded, how large, and how many at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from digest.web.http.middleware import MAX_BODY_BYTES, MAX_UPLOAD_BYTES, MAX_UPLOADS, BoundedBody


async def accept(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=204)(scope, receive, send)


def scope_of(path: str, length: int, method: str = "POST") -> dict[str, Any]:
    headers = [(b"content-length", str(length).encode())]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }


async def status_of(bounded: BoundedBody, scope: dict[str, Any], receive: Receive) -> int:
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await bounded(scope, receive, send)
    return statuses[0]


async def empty_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def bounded_body() -> BoundedBody:
    return BoundedBody(accept, lambda _, status: Response(status_code=status))


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        ("/start-from-papers", MAX_UPLOAD_BYTES, 204),
        ("/start-from-papers", MAX_UPLOAD_BYTES + 1, 413),
        ("/api/v1/library", MAX_UPLOAD_BYTES, 204),
        ("/preferences/token", MAX_UPLOAD_BYTES, 204),
        ("/preferences/token/more", MAX_BODY_BYTES + 1, 413),
        ("/subscribe", MAX_BODY_BYTES, 204),
        ("/subscribe", MAX_BODY_BYTES + 1, 413),
        ("/api/v1/library/x", MAX_BODY_BYTES + 1, 413),
    ],
)
def test_only_the_paths_of_libraries_take_large_bodies(path: str, length: int, status: int) -> None:
    assert asyncio.run(status_of(bounded_body(), scope_of(path, length), empty_body)) == status


def test_few_uploads_are_read_at_the_same_time() -> None:
    async def uploads() -> tuple[int, list[int]]:
        bounded, arrived = bounded_body(), asyncio.Event()

        async def slow_body() -> Message:
            await arrived.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = scope_of("/start-from-papers", 1)
        waiting = [asyncio.create_task(status_of(bounded, scope, slow_body)) for _ in range(MAX_UPLOADS)]
        await asyncio.sleep(0)
        refused = await status_of(bounded, scope, empty_body)
        arrived.set()
        return refused, [*await asyncio.gather(*waiting), await status_of(bounded, scope, empty_body)]

    refused, others = asyncio.run(uploads())

    assert refused == 429
    assert set(others) == {204}

"""The application on a real socket, served as `digest web` serves it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from digest.web.http import server
from tests.patience import PATIENCE


@contextmanager
def serving(app: FastAPI, **limits: Any) -> Iterator[tuple[str, int]]:
    """Serve until the block ends; gives host and port. `limits`: of `server.configuration`."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    running = uvicorn.Server(server.server_config(app, **limits))
    thread = threading.Thread(target=running.run, args=([listening],), name="web")
    thread.start()
    try:
        yield listening.getsockname()[:2]
    finally:
        running.should_exit = running.force_exit = True
        thread.join()
        listening.close()


async def send_at_once(address: tuple[str, int], requests: list[bytes]) -> list[bytes]:
    """Open a connection for each request, send all requests in the same moment, and read each response to its end."""
    connections = [await asyncio.open_connection(*address) for _ in requests]
    for (_, writer), request in zip(connections, requests, strict=True):
        writer.write(request)
    responses = await asyncio.gather(*(asyncio.wait_for(stream.read(), PATIENCE) for stream, _ in connections))
    for _, writer in connections:
        writer.close()
    return list(responses)


def form_post(path: str, body: str, *, headers: str = "") -> bytes:
    """A form's POST as bytes; the connection closes after the answer."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()

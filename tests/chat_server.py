"""A local server that speaks OpenAI's chat completions, with the faults of real ones."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Reply:
    """An answer as it goes out."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


def completion(text: object, finish_reason: str = "stop") -> Reply:
    """A chat completion with this content."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}}
    return Reply(body=json.dumps({"object": "chat.completion", "choices": [choice]}).encode())


Answer = Callable[[str], Reply]  # by the paper's title


@dataclass(slots=True)
class ChatServer:
    """The server: how it answers, and what it was sent."""

    answer: Answer
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """The titles it was asked about."""
        return [title_of(body) for body in self.bodies]


def title_of(body: dict[str, Any]) -> str:
    """The paper's title in a request."""
    return str(body["messages"][-1]["content"]).partition("\n")[0].removeprefix("Title: ")


@contextmanager
def chat_server(answer: Answer) -> Iterator[ChatServer]:
    """A running server."""
    state = ChatServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.bodies.append(body)
            state.keys.append(self.headers.get("Authorization"))
            state.paths.append(self.path)
            reply = state.answer(title_of(body))
            time.sleep(reply.delay)
            self.send_response(reply.status)
            for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the client may have had enough
                self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()

"""An exchange with a source ends at its deadline, however the answer comes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from digest.errors import SourceDown
from digest.sources import http
from digest.sources.request_turns import Pacing, wait_for_turn
from tests.digest.bibliography.library_server import Answer, library_server

HEADERS = b"HTTP/1.1 200 OK\r\n"
PIECES = 300


@contextmanager
def dripping(at_once: bytes, piece: bytes, end: bytes) -> Iterator[str]:
    """The address of a server that answers with `at_once`, then with the piece many times, a little time apart."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(at_once)
            try:
                for _ in range(PIECES):
                    connection.sendall(piece)
                    time.sleep(0.05)
                connection.sendall(end)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    with server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("at_once", "piece", "end"),
    [
        (HEADERS, b"x", b": y\r\nContent-Length: 2\r\n\r\nok"),
        (HEADERS, b"X-A: b\r\n", b"Content-Length: 2\r\n\r\nok"),
        (HEADERS + b"Connection: close\r\n\r\n", b"a", b""),
        (HEADERS + b"Content-Length: 300\r\n\r\n", b"a", b""),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 300\r\n\r\n", b"a", b""),
        (b"", b"", HEADERS + b"Content-Length: 2\r\n\r\nok"),
    ],
    ids=["a header", "headers", "an endless body", "a body", "an error", "nothing"],
)
def test_an_answer_that_drips_ends_at_the_deadline(
    configured: Callable[..., None], at_once: bytes, piece: bytes, end: bytes
) -> None:
    with dripping(at_once, piece, end) as address:
        request = http.SourceRequest(address, Pacing("drip"), seconds=0.25)
        with pytest.raises(SourceDown, match="did not answer in time"):
            http.fetch(request, bytes, tries=1)


def test_the_wait_for_a_turn_counts_towards_the_deadline_of_who_waits(
    configured: Callable[..., None],
) -> None:
    pacing, has_turn = Pacing("held"), threading.Event()
    with dripping(b"", b"", HEADERS + b"Content-Length: 2\r\n\r\nok") as address:
        thread = threading.Thread(target=hold_turn, args=(pacing, has_turn, 0.7))
        thread.start()
        assert has_turn.wait(10)
        request = http.SourceRequest(address, pacing, deadline=time.monotonic() + 1.0)
        with pytest.raises(SourceDown, match="in time"):
            http.fetch(request, bytes, tries=3)
        thread.join()


def hold_turn(pacing: Pacing, has_turn: threading.Event, seconds: float) -> None:
    with wait_for_turn(pacing):
        has_turn.set()
        time.sleep(seconds)


def test_redirects_and_retries_share_the_deadline(configured: Callable[..., None]) -> None:
    with library_server() as server:
        requests = iter(range(1, 100))

        def slow_redirect(_: object) -> Answer:
            time.sleep(0.4)
            return Answer(b"", 302, {"Location": f"{server.url}/{next(requests)}"})

        server.routes |= {"/": slow_redirect} | {f"/{number}": slow_redirect for number in range(1, 100)}
        request = http.SourceRequest(f"{server.url}/", Pacing("redirects"), deadline=time.monotonic() + 0.6)
        with pytest.raises(SourceDown, match="in time"):
            http.fetch(request, bytes, tries=5)

    assert len(server.requests) <= 2


def test_after_the_deadline_nothing_is_sent(configured: Callable[..., None]) -> None:
    with library_server() as server:
        request = http.SourceRequest(f"{server.url}/", Pacing("late"), deadline=time.monotonic())
        with pytest.raises(SourceDown, match="in time"):
            http.fetch(request, bytes)

    assert server.requests == []

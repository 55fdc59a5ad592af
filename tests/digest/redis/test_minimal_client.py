"""Asking a Redis without the client library gives what the library gives, and an error in one line."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from digest.errors import Misconfigured, Transient
from digest.redis import PrivateRedis, connect, minimal_client


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateRedis]:
    with PrivateRedis() as private_redis:
        yield private_redis


def test_progress_is_what_the_store_says(server: PrivateRedis) -> None:
    store = connect(server.url)
    store.record_progress("host:1")
    store.record_progress("host:2", "scheduler")

    now, stamps = minimal_client.progress(server.url, "worker")

    assert stamps.keys() == store.progress().keys() == {"host:1"}
    assert 0 <= now - stamps["host:1"] < 60
    store.close()


def test_the_password_and_the_number_of_the_database_are_sent_first(server: PrivateRedis) -> None:
    minimal_client.request_once(f"{server.url}?db=3", ("SET", "only-there", "1"))

    assert minimal_client.request_once(server.url, ("GET", "only-there")) == [None]
    assert minimal_client.request_once(f"{server.url}?db=3", ("GET", "only-there")) == [b"1"]
    with pytest.raises(Transient, match="Redis does not answer: ERR AUTH"):
        minimal_client.request_once(server.url.replace("unix://", "unix://:secret@"), ("PING",))


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [(b"", "no answer"), (b"HTTP/1.1 400 Bad Request\r\n", "Redis's protocol"), (b"-LOADING busy\r\n", "LOADING")],
)
def test_a_server_that_is_no_redis_is_reported_in_one_line(reply: bytes, complaint: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with listening.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Transient, match=complaint):
            minimal_client.ping(f"redis://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:6379", ""])
def test_an_address_of_something_else_is_misconfigured(url: str) -> None:
    with pytest.raises(Misconfigured, match="DIGEST_REDIS_URL: expected"):
        minimal_client.ping(url)

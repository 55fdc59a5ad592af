"""The server on a real socket: slow, half-open and hostile clients are cut off, others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from fastapi import FastAPI

from digest.web.app import build
from digest.web.http.middleware import BoundedBody
from tests.digest.web.conftest import PAGE_SERVICES, RecordingQueue
from tests.digest.web.live import form_post, serving
from tests.patience import PATIENCE

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

HALF_OPEN = b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nad"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
Address = tuple[str, int]


@pytest.fixture
def app(settled: None) -> FastAPI:
    return build(RecordingQueue(), PAGE_SERVICES)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of a request body is half a second."""
    original = BoundedBody.__init__
    monkeypatch.setattr(BoundedBody, "__init__", lambda self, app, refuse: original(self, app, refuse, seconds=0.5))


async def exchange(address: Address, request: bytes) -> bytes:
    """Send, and read until the server closes."""
    stream, writer = await asyncio.open_connection(*address)
    try:
        writer.write(request)
        return await asyncio.wait_for(stream.read(), PATIENCE)
    except ConnectionError:
        return b""
    finally:
        await close(writer)


async def close(*writers: asyncio.StreamWriter) -> None:
    """Close connections, some of which the server has cut off."""
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def ask(app: FastAPI, request: bytes, **limits: object) -> bytes:
    with serving(app, **limits) as address:
        return asyncio.run(exchange(address, request))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_a_body_that_does_not_come_is_answered_with_408_and_the_connection_closed(
    app: FastAPI, impatient: None
) -> None:
    response = ask(app, HALF_OPEN)

    assert status(response) == 408
    assert b"connection: close" in response.lower()


async def dripping(address: Address, head: bytes) -> bytes:
    """Send a byte each 50 ms for as long as the server accepts them."""
    stream, writer = await asyncio.open_connection(*address)
    writer.write(head)
    response = asyncio.ensure_future(stream.read())
    while not response.done():
        writer.write(b"a")
        await asyncio.wait([response], timeout=0.05)
    await close(writer)
    return b"" if response.exception() else response.result()


def test_a_body_that_drips_is_cut_off_too(app: FastAPI, impatient: None) -> None:
    with serving(app) as address:
        response = asyncio.run(asyncio.wait_for(dripping(address, HALF_OPEN), PATIENCE))

    assert status(response) in {0, 408}


@pytest.mark.parametrize(
    "head", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\nX-", HEALTH.replace(b"close", b"keep-alive") + b"GET"]
)
def test_headers_that_drip_are_cut_off(app: FastAPI, head: bytes) -> None:
    with serving(app, seconds_for_headers=0.5) as address:
        response = asyncio.run(asyncio.wait_for(dripping(address, head), PATIENCE))

    assert status(response) in {0, 200}


def test_others_are_served_while_many_bodies_are_half_open(app: FastAPI) -> None:
    async def attack(address: Address) -> list[int]:
        attackers = [await asyncio.open_connection(*address) for _ in range(200)]
        for _, writer in attackers:
            writer.write(HALF_OPEN)
        served = [status(await exchange(address, HEALTH)) for _ in range(20)]
        await close(*(writer for _, writer in attackers))
        return served

    with serving(app) as address:
        assert asyncio.run(attack(address)) == [200] * 20


def test_at_the_connection_limit_the_slowest_connection_is_closed(app: FastAPI) -> None:
    async def attack(address: Address) -> tuple[list[int], int]:
        attackers = [await asyncio.open_connection(*address) for _ in range(30)]
        for _, writer in attackers:
            writer.write(HALF_OPEN)
        served = [status(await exchange(address, HEALTH)) for _ in range(5)]
        first, _ = attackers[0]
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(first.read(), PATIENCE) == b""
        cut = sum(stream.at_eof() or stream.exception() is not None for stream, _ in attackers)
        await close(*(writer for _, writer in attackers))
        return served, cut

    with serving(app, connections=20) as address:
        served, cut = asyncio.run(attack(address))

    assert served == [200] * 5
    assert 10 <= cut < 30


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET \xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n" * 50_000,
    ],
    ids=lambda head: repr(head[:30]) + str(len(head)),
)
def test_a_request_that_is_no_http_is_refused(app: FastAPI, request_head: bytes) -> None:
    response = ask(app, request_head, seconds_for_headers=1.0)

    assert status(response) in {0, 400, 413, 431, 501}  # 0: reset while still sending
    assert b"Traceback" not in response


@pytest.mark.parametrize(
    "headers",
    [
        "X-Forwarded-For: " + ", ".join(["203.0.113.7"] * 800) + "\r\n",
        "X-Forwarded-For: \xff\xfe, nonsense\r\n",
        "Cookie: " + "; ".join(f"c{n}=1" for n in range(1500)) + "\r\n",
        "Cookie: __Host-digest_admin=\xe4\xf6\r\n",
        "Accept-Language: " + "de," * 4000 + "\r\n",
        "Authorization: Bearer \xff\r\n",
        "X-Many: 1\r\n" * 1000,
        "Origin: \xff\r\nSec-Fetch-Site: \xff\r\n",
    ],
    ids=lambda text: text[:20] + str(len(text)),
)
def test_strange_headers_never_break_a_page(app: FastAPI, headers: str) -> None:
    with serving(app) as address:
        for path in ("/", "/admin", "/readyz", "/metrics", "/api/v1/papers", "/feeds/x.atom"):
            head = f"GET {path} HTTP/1.1\r\nHost: \xff:99999999\r\n{headers}Connection: close\r\n\r\n"

            assert 200 <= status(asyncio.run(exchange(address, head.encode("latin-1")))) < 500, path


JSON = "Content-Type: application/json\r\n"
BODIES = {
    "deep lists": "[" * 60_000,
    "deep objects": '{"a":' * 12_000,
    "closed and deep": "[" * 30_000 + "]" * 30_000,
    "deep where a text is expected": '{"address": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "a number of many digits": '{"address": "a@digest.example", "limit": ' + "9" * 50_000 + "}",
    "not a number": '{"address": "a@digest.example", "limit": NaN}',
    "a lone surrogate": '{"address": "a\\ud800@digest.example"}',
    "a lone surrogate in a topic": '{"address": "a@digest.example", "topics": ["\\ud800"]}',
    "a NUL in a topic": '{"address": "a@digest.example", "topics": ["a\\u0000b"]}',
    "many keys": "{" + ",".join(f'"k{n}": 1' for n in range(5000)) + "}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", ["/api/v1/subscriptions", "/api/v1/preview"])
def test_a_hostile_json_body_is_a_clear_4xx(app: FastAPI, path: str, body: str) -> None:
    response = ask(app, form_post(path, body).replace(b"application/x-www-form-urlencoded", b"application/json"))

    assert status(response) in {400, 422}
    assert b'"detail"' in response


def test_a_redirect_is_never_made_from_the_host_header(app: FastAPI) -> None:
    request = b"GET /trending/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    response = ask(app, request)

    assert status(response) == 303
    assert b"location: /trending\r\n" in response.lower()
    assert b"evil.example" not in response

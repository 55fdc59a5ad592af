"""Redirects of sources: keys are not forwarded; no redirect to plain HTTP or into a private network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from digest.errors import SourceDown
from digest.sources import http
from digest.sources.http import SourceRequest
from digest.sources.redirect_policy import redirect_request
from digest.sources.request_turns import Pacing
from tests import wire_server
from tests.digest.sources.test_command import ingest
from tests.wire_server import WireServer

KEY = (("x-api-key", "secret"),)


class Recorder:
    """An HTTP server that answers all with `status`, and remembers each request."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        self.status, self.location = status, location
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.requests.append((self.command, self.path, headers, body))
                self.send_response(owner.status)
                if owner.location:
                    self.send_header("Location", owner.location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_POST = do_GET  # noqa: N815 - the base class asks for this name

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def servers(configured: Any) -> Iterator[tuple[Recorder, Recorder]]:
    """Two servers; the first one redirects to the second."""
    configured(SOURCE_PATIENCE=0)
    target = Recorder()
    first = Recorder(307, f"{target.url}/papers?page=2")
    yield first, target
    for recorder in (first, target):
        recorder.server.shutdown()
        recorder.server.server_close()


def ask(url: str, **more: Any) -> bytes:
    return http.fetch(SourceRequest(url, Pacing("test"), headers=KEY, **more), bytes)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_key_goes_along_to_another_origin(servers: tuple[Recorder, Recorder], status: int) -> None:
    first, target = servers
    first.status = status

    assert ask(first.url, params=(("api_key", "secret"),)) == b"ok"
    assert first.requests[0][2]["x-api-key"] == "secret"
    assert "secret" not in str(target.requests)
    assert target.requests[0][:2] == ("GET", "/papers?page=2")


def test_a_key_stays_on_the_same_origin(servers: tuple[Recorder, Recorder]) -> None:
    first, _ = servers
    first.location = "/moved"
    with pytest.raises(SourceDown, match="more than 3 times"):
        ask(first.url)

    assert [request[2]["x-api-key"] for request in first.requests] == ["secret"] * 4


def test_a_request_body_is_not_sent_to_another_origin(servers: tuple[Recorder, Recorder]) -> None:
    first, target = servers
    with pytest.raises(SourceDown, match="not followed"):
        ask(first.url, body=b'{"ids": []}')

    assert target.requests == []


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_to_another_resource_is_followed_with_get(servers: tuple[Recorder, Recorder], status: int) -> None:
    first, target = servers
    first.status = status
    ask(first.url, body=b'{"ids": []}')

    assert target.requests[0][0] == "GET"
    assert target.requests[0][3] == b""


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/latest",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:8000/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[64:ff9b:1::127.0.0.1]/",
        "http://[64:ff9b:1::8.8.8.8]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:0:10.0.0.1]/",
        "http://[2002:a00:1::1]/",
        "http://[2001:0:a00:1::f7f7:f7f7]/",
        "http://[2a00:1450::5efe:10.0.0.1]/",
        "http://[fd00::5efe:8.8.8.8]/",
        "http://[fec0::1]/",
        "http://[fd00::1]/",
        "http://127.1/",
        "http://2130706433/",
        "http://0.0.0.0/",
        "http://localhost/",
        "//localhost:6379/",
        "http://224.0.0.1/",
    ],
)
def test_a_private_address_is_not_followed(location: str) -> None:
    plain_request = SourceRequest("http://export.example/oai", Pacing("test"))
    with pytest.raises(SourceDown, match="private network") as refused:
        redirect_request(plain_request, 302, location, configured_host="export.example")

    assert not refused.value.retryable


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://export.example/oai", "not encrypted"),
        ("http://8.8.8.8/", "not encrypted"),
        ("ftp://export.example/oai", "not http"),
        ("file:///etc/passwd", "not http"),
        ("https://user:pw@export.example/", "password"),
        ("https://[::1/", "no address"),
        ("https://export.example:99999/", "no address"),
    ],
)
def test_an_encrypted_source_stays_encrypted_and_well_formed(location: str, reason: str) -> None:
    with pytest.raises(SourceDown, match=reason):
        redirect_request(
            SourceRequest("https://export.example/oai", Pacing("test")), 302, location, configured_host="export.example"
        )


def test_a_public_address_is_pinned_so_that_a_second_look_up_cannot_differ() -> None:
    new_request = redirect_request(
        SourceRequest("https://export.example/", Pacing("test")), 302, "https://8.8.4.4/x", configured_host="e.example"
    )

    assert (new_request.address, new_request.url) == ("8.8.4.4", "https://8.8.4.4/x")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_says_in_one_line_why_a_redirect_was_not_followed(database: str, wire: WireServer) -> None:
    wire.fail("rss", wire_server.status(302, Location="http://169.254.169.254/latest/meta-data/"), times=9)
    outcome = ingest("arxiv-rss")

    assert outcome.returncode == 1
    assert "169.254.169.254" in outcome.stderr
    assert "private network" in outcome.stderr

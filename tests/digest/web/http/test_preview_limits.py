"""Previews: their cost is bounded, few run at once, and one stops when its client disconnects."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from digest.errors import Cancelled
from digest.matching.profile import Profile
from digest.matching.profile_limits import MAX_PREFIXES, MAX_WORDS
from digest.services.catalog.page_schemas import Preview
from digest.web.app import build
from digest.web.http.preview_limits import PreviewSlots
from tests.browser.site import serving
from tests.digest.web.conftest import PAGE_SERVICES, Browser, RecordingQueue
from tests.patience import PATIENCE

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def topics_of_short_prefixes() -> str:
    """The largest input that the form accepts: 20 topics of 500 characters."""
    alphabet = "abcdefghijklmnopqrst"
    return "\n".join(" OR ".join(f"{first}{second}*" for second in alphabet * 3) for first in alphabet)


@SQLITE
def test_twenty_topics_of_two_letter_prefixes_are_refused_with_the_reason(web: Browser) -> None:
    response = web.post("/api/v1/preview", json={"topics": topics_of_short_prefixes()})

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "topics"


@SQLITE
@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("ab* OR model", "‘ab*’ begins too many words; write 3 letters or more"),
        ("all:ab*", "‘ab*’ begins too many words"),
        ("au:Li*", "‘Li*’ begins too many words"),
        ("protein ANDNOT ti:ab*", "‘ab*’ begins too many words"),
    ],
)
def test_a_short_prefix_is_refused_wherever_it_stands(web: Browser, topic: str, message: str) -> None:
    response = web.post("/api/v1/preview", json={"topics": [topic]})

    assert response.status_code == 422
    assert message in response.json()["detail"]


@SQLITE
@pytest.mark.parametrize("field", ["topics", "exclusions"])
def test_too_many_prefixes_are_refused(web: Browser, field: str) -> None:
    lines = [f"wor{chr(97 + n)}* OR fam{chr(97 + n)}*" for n in range(MAX_PREFIXES // 2 + 1)][:20]
    response = web.post("/api/v1/preview", json={"topics": ["graphs", *lines[10:]], "exclusions": lines[:10]})

    assert response.status_code == 422
    assert f"at most {MAX_PREFIXES}" in response.json()["detail"]


@SQLITE
def test_more_words_than_can_be_matched_quickly_are_refused(web: Browser) -> None:
    topics = [" OR ".join(f"word{chr(97 + i)}{chr(97 + n)}" for n in range(MAX_WORDS // 20 + 2)) for i in range(20)]
    response = web.post("/subscribe", data={"topics": "\n".join(topics), "address": "ada@digest.example"})

    assert response.status_code == 422
    assert f"at most {MAX_WORDS}" in response.text


@SQLITE
def test_a_long_but_ordinary_profile_is_accepted(web: Browser) -> None:
    topics = [f'"deep learning*" AND (protein OR molecule OR ligand{chr(97 + n)}) ANDNOT survey' for n in range(20)]

    assert web.post("/api/v1/preview", json={"topics": topics}).status_code == 200


class SlowPreview:
    """A preview that runs until its client has disconnected."""

    def __init__(self) -> None:
        self.started, self.stopped = threading.Event(), threading.Event()

    def __call__(
        self, profile: Profile, *, days: int, limit: int, cancelled: Callable[[], bool], **_: object
    ) -> Preview:
        self.started.set()
        deadline = time.monotonic() + PATIENCE
        while not cancelled() and time.monotonic() < deadline:
            time.sleep(0.01)
        if cancelled():
            self.stopped.set()
        raise Cancelled("nobody waits")


@pytest.fixture
def slow(settled: None, queue: RecordingQueue) -> Iterator[tuple[str, SlowPreview]]:
    preview = SlowPreview()
    with serving(lambda _: build(queue, replace(PAGE_SERVICES, preview=preview))) as url:
        yield url, preview


@SQLITE
@pytest.mark.parametrize("request_head", ["GET /?topics=graphs", "POST /preview", "POST /api/v1/preview"])
def test_the_work_stops_when_its_client_has_gone(slow: tuple[str, SlowPreview], request_head: str) -> None:
    url, preview = slow
    kind = "application/json" if "api" in request_head else "application/x-www-form-urlencoded"
    body = b'{"topics": ["graphs"]}' if "api" in request_head else b"topics=graphs"
    head = f"{request_head} HTTP/1.1\r\nHost: digest.example\r\nContent-Type: {kind}\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert preview.started.wait(PATIENCE)

    assert preview.stopped.wait(PATIENCE)


@SQLITE
def test_a_full_queue_asks_to_come_again(web: Browser) -> None:
    web.app.state.preview_slots = slots = PreviewSlots(max_running=1, max_waiting=0)
    with slots.slot():
        refused = web.post("/api/v1/preview", json={"topics": ["graphs"]})
    accepted = web.post("/api/v1/preview", json={"topics": ["graphs"]})

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert accepted.status_code == 200

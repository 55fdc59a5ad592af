"""What every request passes: bounds, HEAD, headers, calm errors, and who is asking."""

from __future__ import annotations

import pytest

from digest.services import links
from digest.web.client import UNKNOWN, client_of
from tests.digest.web.conftest import Browser, everything, path, subscribed

PUBLIC = ("/", "/trending", "/trending/cs.LG", "/papers/1", "/authors/Ming%20Yin", "/healthz", "/readyz")


@pytest.mark.parametrize("page", PUBLIC)
def test_head_is_get_without_the_body(web: Browser, page: str) -> None:
    get, head = web.get(page), web.head(page)

    assert (head.status_code, head.headers, head.text) == (get.status_code, get.headers, "")
    assert get.status_code == 200


@pytest.mark.parametrize("page", [*PUBLIC, "/nothing", "/api/v1/papers"])
def test_every_answer_keeps_to_itself(web: Browser, page: str) -> None:
    headers = web.get(page).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("page", PUBLIC[:5])
def test_a_page_asks_nothing_of_other_places(web: Browser, page: str) -> None:
    text = web.get(page).text

    assert "<script src" not in text
    assert 'rel="stylesheet"' not in text
    assert "@import" not in text
    assert "<img" not in text


def test_looking_at_public_pages_changes_nothing(web: Browser) -> None:
    subscribed(web)
    before = everything()
    for page in (*PUBLIC, "/?topics=graphs", path(links.edition(1)), "/api/v1/papers", "/api/v1/openapi.json"):
        assert web.get(page).status_code == 200

    assert everything() == before


@pytest.mark.parametrize("page", ["/subscribe", "/preview", "/api/v1/subscriptions"])
def test_a_body_of_more_than_64_kilobytes_is_refused(web: Browser, page: str) -> None:
    answer = web.post(page, content=b"topics=" + b"a" * 65_536)

    assert answer.status_code == 413


def test_a_body_that_grows_beyond_its_bound_is_refused(web: Browser) -> None:
    async def growing() -> object:
        for _ in range(70):
            yield b"a" * 1024

    answer = web.post("/subscribe", content=growing())

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "page", ["/nothing", "/papers/999", "/papers/abc", "/papers/99999999999", "/trending/x%20y", "/authors/Nobody"]
)
def test_what_does_not_exist_is_a_calm_404(web: Browser, page: str) -> None:
    answer = web.get(page)

    assert answer.status_code == 404
    assert "<h1>Nothing here</h1>" in answer.text


def test_a_missing_api_path_is_json(web: Browser) -> None:
    assert "error" in web.get("/api/v1/nothing").json()


def test_a_broken_form_is_a_calm_400(web: Browser) -> None:
    answer = web.post(
        "/subscribe", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"}
    )

    assert answer.status_code in {400, 422}
    assert "Traceback" not in answer.text


def test_a_file_in_a_form_is_refused(web: Browser) -> None:
    assert web.post("/subscribe", files={"topics": ("a.txt", b"graphs")}).status_code == 400


def test_a_topic_with_markup_is_shown_as_text(web: Browser) -> None:
    answer = web.get("/", params={"topics": "</textarea><script>alert(1)</script>"})

    assert "<script>alert" not in answer.text


def test_an_edition_brings_its_own_policy_without_scripts(web: Browser) -> None:
    answer = web.get(path(links.edition(4)))

    assert "Edition 4" in answer.text
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "nonsense", UNKNOWN),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8:1:2:aaaa::1", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("testclient", "", UNKNOWN),
    ],
)
def test_forwarded_addresses_count_from_trusted_proxies_alone(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, ("10.0.0.0/8",)) == client

"""Middleware: size limits, HEAD, headers, error pages, and the client's address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from digest import settings
from digest.services.admin import doctor
from digest.services.security import api_tokens, proxy_warning, signed_links
from digest.signing import healthcheck_token
from digest.web.http.client_ip import UNKNOWN, client_of, is_untrusted_proxy
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, METRICS, Browser, everything, mails, path, subscribed

PUBLIC = ("/", "/trending", "/trending/cs.LG", "/papers/1", "/authors/Ming%20Yin", "/healthz", "/readyz")


@MAINLY_SQLITE
@pytest.mark.parametrize("page", PUBLIC)
def test_head_is_get_without_the_body(web: Browser, page: str) -> None:
    get, head = web.get(page), web.head(page)

    assert (head.status_code, head.headers, head.text) == (get.status_code, get.headers, "")
    assert get.status_code == 200


@MAINLY_SQLITE
@pytest.mark.parametrize("page", [*PUBLIC, "/nothing", "/api/v1/papers"])
def test_every_answer_keeps_to_itself(web: Browser, page: str) -> None:
    headers = web.get(page).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


@MAINLY_SQLITE
@pytest.mark.parametrize("page", PUBLIC[:5])
def test_a_page_asks_nothing_of_other_places(web: Browser, page: str) -> None:
    text = web.get(page).text

    assert "<script src" not in text
    assert 'rel="stylesheet"' not in text
    assert "@import" not in text
    assert "<img" not in text


@MAINLY_SQLITE
def test_looking_at_public_pages_changes_nothing(web: Browser) -> None:
    subscribed(web)
    before = everything()
    for page in (*PUBLIC, "/?topics=graphs", path(signed_links.edition(1)), "/api/v1/papers", "/api/v1/openapi.json"):
        assert web.get(page).status_code == 200

    assert everything() == before


@MAINLY_SQLITE
@pytest.mark.parametrize("page", ["/subscribe", "/preview", "/api/v1/subscriptions"])
def test_a_body_of_more_than_64_kilobytes_is_refused(web: Browser, page: str) -> None:
    response = web.post(page, content=b"topics=" + b"a" * 65_536)

    assert response.status_code == 413


@MAINLY_SQLITE
def test_a_body_that_grows_beyond_its_bound_is_refused(web: Browser) -> None:
    async def growing() -> object:
        for _ in range(70):
            yield b"a" * 1024

    response = web.post("/subscribe", content=growing())

    assert response.status_code == 413


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "page", ["/nothing", "/papers/999", "/papers/abc", "/papers/99999999999", "/trending/x%20y", "/authors/Nobody"]
)
def test_an_address_that_does_not_exist_is_a_404_page(web: Browser, page: str) -> None:
    response = web.get(page)

    assert response.status_code == 404
    assert "<h1>Page not found</h1>" in response.text


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "page",
    [
        *("/authors/a%00b", "/trending/%00", "/papers/%00", "/feeds/%00.atom", "/confirm/%00", "/admin/enter/%00"),
        *("/?topics=a%00b", "/api/v1/deliveries?state=%00", "/api/v1/papers?category=cs.%00"),
    ],
)
def test_a_nul_is_refused_before_a_database_sees_it(web: Browser, page: str) -> None:
    token = api_tokens.create_token("monitor", ["admin"], expires_at=None)

    assert web.get(page, headers={"authorization": f"Bearer {token}"}).status_code == 400


@MAINLY_SQLITE
def test_a_head_of_more_than_16_kilobytes_is_refused(web: Browser) -> None:
    responses = [
        web.get("/", headers={"x-long": "a" * 17_000}),
        web.get("/", headers={f"x-{n}": "1" * 10 for n in range(1500)}),
        web.get("/?topics=" + "a" * 17_000),
    ]

    assert [response.status_code for response in responses] == [431] * 3


@MAINLY_SQLITE
@pytest.mark.parametrize("length", ["²", "-1", "+5", "0x10", "1e3", "", " ", "9" * 5000])
def test_a_length_that_is_no_number_is_refused(web: Browser, length: str) -> None:
    sent = {"content-length": length.encode("utf-8")}

    assert web.post("/subscribe", headers=sent, content=b"").status_code in {400, 413}


@MAINLY_SQLITE
@pytest.mark.parametrize("page", ["/trending/", "/admin/", "/unsubscribe/x/", "/api/v1/papers/"])
def test_no_redirect_for_a_slash_names_a_host(web: Browser, page: str) -> None:
    response = web.get(page, headers={"host": "evil.example"})

    assert response.status_code in {303, 404}
    assert response.headers.get("location", page.rstrip("/")) == page.rstrip("/")


@MAINLY_SQLITE
def test_figures_and_reasons_need_a_token(web: Browser, configured: Callable[..., None]) -> None:
    api = api_tokens.create_token("monitor", ["metrics:read"], expires_at=None)
    other = api_tokens.create_token("other", ["runs:read"], expires_at=None)
    accepted = [
        METRICS,
        {"authorization": f"bearer {api}"},
        {"authorization": f"Bearer {healthcheck_token(settings.get().secret_key[0])}"},
    ]
    bad = [{}, {"authorization": "Bearer "}, {"authorization": "Bearer x"}, {"authorization": f"Bearer {other}"}]
    bad += [{"authorization": f"Basic {METRICS['authorization'][7:]}"}, {"authorization": METRICS["authorization"][7:]}]

    assert [web.get("/metrics", headers=headers).status_code for headers in accepted] == [200] * 3
    assert [web.get("/metrics", headers=headers).status_code for headers in bad] == [401] * 6
    assert all("database" in web.get("/readyz", headers=headers).json() for headers in accepted)
    assert all(web.get("/readyz", headers=headers).json() == {"ready": True} for headers in bad)


@MAINLY_SQLITE
def test_without_a_token_set_no_empty_one_opens_the_figures(web: Browser, configured: Callable[..., None]) -> None:
    configured(METRICS_TOKEN="")

    assert web.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
    assert web.get("/metrics").status_code == 401


@MAINLY_SQLITE
def test_the_effect_of_a_sign_up_on_metrics_is_hidden_from_strangers(web: Browser) -> None:
    subscribed(web)
    before = [web.get(page).text for page in ("/readyz", "/metrics", "/healthz")]
    web.post("/subscribe", data={"address": ADA, "topics": "graphs"})
    web.post("/subscribe", data={"address": "bob@digest.example", "topics": "graphs"})

    assert [web.get(page).text for page in ("/readyz", "/metrics", "/healthz")] == before


@MAINLY_SQLITE
def test_a_missing_api_path_is_json(web: Browser) -> None:
    assert web.get("/api/v1/nothing").json()["status"] == 404


@MAINLY_SQLITE
def test_a_broken_form_is_a_calm_400(web: Browser) -> None:
    response = web.post(
        "/subscribe", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"}
    )

    assert response.status_code in {400, 422}
    assert "Traceback" not in response.text


@MAINLY_SQLITE
def test_a_file_in_a_form_is_refused(web: Browser) -> None:
    assert web.post("/subscribe", files={"topics": ("a.txt", b"graphs")}).status_code == 400


@MAINLY_SQLITE
def test_a_topic_with_markup_is_shown_as_text(web: Browser) -> None:
    response = web.get("/", params={"topics": "</textarea><script>alert(1)</script>"})

    assert "<script>alert" not in response.text


@MAINLY_SQLITE
def test_an_edition_brings_its_own_policy_without_scripts(web: Browser) -> None:
    response = web.get(path(signed_links.edition(4)))

    assert "Edition 4" in response.text
    assert "script-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"


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
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("10.0.0.1", '"198.51.100.1"', "198.51.100.1"),
        ("10.0.0.1", " 198.51.100.1 , 10.2.2.2 ", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1,", UNKNOWN),
        ("10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "::/64"),
        ("10.0.0.1", "192.0.2.66, " * 50 + "198.51.100.1", "198.51.100.1"),
    ],
)
def test_forwarded_addresses_count_from_trusted_proxies_alone(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, ("10.0.0.0/8",)) == client


@pytest.mark.parametrize(
    ("peer", "header", "noted"),
    [
        ("172.18.0.1", "x-forwarded-for", True),
        ("192.168.1.5", "x-real-ip", True),
        ("127.0.0.1", "forwarded", True),
        ("::1", "x-forwarded-for", True),
        ("fd00::5", "x-forwarded-for", True),
        ("172.18.0.1", "accept", False),
        ("10.0.0.1", "x-forwarded-for", False),
        ("203.0.113.7", "x-forwarded-for", False),
        ("unix", "x-forwarded-for", False),
    ],
)
def test_a_proxy_of_ones_own_that_is_not_trusted_is_noticed(peer: str, header: str, noted: bool) -> None:
    assert is_untrusted_proxy(peer, {header: "198.51.100.1"}, ("10.0.0.0/8",)) == noted


@MAINLY_SQLITE
def test_doctor_and_one_alarm_report_an_untrusted_proxy(web: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_warning, "_recorded", {})
    bridge = Browser(web.app, host="172.18.0.1")
    for n in range(3):
        sent = {"address": f"r{n}@digest.example", "topics": "graphs"}
        bridge.post("/subscribe", data=sent, headers={"x-forwarded-for": f"198.51.100.{n}"})

    findings = [finding.text for finding in doctor._check_proxies(settings.get())]
    assert [text for text in findings if "172.18.0.1" in text]
    assert [mail.kind for mail in mails()].count("alarm") == 1


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("base_url", "trusted", "words"),
    [
        ("https://papers.example", "", "https ends at a proxy"),
        ("https://papers.example", "0.0.0.0/0", "trusts all addresses"),
        ("https://papers.example", "::/0", "trusts all addresses"),
        ("https://papers.example", "172.31.251.0/24", "is believed from 172.31.251.0/24"),
    ],
)
def test_doctor_reports_the_proxy_settings(
    web: Browser, configured: Callable[..., None], base_url: str, trusted: str, words: str
) -> None:
    configured(BASE_URL=base_url, TRUSTED_PROXIES=trusted)

    assert any(words in finding.text for finding in doctor._check_proxies(settings.get()))

"""The API: the same sign-up as the page, previews, papers, and what only a token opens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from digest.errors import BadInput, NotFound
from digest.services.security import api_tokens
from digest.web.http.request_rates import RequestLimiter
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, NOW, Browser, everything, mails, subscribed

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def make_token(*scopes: str, name: str = "monitor", expires_at: datetime | None = None) -> str:
    return api_tokens.create_token(name, scopes or ("admin",), expires_at=expires_at)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_sign_up_is_accepted_and_queues_a_confirmation(web: Browser) -> None:
    response = web.post("/api/v1/subscriptions", json={"address": ADA, "topics": ["graphs"], "time_zone": "Asia/Tokyo"})

    assert response.status_code == 202
    assert [(mail.kind, mail.address) for mail in mails()] == [("confirmation", ADA)]


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"address": "nobody"}, "address"),
        ({}, "address"),
        ({"address": ADA, "topics": ['"open']}, "topics"),
        ({"address": ADA, "limit": 1000}, "limit"),
        ({"address": ADA, "send_at": "noon"}, "send_at"),
        ({"address": ADA, "state": "active"}, "state"),
        ({"address": ["x"]}, "address"),
    ],
)
def test_a_wrong_field_is_named(web: Browser, body: dict[str, object], field: str) -> None:
    response = web.post("/api/v1/subscriptions", json=body)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
    assert everything()["delivery"] == []


@MAINLY_SQLITE
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_object_is_refused(web: Browser, content: bytes) -> None:
    response = web.post("/api/v1/subscriptions", content=content, headers={"content-type": "application/json"})

    assert response.status_code in {400, 422}
    assert response.json()["detail"]


@MAINLY_SQLITE
def test_a_preview_has_the_form_of_the_command_line(web: Browser) -> None:
    response = web.post("/api/v1/preview", json={"topics": ["reinforcement learning"], "days": 3, "limit": 1})
    days = response.json()["days"]

    assert [day["date"] for day in days] == ["2025-11-08", "2025-11-09", "2025-11-10"]
    assert days[0]["papers"][0]["matched"] == [
        {"topic": "reinforcement learning", "words": ["reinforcement", "learning"]}
    ]


def test_papers_that_trend_are_listed(web: Browser) -> None:
    papers = web.get("/api/v1/papers", params={"category": "cs.LG", "limit": 1}).json()["papers"]

    assert [paper["id"] for paper in papers] == [1]
    assert web.get("/api/v1/papers/1").json()["row"]["id"] == 1


@MAINLY_SQLITE
@pytest.mark.parametrize("page", ["runs", "deliveries", "editions"])
def test_what_is_the_administrators_needs_a_token(web: Browser, page: str) -> None:
    headers = {"authorization": f"Bearer {make_token()}"}
    responses = [
        web.get(f"/api/v1/{page}"),
        web.get(f"/api/v1/{page}", headers={"authorization": "Bearer wrong"}),
        web.get(f"/api/v1/{page}", headers={"authorization": "Basic abc"}),
        web.get(f"/api/v1/{page}", headers=headers),
    ]

    assert [response.status_code for response in responses] == [401, 401, 401, 200]
    assert responses[0].headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_opens_nothing(web: Browser) -> None:
    token = make_token()
    api_tokens.revoke_token("monitor")

    assert web.get("/api/v1/runs", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_a_token_is_kept_as_its_hash_alone(web: Browser) -> None:
    token = make_token()

    assert token not in str(everything())


def test_a_tokens_name_is_taken_once(web: Browser) -> None:
    make_token()

    with pytest.raises(BadInput, match="already"):
        make_token()


def test_a_token_that_was_never_made_can_not_be_revoked(web: Browser) -> None:
    with pytest.raises(NotFound):
        api_tokens.revoke_token("nobody")


def test_deliveries_can_be_sifted(web: Browser) -> None:
    subscribed(web)
    headers = {"authorization": f"Bearer {make_token()}"}
    queued = web.get("/api/v1/deliveries", params={"state": "queued", "kind": "confirmation"}, headers=headers).json()
    sent = web.get("/api/v1/deliveries", params={"state": "sent"}, headers=headers).json()

    assert [row["kind"] for row in queued["deliveries"]] == ["confirmation"]
    assert sent["deliveries"] == []
    assert "payload" not in queued["deliveries"][0]


@MAINLY_SQLITE
def test_the_api_describes_itself(web: Browser) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]

    assert {"/api/v1/subscriptions", "/api/v1/preview", "/api/v1/papers", "/api/v1/deliveries"} <= set(paths)


def call(method: str, path: str, **more: Any) -> Callable[[Browser, dict[str, str]], httpx.Response]:
    return lambda web, headers: web.ask(method, f"/api/v1/{path}", headers=headers, **more)


ROUTES = {  # route: the call, the scope it asks for, whether it is open without a token
    "subscriptions": (call("POST", "subscriptions", json={"address": ADA}), "subscriptions:write", True),
    "preview": (call("POST", "preview", json={"topics": ["graphs"]}), "papers:read", True),
    "papers": (call("GET", "papers"), "papers:read", True),
    "paper": (call("GET", "papers/1"), "papers:read", True),
    "runs": (call("GET", "runs"), "runs:read", False),
    "deliveries": (call("GET", "deliveries"), "deliveries:read", False),
    "editions": (call("GET", "editions"), "editions:read", False),
    "search": (call("GET", "search?q=graphs"), "papers:read", True),
    "people": (call("GET", "people?name=Ada%20Byron"), "papers:read", True),
    "the list of subscribers": (call("GET", "subscriptions"), "subscriptions:read", False),
    "bounces": (call("GET", "bounces"), "bounces:read", False),
    "the list of suppressions": (call("GET", "suppressions"), "suppressions:read", False),
    "suppressions": (
        call("POST", "suppressions", json={"address": ADA, "reason": "x"}),
        "suppressions:manage",
        False,
    ),
    "sources": (call("GET", "sources"), "sources:read", False),
    "a preview of a feed": (
        call("POST", "sources/preview", json={"address": "ftp://a.example"}),
        "sources:manage",
        False,
    ),
    "a new feed": (call("POST", "sources", json={"address": "ftp://a.example"}), "sources:manage", False),
    "tokens": (call("GET", "tokens"), "admin", False),
    "deliveries/test": (call("POST", "deliveries/test", json={}), "deliveries:manage", False),
    "audit": (call("GET", "audit"), "audit:read", False),
    "a new run": (call("POST", "runs", json={"dry_run": True}), "runs:manage", False),
    "a new token": (call("POST", "tokens", json={"name": "x", "scopes": ["admin"]}), "admin", False),
}
# route of a thing that is not there: the call, and the scope; without it the answer is 403, with it 404
ROUTES_OF_NOTHING = {
    **{
        f"/{name}/{{{parameter}}}": (call("GET", f"{name}/999"), f"{name}:read")
        for name, parameter in (("subscriptions", "subscriber_id"), ("runs", "run_id"), ("editions", "edition_id"))
    },
    **{
        f"/subscriptions/{{subscriber_id}}/{action}": (
            call("POST", f"subscriptions/999/{action}", **({"json": {"days": 7}} if action == "pause" else {})),
            "subscriptions:manage",
        )
        for action in ("pause", "resume", "unsubscribe")
    },
    "/subscriptions/{subscriber_id}/why": (call("GET", "subscriptions/999/why"), "subscriptions:read"),
    "PATCH /subscriptions/{subscriber_id}": (call("PATCH", "subscriptions/999", json={}), "subscriptions:manage"),
    "DELETE /subscriptions/{subscriber_id}": (call("DELETE", "subscriptions/999"), "subscriptions:manage"),
    **{
        f"/runs/{{run_id}}/{action}": (
            call("POST", f"runs/999/{action}", **({"json": {}} if action == "resend-missed" else {})),
            "runs:manage",
        )
        for action in ("pause", "resume", "cancel", "resend-missed")
    },
    "/deliveries/{delivery_id}": (call("GET", "deliveries/999"), "deliveries:read"),
    "/deliveries/{delivery_id}/resend": (call("POST", "deliveries/999/resend"), "deliveries:manage"),
    "/suppressions/release": (call("POST", "suppressions/release", json={"address": ADA}), "suppressions:manage"),
    "/sources/{name}": (call("GET", "sources/nothing"), "sources:read"),
    "/sources/{name}/rejects": (call("GET", "sources/nothing/rejects"), "sources:read"),
    **{
        f"/sources/{{name}}/{action}": (call("POST", f"sources/nothing/{action}"), "sources:manage")
        for action in ("fetch", "confirm", "restore", "pause", "resume")
    },
    "DELETE /sources/{name}": (call("DELETE", "sources/nothing"), "sources:manage"),
    "/tokens/{name}": (call("GET", "tokens/nobody"), "admin"),
    "DELETE /tokens/{name}": (call("DELETE", "tokens/nobody"), "admin"),
    "/citations": (call("GET", "citations?ids=1"), "papers:read"),
    "/papers/{paper_id}/citation": (call("GET", "papers/1/citation"), "papers:read"),
    "/editions/{edition_id}/citations": (call("GET", "editions/1/citations"), "editions:read"),
}


@SQLITE
@pytest.mark.parametrize("route", ROUTES_OF_NOTHING)
def test_what_is_not_there_is_named_so_to_the_scope_alone(web: Browser, route: str) -> None:
    ask, scope = ROUTES_OF_NOTHING[route]
    allowed = ask(web, bearer(make_token(scope)))
    others = sorted(set(api_tokens.SCOPES) - {scope, "admin"})
    refused = ask(web, bearer(make_token(*others, name="other")))

    assert (allowed.status_code, refused.status_code) == (404, 403)
    assert allowed.headers["content-type"] == refused.headers["content-type"] == "application/problem+json"


@SQLITE
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_is_open_to_its_scope_and_to_admin_alone(web: Browser, route: str) -> None:
    ask, needed_scope, _ = ROUTES[route]
    others = sorted(set(api_tokens.SCOPES) - {needed_scope, "admin"})
    refused = ask(web, bearer(make_token(*others, name="others")))

    assert ask(web, bearer(make_token(needed_scope, name="its"))).status_code in {200, 201, 202, 422}
    assert ask(web, bearer(make_token("admin", name="admin"))).status_code in {200, 201, 202, 422}
    assert refused.status_code == 403
    assert needed_scope in refused.json()["detail"]
    assert f'scope="{needed_scope}"' in refused.headers["www-authenticate"]


@SQLITE
@pytest.mark.parametrize("route", ROUTES)
def test_without_a_token_only_public_routes_are_open_and_a_bad_one_opens_none(web: Browser, route: str) -> None:
    ask, _, public = ROUTES[route]

    assert ask(web, {}).status_code in ({200, 201, 202} if public else {401})
    assert ask(web, bearer("digest_wrong")).status_code == 401
    assert ask(web, {"authorization": "Basic abc"}).status_code == 401


@MAINLY_SQLITE
def test_every_route_of_the_api_is_tried(web: Browser) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    tried = {f"/api/v1{route.rpartition(' ')[2]}" for route in ROUTES_OF_NOTHING}
    tried |= {f"/api/v1/{route}" for route in ROUTES if " " not in route and route != "paper"}

    others = {"/api/v1/papers/{paper_id}", "/api/v1/likes/{token}/citations", "/api/v1/library", "/api/v1/bounces/sns"}
    others |= {"/api/v1/sources/preview"}  # `test_sources`
    assert set(paths) == tried | others


def test_the_likes_of_a_subscriber_are_open_to_the_preferences_link_alone(web: Browser) -> None:
    assert web.get("/api/v1/likes/x/citations", headers=bearer(make_token("papers:read"))).status_code == 400


def test_a_token_without_the_scope_for_addresses_reads_none(web: Browser) -> None:
    subscribed(web)
    unprivileged_response = web.get("/api/v1/deliveries", headers=bearer(make_token("deliveries:read")))
    both = make_token("deliveries:read", "addresses:read", name="both")

    assert "ada" not in unprivileged_response.text
    assert web.get("/api/v1/deliveries", headers=bearer(both)).json()["deliveries"][0]["address"] == ADA


def test_an_expired_token_opens_nothing(web: Browser, clock_stands: time_machine.Traveller) -> None:
    token = make_token(expires_at=NOW + timedelta(days=1))
    before = web.get("/api/v1/runs", headers=bearer(token))
    clock_stands.shift(timedelta(days=1))

    assert (before.status_code, web.get("/api/v1/runs", headers=bearer(token)).status_code) == (200, 401)


def test_the_list_of_tokens_shows_their_last_use(web: Browser) -> None:
    web.get("/api/v1/runs", headers=bearer(make_token("runs:read")))
    make_token("papers:read", name="unused")

    assert [(row["name"], row["scopes"], row["last_used_at"]) for row in api_tokens.list_tokens()] == [
        ("monitor", "runs:read", NOW),
        ("unused", "papers:read", None),
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("never", None),
        ("90d", NOW + timedelta(days=90)),
        ("2025-11-21", datetime(2025, 11, 22, tzinfo=UTC)),
        ("2026-02-28", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_an_expiry_is_read(text: str, instant: datetime | None) -> None:
    assert api_tokens.parse_expiry(text, now=NOW) == instant


@pytest.mark.parametrize(
    "text", ["", "0d", "-1d", "99999d", "2025-11-20", "2025-02-30", "9999-12-31", "tomorrow", "1y"]
)
def test_a_wrong_expiry_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="expires: "):
        api_tokens.parse_expiry(text, now=NOW)


@MAINLY_SQLITE
@pytest.mark.parametrize("scopes", [(), ("runs",), ("admin", "runs:write"), ("",)])
def test_an_unknown_scope_is_refused_with_those_there_are(web: Browser, scopes: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="use papers:read, subscriptions:write"):
        api_tokens.create_token("monitor", scopes, expires_at=None)


def test_a_client_has_so_many_requests_a_minute_and_each_token_its_own(web: Browser) -> None:
    web.app.state.api_limiter = RequestLimiter(2, message="too many requests")
    token = bearer(make_token("papers:read"))
    by_client = [web.get("/api/v1/papers").status_code for _ in range(3)]
    by_token = [web.get("/api/v1/papers", headers=token).status_code for _ in range(3)]

    assert by_client == by_token == [200, 200, 429]


@MAINLY_SQLITE
def test_reports_of_a_provider_are_counted_before_their_signature_is_read(web: Browser) -> None:
    web.app.state.webhook_limiter = RequestLimiter(1, message="too many requests")
    responses = [web.post("/api/v1/bounces", json={"reports": []}).status_code for _ in range(2)]

    assert responses == [404, 429]

"""The API: the same sign-up as the page, previews, papers, and what only a token opens."""

from __future__ import annotations

import pytest

from digest.errors import BadInput, NotFound
from digest.services import tokens
from tests.digest.web.conftest import ADA, Browser, everything, mails, subscribed


def test_signing_up_is_accepted_and_owes_a_confirmation(web: Browser) -> None:
    answer = web.post("/api/v1/subscriptions", json={"address": ADA, "topics": ["graphs"], "time_zone": "Asia/Tokyo"})

    assert answer.status_code == 202
    assert [(mail.kind, mail.address) for mail in mails()] == [("confirmation", ADA)]


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
    answer = web.post("/api/v1/subscriptions", json=body)

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert everything()["delivery"] == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_object_is_refused(web: Browser, content: bytes) -> None:
    answer = web.post("/api/v1/subscriptions", content=content, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.json()["error"]["message"]


def test_a_preview_has_the_form_of_the_command_line(web: Browser) -> None:
    answer = web.post("/api/v1/preview", json={"topics": ["reinforcement learning"], "days": 3, "limit": 1})
    days = answer.json()["days"]

    assert [day["date"] for day in days] == ["2025-11-08", "2025-11-09", "2025-11-10"]
    assert days[0]["papers"][0]["matched"] == [
        {"topic": "reinforcement learning", "words": ["reinforcement", "learning"]}
    ]


def test_papers_that_trend_are_listed(web: Browser) -> None:
    listed = web.get("/api/v1/papers", params={"category": "cs.LG", "limit": 1}).json()["papers"]

    assert [paper["id"] for paper in listed] == [1]
    assert web.get("/api/v1/papers/1").json()["row"]["id"] == 1


@pytest.mark.parametrize("page", ["runs", "deliveries", "editions"])
def test_what_is_the_administrators_needs_a_token(web: Browser, page: str) -> None:
    good = {"authorization": f"Bearer {tokens.create('monitor')}"}
    answers = [
        web.get(f"/api/v1/{page}"),
        web.get(f"/api/v1/{page}", headers={"authorization": "Bearer wrong"}),
        web.get(f"/api/v1/{page}", headers={"authorization": "Basic abc"}),
        web.get(f"/api/v1/{page}", headers=good),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 200]
    assert answers[0].headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_opens_nothing(web: Browser) -> None:
    token = tokens.create("monitor")
    tokens.revoke("monitor")

    assert web.get("/api/v1/runs", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_a_token_is_kept_as_its_hash_alone(web: Browser) -> None:
    token = tokens.create("monitor")

    assert token not in str(everything())


def test_a_tokens_name_is_taken_once(web: Browser) -> None:
    tokens.create("monitor")

    with pytest.raises(BadInput, match="already"):
        tokens.create("monitor")


def test_a_token_that_was_never_made_can_not_be_revoked(web: Browser) -> None:
    with pytest.raises(NotFound):
        tokens.revoke("nobody")


def test_deliveries_can_be_sifted(web: Browser) -> None:
    subscribed(web)
    headers = {"authorization": f"Bearer {tokens.create('monitor')}"}
    queued = web.get("/api/v1/deliveries", params={"state": "queued", "kind": "confirmation"}, headers=headers).json()
    sent = web.get("/api/v1/deliveries", params={"state": "sent"}, headers=headers).json()

    assert [row["kind"] for row in queued["deliveries"]] == ["confirmation"]
    assert sent["deliveries"] == []
    assert "payload" not in queued["deliveries"][0]


def test_the_api_describes_itself(web: Browser) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]

    assert {"/api/v1/subscriptions", "/api/v1/preview", "/api/v1/papers", "/api/v1/deliveries"} <= set(paths)

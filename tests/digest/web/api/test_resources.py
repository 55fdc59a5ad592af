"""What an administrator reads and changes through the API, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event
from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.models import Audit, Bounce, SourceState, Subscriber, Suppression
from digest.models.delivery import QUEUED, SENT, UNCERTAIN
from digest.models.edition import PAUSED
from digest.models.subscriber import UNSUBSCRIBED
from digest.services.security import api_tokens
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, mail, store_row
from tests.digest.web.conftest import ADA, NOW, Browser, RecordingQueue, everything, subscribed

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Api:
    """The API for the holder of a token."""

    def __init__(self, web: Browser, *scopes: str, name: str = "admin") -> None:
        token = api_tokens.create_token(name, scopes or ("admin",), expires_at=None)
        self.web, self.headers = web, {"authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        more = {} if body is None else {"json": body}
        response = self.web.ask(method, f"/api/v1/{path}", headers=self.headers, **more)
        assert response.status_code == status, response.text
        return response.json() if response.content else None


@pytest.fixture
def api(web: Browser) -> Iterator[Api]:
    return Api(web)


def audited() -> list[tuple[str, str]]:
    with reading() as session:
        rows = session.exec(select(Audit).order_by(Audit.id)).all()  # type: ignore[arg-type]
        return [(row.action, row.actor) for row in rows if row.action != "create token"]


BY_TOKEN = "API token admin"


def test_a_subscriber_is_read_with_preferences(web: Browser, api: Api) -> None:
    subscriber = subscribed(web)
    answer = api("GET", f"subscriptions/{subscriber.id}")

    assert (answer["address"], answer["state"], answer["suppression"]) == (ADA, "active", None)
    assert answer["preferences"]["topics"] == ["offline reinforcement learning"]
    assert [row["id"] for row in api("GET", f"subscriptions?address={ADA[:3]}&state=active")["subscriptions"]] == [1]


def test_without_the_scope_for_addresses_none_is_shown_or_searched(web: Browser) -> None:
    subscribed(web)
    add_bounce()
    api = Api(web, "subscriptions:read", "deliveries:read", "bounces:read")

    for listing in ("subscriptions", "deliveries", "bounces"):
        assert ADA not in str(api("GET", listing))
        assert "addresses:read" in api("GET", f"{listing}?address=ada", status=403)["detail"]


def add_bounce() -> None:
    with transaction() as session:
        session.add(Bounce(report_key="one", address_key=ADA, kind="hard", status="5.1.1", at=NOW))


@MAINLY_SQLITE
def test_a_preference_is_changed_and_the_others_stay(web: Browser, api: Api) -> None:
    subscriber = subscribed(web)
    before = api("GET", f"subscriptions/{subscriber.id}")
    after = api("PATCH", f"subscriptions/{subscriber.id}", {"limit": 3, "version": before["version"]})

    assert after["preferences"] == before["preferences"] | {"limit": 3}
    assert audited()[-1] == ("change preferences", BY_TOKEN)


def test_a_change_of_what_was_changed_meanwhile_is_refused(web: Browser, api: Api) -> None:
    path = f"subscriptions/{subscribed(web).id}"
    version = api("GET", path)["version"]
    api("PATCH", path, {"limit": 3})

    assert "read them again" in api("PATCH", path, {"limit": 4, "version": version}, status=409)["detail"]
    assert api("GET", path)["preferences"]["limit"] == 3


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "left"}, "state"),
        ({"address": "eve@digest.example"}, "address"),
        ({"id": 2}, "id"),
        ({"topics": ['"open']}, "topics"),
        ({"topics": None}, "topics"),
        ({"limit": 0}, "limit"),
        ({"limit": None}, "limit"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"topics": ["a\x00b"]}, "topics"),
    ],
)
def test_a_change_of_anything_else_is_refused(web: Browser, api: Api, change: dict[str, Any], field: str) -> None:
    subscriber = subscribed(web)
    before = everything()["subscriber"]
    problem = api("PATCH", f"subscriptions/{subscriber.id}", change, status=422)

    assert problem["errors"][0]["field"].startswith(field)
    assert everything()["subscriber"] == before


def test_a_subscriber_is_paused_resumed_and_unsubscribed(web: Browser, api: Api) -> None:
    path = f"subscriptions/{subscribed(web).id}"
    paused = api("POST", f"{path}/pause", {"days": 7})
    resumed = api("POST", f"{path}/resume")
    states = [api("POST", f"{path}/unsubscribe")["state"] for _ in range(2)]

    assert (paused["preferences"]["paused_until"], resumed["preferences"]["paused_until"]) == ("2025-11-28", None)
    assert states == ["left", "left"]
    assert audited() == [("pause", BY_TOKEN), ("resume", BY_TOKEN), ("unsubscribe", BY_TOKEN)]


@MAINLY_SQLITE
def test_a_subscriber_is_erased(web: Browser, api: Api) -> None:
    path = f"subscriptions/{subscribed(web).id}"
    api("DELETE", path, status=204)

    api("GET", path, status=404)
    api("DELETE", path, status=404)
    assert ADA not in str(everything())
    assert audited() == [("erase", BY_TOKEN)]


@pytest.fixture
def run(web: Browser) -> int:
    """A run with a mail that was sent, one that waits, and one that may have arrived."""
    run_id = add_run(NOW)
    for name, state in (("ada", SENT), ("bob", QUEUED), ("eve", UNCERTAIN)):
        add_mail(add_subscriber(f"{name}@digest.example"), run_id, state=state, is_held=state == UNCERTAIN)
    return run_id


def test_a_run_is_paused_and_resumed(api: Api, run: int, queue: RecordingQueue) -> None:
    assert api("GET", f"runs/{run}")["deliveries"] == {SENT: 1, QUEUED: 1, UNCERTAIN: 1}
    paused = api("POST", f"runs/{run}/pause")
    resumed = api("POST", f"runs/{run}/resume")

    assert (paused["run"]["state"], paused["changed"], resumed["run"]["state"]) == (PAUSED, 1, "complete")
    assert "not paused" in api("POST", f"runs/{run}/resume", status=409)["detail"]
    assert queue.delivered == 1
    assert audited() == [("pause run", BY_TOKEN), ("resume run", BY_TOKEN)]


def test_a_run_is_cancelled_and_what_was_missed_is_sent_again(api: Api, run: int) -> None:
    cancelled = api("POST", f"runs/{run}/cancel")
    reopened = api("POST", f"runs/{run}/resend-missed", {})

    assert (cancelled["run"]["state"], cancelled["changed"], cancelled["held"]) == ("cancelled", 1, 1)
    assert cancelled["sending"] == 0
    assert (reopened["changed"], reopened["held"]) == (1, 1)
    assert api("POST", f"runs/{run}/resend-missed", {"uncertain": True})["held"] == 0


def test_what_a_run_would_send_is_said_and_nothing_is_started(web: Browser, api: Api, queue: RecordingQueue) -> None:
    subscriber = subscribed(web)
    answer = api("POST", "runs", {"date": NOW.date().isoformat(), "dry_run": True}, status=202)
    single = api(
        "POST", "runs", {"date": NOW.date().isoformat(), "subscriber": subscriber.id, "dry_run": True}, status=202
    )

    assert (answer["dry_run"], answer["subscribers"], answer["papers"]) == (True, 1, None)
    assert [(slot["subscribers"], slot["run"]) for slot in answer["slots"]] == [(1, None)]
    assert (single["subscribers"], single["papers"]) == (1, 0)
    assert (api("GET", "runs")["runs"], queue.frozen, audited()) == ([], [], [])


def test_a_run_of_a_date_is_started_once_for_each_key(web: Browser, api: Api, queue: RecordingQueue) -> None:
    subscribed(web)
    api.headers["Idempotency-Key"] = "first"
    request = {"date": NOW.date().isoformat()}
    first, second_answer = (api("POST", "runs", request, status=202) for _ in range(2))
    api.headers["Idempotency-Key"] = "second"
    second = api("POST", "runs", request, status=202)

    [run] = api("GET", "runs")["runs"]
    assert [(slot["run"], slot["state"]) for slot in first["slots"]] == [(run["id"], "planned")]
    assert (first, first["slots"]) == (second_answer, second["slots"])
    assert queue.frozen == [(run["id"], 0), (run["id"], 0)]
    assert audited() == [("start run", BY_TOKEN)] * 2


@MAINLY_SQLITE
@pytest.mark.parametrize(
    "request_body",
    [{"date": "2026-11-21"}, {"date": "0001-01-01"}, {"date": "9999-12-31"}, {"subscriber": 999}, {"subscriber": 0}],
)
def test_a_run_of_nobody_or_of_an_odd_date_is_refused(api: Api, request_body: dict[str, object]) -> None:
    for dry_run in (True, False):
        problem = api("POST", "runs", request_body | {"dry_run": dry_run}, status=422)
        assert [error["field"] for error in problem["errors"]] == list(request_body)
    assert audited() == []


def test_a_request_counts_only_those_whose_editions_it_starts(web: Browser, api: Api, queue: RecordingQueue) -> None:
    slot, later_slot = clock.slot_of(NOW - timedelta(hours=4)), clock.slot_of(NOW - timedelta(hours=3))
    add_run(slot, state=PAUSED)
    for number in range(3):
        add_subscriber(f"held{number}@one.example", next_due_at=slot)
    people = [add_subscriber(f"due{number}@one.example", next_due_at=later_slot) for number in range(4)]
    add_subscriber("left@one.example", next_due_at=later_slot, state=UNSUBSCRIBED)
    add_subscriber("not-due@one.example", next_due_at=NOW + timedelta(hours=2))
    other_run = add_run(NOW - timedelta(days=1))
    add_mail(people[0], other_run, day=later_slot.date())  # as after a run of the date by hand
    add_mail(people[1], other_run, day=later_slot.date() - timedelta(days=1))
    planned, started = (api("POST", "runs", {"dry_run": dry_run}, status=202) for dry_run in (True, False))

    for answer in (planned, started):
        assert [(slot["subscribers"], slot["starts"]) for slot in answer["slots"]] == [(3, False), (3, True)]
        assert answer["subscribers"] == 3
    assert started_detail() == {"runs": 1, "subscribers": 3}


def test_a_request_for_a_date_counts_by_the_clock_and_the_cadence_of_each(web: Browser, api: Api) -> None:
    day = NOW.date()
    for zone, cadence, weekday in (("UTC", "daily", 0), ("Pacific/Auckland", "weekdays", 0), ("UTC", "weekly", 2)):
        subscriber = add_subscriber(f"{cadence}@one.example")
        change_row(subscriber, time_zone=zone, cadence=cadence, weekday=weekday)
    change_row(add_subscriber("paused@one.example"), paused_until=day + timedelta(days=3))
    add_mail(add_subscriber("has@one.example"), add_run(NOW - timedelta(days=1)), day=day)
    answer = api("POST", "runs", {"date": day.isoformat()}, status=202)

    assert day.weekday() == 4
    assert [slot["subscribers"] for slot in answer["slots"]] == [1, 1]
    assert started_detail() == {"runs": 2, "subscribers": 2}


@pytest.fixture
def loaded_subscribers() -> Iterator[list[Subscriber]]:
    """The subscribers that were loaded as objects."""
    loaded: list[Subscriber] = []

    def record(target: Subscriber, _context: object) -> None:
        loaded.append(target)

    event.listen(Subscriber, "load", record)
    yield loaded
    event.remove(Subscriber, "load", record)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_request_loads_no_subscriber_as_an_object(
    api: Api, dry_run: bool, loaded_subscribers: list[Subscriber]
) -> None:
    for number in range(5):
        add_subscriber(f"due{number}@one.example", next_due_at=clock.slot_of(NOW - timedelta(hours=4)))
    answers = [
        api("POST", "runs", body | {"dry_run": dry_run}, status=202) for body in ({}, {"date": NOW.date().isoformat()})
    ]

    assert [answer["subscribers"] for answer in answers] == [5, 5]
    assert loaded_subscribers == []


def change_row(subscriber_id: int, **values: Any) -> None:
    with transaction() as session:
        session.get_one(Subscriber, subscriber_id).sqlmodel_update(values)


def started_detail() -> dict[str, Any]:
    with reading() as session:
        [row] = session.exec(select(Audit).where(Audit.action == "start run")).all()
        return row.detail


def test_a_test_mail_goes_to_the_first_administrator_and_its_fate_can_be_read(
    web: Browser, api: Api, queue: RecordingQueue
) -> None:
    before = queue.delivered
    queued = api("POST", "deliveries/test", {}, status=202)
    read = api("GET", f"deliveries/{queued['id']}")

    assert (read["kind"], read["state"], read["address"]) == ("test", QUEUED, "root@digest.example")
    assert queue.delivered == before + 1
    assert audited() == [("test mail", BY_TOKEN)]


@MAINLY_SQLITE
def test_a_test_mail_by_the_api_goes_to_administrators_alone(web: Browser, api: Api) -> None:
    unprivileged_api = Api(web, "deliveries:manage", name="manager")
    named = api("POST", "deliveries/test", {"address": " Root@Digest.example"}, status=202)
    stranger = api("POST", "deliveries/test", {"address": ADA}, status=422)
    no_address = api("POST", "deliveries/test", {"address": "root"}, status=422)

    assert named["address"] == "root@digest.example"
    assert [problem["errors"][0]["field"] for problem in (stranger, no_address)] == ["address", "address"]
    assert "addresses:read" in unprivileged_api("POST", "deliveries/test", {"address": ADA}, status=403)["detail"]
    assert unprivileged_api("POST", "deliveries/test", {}, status=202)["address"] is None


@MAINLY_SQLITE
def test_without_an_administrator_no_test_mail_is_sent(api: Api, configured: Callable[..., None]) -> None:
    configured(ADMIN_EMAILS="")

    assert "DIGEST_ADMIN_EMAILS" in api("POST", "deliveries/test", {}, status=409)["detail"]
    assert audited() == []


@MAINLY_SQLITE
def test_why_somebody_got_no_mail_is_explained(web: Browser, api: Api) -> None:
    subscriber = subscribed(web)
    api("POST", f"subscriptions/{subscriber.id}/unsubscribe")
    lines = api("GET", f"subscriptions/{subscriber.id}/why")["lines"]

    assert lines[0] == "no mail: unsubscribed on 2025-11-21"
    assert "not stored" in api("GET", f"subscriptions/{subscriber.id}/why?paper=2511.99999", status=404)["detail"]


def test_actions_are_listed_with_administrators_addresses_for_their_scope_alone(web: Browser, api: Api) -> None:
    with transaction() as session:
        session.add(Audit(at=NOW, actor="boss@digest.example", action="test mail", detail={}))
    with_addresses, without = (
        Api(web, *scopes, name=f"of {len(scopes)}")("GET", "audit?limit=3")["actions"]
        for scopes in (("audit:read", "addresses:read"), ("audit:read",))
    )

    assert [row["actor"] for row in with_addresses if row["action"] == "test mail"] == ["boss@digest.example"]
    assert [row["actor"] for row in without if row["action"] == "test mail"] == ["[address]"]


def test_mails_are_filtered(api: Api, run: int) -> None:
    def addresses(query: str) -> list[str]:
        return [row["address"].partition("@")[0] for row in api("GET", f"deliveries?{query}")["deliveries"]]

    assert addresses(f"run={run}") == ["eve", "bob", "ada"]
    assert addresses("state=sent&kind=digest") == addresses("address=ADA@") == addresses("subscriber=1") == ["ada"]
    assert addresses("kind=welcome") == []
    api("GET", "deliveries?state=lost", status=422)


def test_an_edition_is_sent_again_from_its_mail(api: Api, run: int, queue: RecordingQueue) -> None:
    resent = api("POST", "deliveries/1/resend", status=202)

    assert (resent["kind"], resent["state"], resent["address"]) == ("resend", QUEUED, ADA)
    assert mail(resent["id"]).subject_id == mail(1).subject_id
    assert queue.delivered == 1
    assert audited() == [("resend", BY_TOKEN)]


def test_a_mail_without_an_edition_and_one_to_a_suppressed_address_are_not_sent_again(
    web: Browser, api: Api, run: int
) -> None:
    web.post("/subscribe", data={"address": "new@digest.example"})
    confirmation = api("GET", "deliveries?kind=confirmation")["deliveries"][0]["id"]
    store_row(Suppression(address_key=ADA, reason="complaint", at=NOW))

    assert "confirmation" in api("POST", f"deliveries/{confirmation}/resend", status=409)["detail"]
    assert "suppressed" in api("POST", "deliveries/1/resend", status=409)["detail"]


@MAINLY_SQLITE
def test_a_refused_resend_names_no_address_to_a_token_that_may_not_see_addresses(web: Browser, run: int) -> None:
    operator = Api(web, "deliveries:manage", "subscriptions:read", name="operator")
    store_row(Suppression(address_key=ADA, reason=f"phoned about {ADA}", at=NOW))
    subscriber = operator("GET", "subscriptions/1")
    suppressed = operator("POST", "deliveries/1/resend", status=409)
    with transaction() as session:
        session.get_one(Subscriber, 1).state = UNSUBSCRIBED
    unsubscribed = operator("POST", "deliveries/1/resend", status=409)

    assert "subscriber 1 is suppressed since" in suppressed["detail"]
    assert "subscriber 1 is not subscribed" in unsubscribed["detail"]
    assert subscriber["suppression"]["reason"] == "phoned about [address]"
    assert "@" not in str([subscriber, suppressed, unsubscribed])


def test_an_edition_is_read(api: Api, run: int) -> None:
    listed = api("GET", f"editions?run={run}&subscriber=1")["editions"]

    assert [row["id"] for row in listed] == [1]
    assert api("GET", "editions/1")["content"] == {"entries": []}
    api("GET", f"editions/{2**63}", status=404)


@MAINLY_SQLITE
def test_a_reason_is_stored_without_invisible_characters_and_must_not_be_empty(web: Browser, api: Api) -> None:
    suppression = api("POST", "suppressions", {"address": ADA, "reason": " asked\u202e\n by phone\x01"}, status=201)
    refused = api("POST", "suppressions", {"address": "bob@one.example", "reason": "\u200b \x01"}, status=422)

    assert suppression["reason"] == "asked by phone"
    assert refused["errors"][0]["field"] == "reason"


def test_an_address_is_suppressed_and_released(web: Browser, api: Api) -> None:
    subscribed(web)
    first = api("POST", "suppressions", {"address": ADA, "reason": "asked by phone"}, status=201)
    second_answer = api("POST", "suppressions", {"address": ADA.upper(), "reason": "another"}, status=201)
    suppression = api("GET", "subscriptions/1")["suppression"]

    assert (first["reason"], second_answer["reason"], suppression["reason"]) == ("asked by phone",) * 3
    assert [row["address"] for row in api("GET", "suppressions?address=ada")["suppressions"]] == [ADA]
    api("POST", "suppressions/release", {"address": ADA}, status=204)
    api("POST", "suppressions/release", {"address": ADA}, status=404)
    assert audited() == [("suppress", BY_TOKEN), ("unsuppress", BY_TOKEN)]


def test_bounces_are_listed(web: Browser, api: Api) -> None:
    add_bounce()

    assert [row["status"] for row in api("GET", "bounces?kind=hard&address=ada")["bounces"]] == ["5.1.1"]
    assert api("GET", "bounces?kind=soft")["bounces"] == []


def test_a_source_is_fetched_now(web: Browser, api: Api) -> None:
    name = api("GET", "sources")["sources"][0]["name"]
    with transaction() as session:
        session.add(SourceState(source=name, attempted_at=NOW, succeeded_at=NOW))
    before = api("GET", f"sources/{name}")["next_at"]
    api("POST", f"sources/{name}/fetch", status=202)

    assert api("GET", f"sources/{name}")["next_at"] < before
    assert audited() == [("fetch source", BY_TOKEN)]
    assert api("GET", f"sources/{name}/rejects") == {"next": None, "rejects": []}


def test_a_token_is_created_used_and_revoked(web: Browser, api: Api, clock_stands: time_machine.Traveller) -> None:
    new_token = api("POST", "tokens", {"name": "my monitor", "scopes": ["runs:read"], "expires": "90d"}, status=201)
    headers = {"authorization": f"Bearer {new_token['token']}"}
    assert web.get("/api/v1/runs", headers=headers).status_code == 200
    clock_stands.shift(timedelta(minutes=5))
    stored_token = api("GET", "tokens/my%20monitor")

    assert (stored_token["scopes"], stored_token["last_used_at"]) == (["runs:read"], "2025-11-21T09:07:00Z")
    assert "token" not in stored_token
    assert [row["name"] for row in api("GET", "tokens")["tokens"]] == ["admin", "my monitor"]
    api("DELETE", "tokens/my%20monitor", status=204)
    assert web.get("/api/v1/runs", headers=headers).status_code == 401
    assert api("GET", "tokens/my%20monitor")["state"] == "revoked"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "scopes": ["everything"]}, "scope"),
        ({"name": "a/b", "scopes": ["admin"]}, "name"),
        ({"name": "x", "scopes": ["admin"], "expires": "soon"}, "expires"),
        ({"name": "x", "scopes": ["admin"], "digest": "0" * 64}, "digest"),
        ({"name": "admin", "scopes": ["admin"]}, "name"),
    ],
)
@SQLITE
def test_a_wrong_token_is_refused(web: Browser, api: Api, body: dict[str, Any], field: str) -> None:
    problem = api("POST", "tokens", body, status=422)

    assert field in problem["detail"]
    assert len(everything()["admin_token"]) == 1


@SQLITE
def test_every_wrong_field_is_named(web: Browser) -> None:
    problem = web.post("/api/v1/subscriptions", json={"address": ADA, "limit": 999, "weekday": 9, "x": 1}).json()

    assert {error["field"] for error in problem["errors"]} == {"limit", "weekday", "x"}
    assert (problem["status"], problem["type"]) == (422, "about:blank")


@SQLITE
def test_a_subscriber_who_never_was_is_not_there(web: Browser, api: Api) -> None:
    for number in (0, -1, 2**31, 2**63, 10**30, "x", "1.5", "１"):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/resume")):
            api(method, f"subscriptions/{number}{path}", status=404)
    with reading() as session:
        assert session.exec(select(Subscriber)).all() == []

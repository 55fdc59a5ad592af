"""Attacks as an attacker would send them, against the whole application; docs/SECURITY.md lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as Xml

import httpx
import pytest
import time_machine
from fastapi.routing import APIRoute
from sqlmodel import SQLModel, select
from sqlmodel.sql.sqltypes import AutoString

from digest.db.core import engine
from digest.models import (
    Audit,
    AuthorFigure,
    Bounce,
    DomainPause,
    ExamplePaper,
    Feedback,
    FeedSource,
    Paper,
    PaperAuthorId,
    PaperSummary,
    Reject,
    SourceState,
    Subscriber,
    Suppression,
)
from digest.services.security import api_tokens, signed_links
from digest.web.app import PAGES, build
from digest.web.http.request_rates import RequestLimiter
from digest.web.wiring import page_services
from tests.conftest import ROOT
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, store_row
from tests.digest.web.conftest import ADA, NOW, Browser, RecordingQueue, everything, mails, path, subscribed
from tests.digest.web.crawler import addresses
from tests.digest.web.live import serving
from tests.digest.web.pages.test_admin import signed_in
from tests.digest.web.pages.test_feeds import editions, paper

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
BOB = "bob@digest.example"
LIMITERS = ("api_limiter", "preview_limiter", "search_limiter", "suggestion_limiter", "feedback_limiter")

# --- stored text that is markup ---------------------------------------------------------------------------------

MARKUP = "'\"><pwned onclick=x>"
SCRIPT_LINK = "javascript:alert('pwned')"
TAGS_OF_ATTACK = {"pwned"}
# Columns with words of the program, hashes and addresses that were checked; nobody outside writes into them.
OWN_COLUMNS = {
    *(
        "author_lookup.name",
        "crossref_lookup.doi",
        "example_paper.lookup",
        "feed_item.key",
        "feed_item.source",
        "feed_item.state",
    ),
    *("feed_item.text_key", "feed_source.name", "metric_counter.labels", "metric_counter.name", "paper.language"),
    *("paper.outlets", "paper_author_id.scheme", "paper_author_id.value", "paper_identifier.identifier"),
    *("reject.key", "run_report.outcome", "source_pause.source"),
    *("account_request.action", "account_request.address", "admin_login.address", "admin_login.session_hash"),
    *("admin_token.digest", "admin_token.scopes", "attempt.action", "attempt.key", "author_figure.source"),
    *("batch.source", "bounce.report_key", "bounce.address_key", "bounce.kind", "consent.event", "consent.client"),
    *("consent.wording", "delivery.kind", "delivery.address", "delivery.domain", "delivery.state"),
    *("delivery.message_id", "delivery_serial.kind", "edition.kind", "feedback.verb", "former_address.address_hash"),
    *("idempotency_key.key", "idempotency_key.request_hash", "installation.key", "lease.holder", "paper.arxiv_id"),
    *("paper.announce_type", "paper_key.key", "paper_summary.source", "pending_import.token", "run.state"),
    *("rate_limit_counter.action", "rate_limit_counter.key", "search_document.facets", "session_reply.way"),
    *("session_reply.domain", "sign_up_request.client", "sign_up_request.wording", "signal.source", "signal.name"),
    *(
        "domain_pause.domain",
        "source_day.source",
        "source_state.source",
        "source_state.outcome",
        "stored_key.name",
        "stored_key.value",
    ),
    *("subscriber.address", "subscriber.address_key", "subscriber.state", "subscriber.time_zone"),
    *("subscriber.cadence", "subscriber.quiet_day", "suppression.address_key", "former_address.reason"),
}
# A text of these is part of the program's own structure, not shown.
OWN_NAMES = {"section", "arxiv_id", "categories", "published", "signals", "kind", "minimum"}


class Attacks(HTMLParser):
    """Collects what a browser would run: elements and attributes of the attack, and addresses that are scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.successes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.successes += [tag] if tag in TAGS_OF_ATTACK else []
        self.successes += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        self.successes += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name in {"href", "src", "action", "formaction"} and (value or "").strip().lower().startswith("java")
        ]


def poisoned(value: Any, name: str = "") -> Any:
    """The value with markup in each text."""
    if isinstance(value, dict):
        return {key: item if key in OWN_NAMES else poisoned(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, name) for item in value]
    if isinstance(value, str):
        return SCRIPT_LINK if name.endswith("url") else f"{value[:60]} {MARKUP}"
    return value


def poison_database() -> set[str]:
    """Write markup into each text that may come from outside. Returns the columns that had one."""
    attacked = set()
    with engine.transaction() as session:
        for table in SQLModel.metadata.sorted_tables:
            keys = list(table.primary_key.columns)
            for column in table.columns:
                if f"{table.name}.{column.name}" in OWN_COLUMNS or column.primary_key:
                    continue
                if not isinstance(column.type, AutoString) and column.type.python_type is not dict:
                    continue
                for row in session.execute(select(table)).mappings().all():
                    value = row[column.name]
                    if value is None:
                        continue
                    attacked.add(f"{table.name}.{column.name}")
                    same_row = [key == row[key.name] for key in keys]
                    session.execute(table.update().where(*same_row).values({column.name: poisoned(value)}))
    return attacked


@pytest.fixture
def filled(settled: None, clock_stands: time_machine.Traveller, queue: RecordingQueue) -> Browser:
    """The real services over rows of every kind that a page shows, each text with markup in it."""
    web = Browser(build(queue, page_services()))
    for name in LIMITERS:
        setattr(web.app.state, name, RequestLimiter(10**6))
    subscribed(web)
    paper(1, "Reinforcement learning of graphs")
    paper(2, "Reinforcement of graphs")
    editions(2, papers=(1, 2))
    run = add_run()
    add_mail(add_subscriber(BOB), run)
    store_row(
        Suppression(address_key="eve@digest.example", reason="asked", source="a report", at=NOW),
        Bounce(report_key="r", address_key=BOB, kind="hard", status="5.1.1", at=NOW),
        DomainPause(domain="one.example", until=NOW.replace(year=2026), reason="policy"),
        Reject(batch_id=1, document="a document", position=1, reason="no title", excerpt="{}"),
        SourceState(source="arxiv-rss", attempted_at=NOW, outcome="down", detail="an answer"),
        PaperSummary(paper_id=1, source="arxiv", text="A summary", taken_at=NOW),
        AuthorFigure(name="Ada Byron", source="jsonl", figures={"h-index": "12"}, taken_at=NOW),
        ExamplePaper(subscriber_id=1, import_id=1, title="Maps", identifier="doi", abstract="Of maps", added_at=NOW),
        FeedSource(
            name="journal",
            title="A journal",
            former_url="https://former.example/feed.xml",
            url="https://journal.example/feed.xml",
            subject="maps",
            etag="a tag",
            last_modified="a day",
            added_at=NOW,
        ),
        PaperAuthorId(
            paper_id=1, scheme="orcid", value="0000-0002-1825-0097", name="Ada Byron", institution="A school"
        ),
        Feedback(subscriber_id=1, paper_id=1, verb="more", topic="graphs", at=NOW),
        Audit(at=NOW, actor="root", action="add", detail={"subscriber": 1, "consent": "a list"}),
    )
    with engine.transaction() as session:
        session.get_one(Paper, 1).doi = "10.1234/graphs"
    api_tokens.create_token("monitor", ["runs:read"], expires_at=None)
    return web


def pages_to_open(web: Browser) -> list[str]:
    public = ["/", "/trending", "/papers/1", "/authors/Ada%20Byron", "/search?q=reinforcement", "/admin"]
    public += ["/trending.atom", "/trending.json", "/?topics=graphs", "/start-from-papers"]
    tokens = [signed_links.preferences(1), signed_links.edition(1), signed_links.unsubscribe(1)]
    admin = ["/admin", "/admin/runs", "/admin/runs/1", "/admin/runs/1/cancel", "/admin/subscribers"]
    admin += ["/admin/subscribers/1", "/admin/subscribers/2", "/admin/subscribers/1/erase", "/admin/suppressions"]
    admin += ["/admin/sources?source=jsonl", "/admin/tokens", "/admin/settings", "/admin/audit"]
    api = ["papers", "papers/1", "search?q=reinforcement", "citations?ids=1,2", "citations?ids=1&format=ris"]
    return [*public, *map(path, tokens), *admin, *(f"/api/v1/{name}" for name in api)]


def text_columns() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, AutoString)
    }


def attacks_in(response: httpx.Response) -> list[str]:
    """What a browser or a feed reader would run in a response."""
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if media_type == "text/html":
        return Attacks(response.text).successes
    if media_type == "application/atom+xml":
        texts = ["".join(element.itertext()) for element in Xml.fromstring(response.content).iter()]
        links = [element.get("href", "") for element in Xml.fromstring(response.content).iter()]
        html = [
            "".join(element.itertext())
            for element in Xml.fromstring(response.content).iter()
            if element.get("type") == "html"
        ]
        assert texts
        return [success for text in html for success in Attacks(text).successes] + [
            link for link in links if link.startswith("java")
        ]
    if media_type == "application/feed+json":
        items = json.loads(response.text)["items"]
        return [success for item in items for success in Attacks(item["content_html"]).successes]
    assert response.headers["x-content-type-options"] == "nosniff"  # shown as text or stored as a file
    return []


@SQLITE
def test_markup_in_any_stored_text_is_never_run_on_any_page_or_feed(filled: Browser) -> None:
    cookie = signed_in(filled)
    before = {page: filled.get(page, headers=cookie).status_code for page in pages_to_open(filled)}
    attacked = poison_database()
    waiting, pages_by_address, all_text = pages_to_open(filled), {}, ""
    while waiting and len(pages_by_address) < 150:
        page = waiting.pop(0)
        if page in pages_by_address:
            continue
        response = filled.get(page, headers=cookie)
        pages_by_address[page] = response.status_code
        assert attacks_in(response) == [], page
        all_text += response.text
        if response.headers.get("content-type", "").startswith("text/html"):
            waiting += [link for link in addresses(response.text) if "sign-out" not in link]

    assert {page: pages_by_address[page] for page in before if pages_by_address[page] != before[page]} == {}
    assert text_columns() - attacked == OWN_COLUMNS, "each text column is attacked, or the program's own"
    assert all_text.count("pwned") > 30


# --- forms of other sites -----------------------------------------------------------------------------------------


def admin_posts(web: Browser) -> list[str]:
    """Every address below /admin that takes a POST."""
    routes = [route for module in PAGES for route in module.router.routes if isinstance(route, APIRoute)]
    paths = {route.path for route in routes if "POST" in route.methods and route.path.startswith("/admin")}
    return sorted(re.sub(r"\{[^}]*\}", "1", route) for route in paths)


FOREIGN = {
    "another site": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "another host of this site": {"origin": "http://other.testserver", "sec-fetch-site": "same-site"},
    "another port of this host": {"origin": "http://testserver:8080", "sec-fetch-site": "same-site"},
    "this host without encryption": {"origin": "https://testserver", "sec-fetch-site": "cross-site"},
    "a sandbox": {"origin": "null"},
    "an old browser on another site": {"origin": "https://evil.example"},
}


@SQLITE
@pytest.mark.parametrize("sender", FOREIGN)
def test_no_administrators_form_of_another_origin_is_taken(filled: Browser, sender: str) -> None:
    cookie = signed_in(filled)
    before = everything()
    posts = admin_posts(filled)
    data = {"action": "cancel", "name": "x", "scope": "admin", "address": ADA, "source": "jsonl", "days": "7"}

    assert len(posts) >= 8
    for page in posts:
        assert filled.post(page, data=data, headers=cookie | FOREIGN[sender]).status_code == 403, page
    assert everything() == before


@SQLITE
def test_the_api_takes_no_cookie(filled: Browser) -> None:
    cookie = signed_in(filled)

    assert filled.get("/api/v1/runs", headers=cookie).status_code == 401
    assert filled.post("/api/v1/runs/1/cancel", headers=cookie).status_code == 401


@SQLITE
def test_no_other_origin_may_read_an_answer(filled: Browser) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for page in ("/", "/api/v1/papers", "/api/v1/subscriptions", "/admin"):
        answers = [filled.get(page, headers=headers), filled.ask("OPTIONS", page, headers=headers)]
        assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


# --- redirects ----------------------------------------------------------------------------------------------------


@SQLITE
@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "/%2f/evil.example"])
def test_no_address_redirects_to_another_host(filled: Browser, target: str) -> None:
    cookie = signed_in(filled)
    names = ("next", "url", "redirect", "return", "return_to", "continue", "to", "back", "path")
    data = dict.fromkeys(names, target)
    headers = cookie | {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "referer": target}
    pages = [*pages_to_open(filled)[:20], "/admin/sign-out", f"/{target}", f"/{target}/", "/subscribe"]
    answers = [filled.get(page, params=data, headers=headers) for page in pages]
    answers += [
        filled.post(page, data=data | {"address": ADA, "topics": "graphs"}, headers=headers)
        for page in ("/subscribe", "/admin/sign-in", "/admin/sign-out", path(signed_links.preferences(1)))
    ]

    locations = [answer.headers["location"] for answer in answers if "location" in answer.headers]
    assert [location for location in locations if not re.match(r"/(?![/\\])", location)] == []


# --- fields that are not the sender's to set ----------------------------------------------------------------------

FOREIGN_FIELDS = {
    "id": "7",
    "state": "active",
    "confirmed_at": "2020-01-01T00:00:00Z",
    "address_key": "eve@digest.example",
    "profile_id": "1",
    "seen_through": "999",
    "next_due_at": "2020-01-01T00:00:00Z",
    "scopes": "admin",
    "suppressed": "false",
}


@SQLITE
def test_a_sign_up_sets_nothing_but_preferences(web: Browser) -> None:
    plain = {"address": ADA, "topics": "graphs"}
    web.post("/subscribe", data=plain | FOREIGN_FIELDS)
    refused = web.post("/api/v1/subscriptions", json={"address": BOB, **FOREIGN_FIELDS})

    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == FOREIGN_FIELDS.keys()
    with engine.reading() as session:
        row = session.exec(select(Subscriber)).one()
    assert (row.id, row.state, row.confirmed_at, row.address_key) == (1, "pending", None, ADA)
    assert (row.profile_id, row.seen_through, row.next_due_at) == (None, 0, None)


@SQLITE
def test_the_preferences_set_nothing_but_preferences(web: Browser) -> None:
    subscriber = subscribed(web)
    fields = ("id", "state", "confirmed_at", "address", "address_key", "seen_through", "created_at")
    before = {name: getattr(subscriber, name) for name in fields}
    data = {"topics": "graphs", "address": "eve@digest.example", **FOREIGN_FIELDS, "state": "left"}
    web.post(path(signed_links.preferences(1)), data=data | {"action": "save"})

    with engine.reading() as session:
        row = session.exec(select(Subscriber)).one()
    assert {name: getattr(row, name) for name in fields} == before


# --- which addresses are known -------------------------------------------------------------------------------------


def known_and_unknown(web: Browser) -> dict[str, str]:
    """An address of each kind, by its kind."""
    subscribed(web)
    web.post("/subscribe", data={"address": BOB, "topics": "graphs"})
    store_row(Suppression(address_key="eve@digest.example", reason="complaint", at=NOW))
    add_subscriber("left@digest.example", state="left")
    return {
        "subscribed": ADA,
        "pending": BOB,
        "suppressed": "eve@digest.example",
        "left": "left@digest.example",
        "unknown": "new@digest.example",
        "administrator": "root@digest.example",
    }


ENTRY_POINTS: dict[str, Callable[[Browser, str], httpx.Response]] = {
    "sign-up": lambda web, address: web.post("/subscribe", data={"address": address, "topics": "graphs"}),
    "sign-up by the API": lambda web, address: web.post(
        "/api/v1/subscriptions", json={"address": address, "topics": ["graphs"]}
    ),
    "sign-in": lambda web, address: web.post("/admin/sign-in", data={"address": address}),
    "API listing": lambda web, address: web.get("/api/v1/subscriptions", params={"address": address}),
}


@SQLITE
@pytest.mark.parametrize("door", ENTRY_POINTS)
def test_no_answer_tells_whether_an_address_is_known(web: Browser, door: str) -> None:
    addresses_by_kind = known_and_unknown(web)
    answers = {}
    for number, (kind, address) in enumerate(addresses_by_kind.items()):
        web.host = f"198.51.100.{number + 1}"
        response = ENTRY_POINTS[door](web, address)
        headers = {name: value for name, value in response.headers.items() if name not in {"content-length", "date"}}
        answers[kind] = response.status_code, response.text.replace(address, "…"), sorted(headers.items())

    assert [kind for kind, answer in answers.items() if answer != answers["unknown"]] == []


@SQLITE
def test_no_public_counter_moves_with_a_known_address(web: Browser) -> None:
    addresses_by_kind = known_and_unknown(web)
    counters: set[tuple[str, ...]] = set()
    for number, address in enumerate(addresses_by_kind.values()):
        web.host = f"198.51.100.{number + 1}"
        ENTRY_POINTS["sign-up"](web, address)
        web.host = "203.0.113.99"
        counters.add(tuple(web.get(page).text for page in ("/readyz", "/metrics", "/healthz", "/")))

    assert len(counters) == 1


# --- bombing, large and slow requests -------------------------------------------------------------------------------


@SQLITE
def test_fifty_clients_get_one_inbox_three_mails_a_day_at_most(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    for number in range(50):
        web.host = f"198.51.{number}.1"
        spelling = f"ada+{number}@digest.example" if number % 2 else ADA
        body = {"address": spelling, "topics": "graphs"}
        if number % 3:
            web.post("/subscribe", data=body)
        else:
            web.post("/api/v1/subscriptions", json=body)
        clock_stands.shift(60 * 20)

    assert len(mails()) == 3


@SQLITE
def test_many_clients_and_inboxes_stop_at_the_ceiling(web: Browser, configured: Callable[..., None]) -> None:
    configured(SIGN_UP_CEILING=10)
    statuses = []
    for number in range(15):
        web.host = f"198.51.{number}.1"
        body = {"address": f"r{number}@d{number}.example", "topics": ["graphs"]}
        statuses.append(web.post("/api/v1/subscriptions", json=body).status_code)

    assert statuses == [202] * 10 + [429] * 5
    assert len([mail for mail in mails() if mail.kind == "confirmation"]) == 10


LARGE = 64 * 1024 + 1


@pytest.fixture
def live(web: Browser) -> Iterator[str]:
    with serving(web.app) as (host, port):
        yield f"http://{host}:{port}"


@SQLITE
def test_no_address_takes_a_body_beyond_its_bound(live: str, web: Browser) -> None:
    with httpx.Client(base_url=live) as client:
        for page in ("/subscribe", "/preview", "/admin/sign-in", "/api/v1/preview", "/api/v1/subscriptions", "/"):
            response = client.post(page, content=b"x" * LARGE)
            chunked = client.post(page, content=(b"x" * 4096 for _ in range(17)))
            assert (response.status_code, chunked.status_code) == (413, 413), page


@SQLITE
def test_a_packed_body_is_not_unpacked(live: str) -> None:
    bomb = b"\x1f\x8b" + b"x" * 1000
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = httpx.post(f"{live}/api/v1/preview", content=bomb, headers=headers)

    assert answer.status_code in {400, 422}


@SQLITE
def test_the_page_about_security_lists_tests_that_exist(settled: None) -> None:
    page = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8").partition("## Attacks")[2]
    page = page.partition("\n## ")[0]
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests/digest/web").rglob("*.py"))
    files = re.findall(r"`([a-z_/]+\.py)`", page)

    assert [name for name in re.findall(r"`(test_[a-z_]+)`", page) if f"def {name}(" not in sources] == []
    assert [name for name in files if not (ROOT / "tests/digest/web" / name).exists()] == []

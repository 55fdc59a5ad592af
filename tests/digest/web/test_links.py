"""What links lead to: no GET changes anything, no token leads to one of another purpose, a shared page is harmless."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest
import time_machine
from fastapi import APIRouter

from digest import settings, signing
from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE, RATE, feedback_suffix
from digest.db.core import engine
from digest.db.outbox import deliveries
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.models import Edition
from digest.services.delivery.render_messages import MailComposer
from digest.services.security import signed_links
from digest.services.security.link_and_session_lifetimes import LIFETIMES, lifetime
from digest.web.app import PAGES, build
from digest.web.http.request_rates import RequestLimiter
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import (
    ADA,
    NOW,
    Browser,
    RecordingQueue,
    account_link,
    everything,
    mails,
    path,
    subscribed,
)
from tests.digest.web.crawler import addresses, crawl, tokens
from tests.digest.web.pages.test_feeds import editions, paper
from tests.outbox import as_claimed

BOB, EVE = "bob@digest.example", "eve@digest.example"
PUBLIC = ("/", "/trending", "/trending.atom", "/trending.json", "/papers/1", "/api/v1/papers", "/admin", "/healthz",
          "/readyz", "/metrics", "/api/v1/openapi.json")  # fmt: skip
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # of tests of signatures, which use no SQL
VERBS = (MORE, LESS, MUTE, FOLLOW, RATE)

# Every route that takes a token, by the purpose that opens it; {} is the token. A session comes as a cookie.
ROUTES = {
    signing.CONFIRM: ("/confirm/{}",),
    signing.NOT_ME: ("/not-me/{}",),
    signing.UNSUBSCRIBE: ("/unsubscribe/{}", "/unsubscribe/{}/link"),
    signing.PREFERENCES: (
        "/preferences/{}",
        "/preferences/{}/search",
        "/preferences/{}/liked.bib",
        "/api/v1/likes/{}/citations",
    ),
    signing.EDITION: ("/editions/{}", "/editions/{}.bib", "/editions/{}/link", "/editions/{}/more"),
    signing.FEED: (
        "/feeds/{}.atom",
        "/feeds/{}.json",
        "/feeds/editions/{}",
        "/feeds/editions/{}.bib",
        "/feeds/editions/{}/link",
        "/feeds/editions/{}/more",
    ),
    signing.FEEDBACK: tuple(f"/feedback/{{}}.1.{verb}{end}" for verb in VERBS for end in ("", "/link")),
    signing.EXPORT: ("/account/export/{}",),
    signing.ERASE: ("/account/erase/{}",),
    signing.CHANGE_ADDRESS: ("/account/change-address/{}",),
    signing.NEW_ADDRESS: ("/account/new-address/{}",),
    signing.SIGN_IN: ("/admin/enter/{}",),
}


@pytest.fixture
def real(settled: None, clock_stands: time_machine.Traveller, queue: RecordingQueue) -> Browser:
    """The pages over the real services: Ada has two editions of two papers, Bob has signed up and not confirmed."""
    web = Browser(build(queue, page_services()))
    web.app.state.feedback_limiter = RequestLimiter(10**6)  # tests send more requests than the limit allows
    subscribed(web)
    paper(1)
    paper(2, "Another one")
    editions(2, papers=(1, 2))
    web.post("/subscribe", data={"address": BOB, "topics": "graphs"})
    return web


def enqueue_mail(kind: str, subject_id: int = 1, **more: object) -> None:
    with engine.transaction() as session:
        new_delivery = deliveries.NewDelivery(kind, subject_id, ADA, subscriber_id=1, **more)  # type: ignore[arg-type]
        deliveries.enqueue(session, [new_delivery], NOW)


def make_mail(web: Browser, kind: str) -> None:
    """Let the service queue a mail of this kind, by its public function where there is one."""
    if kind == "link":
        web.post("/subscribe", data={"address": ADA, "topics": "graphs"})
    elif kind in {"export", "erase", "change-address"}:
        account_link(web, kind)
    elif kind in {"new-address", "moved"}:
        web.post(account_link(web, "change-address"), data={"address": EVE})
        if kind == "moved":
            web.post(path(signed_links.account("new-address", 2)))
    elif kind == "notice":
        with engine.transaction() as session:
            session.get_one(Edition, 1).content = {"entries": [], "considered": 412}
        enqueue_mail(kind)
    elif kind == "sign-in":
        web.post("/admin/sign-in", data={"address": "root@digest.example"})
    elif kind != "confirmation":
        enqueue_mail(kind, payload={"title": "Late", "facts": ["one"]} if kind == "alarm" else None)


def sent(kind: str) -> EmailMessage:
    """The newest mail of that kind, as it goes over the wire."""
    kind = "account-link" if kind in {"export", "erase", "change-address"} else kind
    newest = [mail for mail in mails() if mail.kind == kind][-1]
    ((_, sent_message),) = MailComposer(settings.get()).compose([as_claimed(newest)])
    assert isinstance(sent_message, OutgoingMessage), sent_message
    message = email.message_from_bytes(sent_message.raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(mail: EmailMessage) -> str:
    """Both bodies and all headers."""
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*parts, *(f"{name}: {value}" for name, value in mail.items())])


KINDS = ("confirmation", "link", "export", "erase", "change-address", "new-address", "moved", "digest", "welcome",
         "notice", "first-notice", "resend", "sign-in", "alarm", "test")  # fmt: skip


@MAINLY_SQLITE
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_mail_leads_to_changes_nothing_when_it_is_only_looked_at(real: Browser, kind: str) -> None:
    make_mail(real, kind)
    starts = addresses(text_of(sent(kind)))
    before = everything()
    crawled = crawl(real, starts, follow_public=False)  # those pages are followed below

    assert everything() == before
    assert crawled.broken(but="/authors/") == {}
    assert 200 in crawled.statuses.values()


@MAINLY_SQLITE
def test_a_shared_edition_exposes_no_personal_data(real: Browser) -> None:
    """On every page that it links to: no address, no other token, no change, no working button."""
    before = everything()
    crawled = crawl(real, [signed_links.edition(1)])

    assert crawled.broken(but="/authors/") == {}
    assert "/papers/1" in crawled.pages
    assert ADA not in crawled.everything
    assert "ada@" not in crawled.everything.lower()
    assert {purpose for purpose, _ in tokens(crawled.everything)} == {signing.EDITION}
    assert everything() == before


@MAINLY_SQLITE
@pytest.mark.parametrize("form", ["atom", "json"])
def test_a_feed_leads_to_its_own_editions_and_to_nothing_else(real: Browser, form: str) -> None:
    before = everything()
    crawled = crawl(real, [signed_links.feed(1, form)], follow_public=False)  # the test above follows those pages

    assert ADA not in crawled.everything
    assert {purpose for purpose, _ in tokens(crawled.everything)} == {signing.FEED}
    assert path(signed_links.feed_edition(1, 1)) in crawled.pages
    assert everything() == before


def test_no_public_page_leads_to_anybodys_data(real: Browser) -> None:
    before = everything()
    crawled = crawl(real, PUBLIC)

    assert set(PUBLIC) <= set(crawled.pages)
    assert tokens(crawled.everything) == set()
    assert not [address for address in (ADA, BOB, "root@digest.example") if address in crawled.everything]
    assert everything() == before


def own_address(purpose: str, web: Browser) -> str:
    """A page that a good token of this purpose opens."""
    if purpose in {signing.EXPORT, signing.ERASE, signing.CHANGE_ADDRESS}:
        return account_link(web, purpose)
    if purpose == signing.NEW_ADDRESS:
        make_mail(web, "new-address")
        return path(signed_links.account(purpose, 2))
    if purpose == signing.SIGN_IN:
        make_mail(web, "sign-in")
        return path(signed_links.sign_in(mails()[-1].subject_id))
    return {
        signing.CONFIRM: path(signed_links.confirm(2, 2)),
        signing.NOT_ME: path(signed_links.not_me(2, 2)),
        signing.UNSUBSCRIBE: path(signed_links.unsubscribe(1)),
        signing.PREFERENCES: path(signed_links.preferences(1)),
        signing.EDITION: path(signed_links.edition(1)),
        signing.FEED: path(signed_links.feed(1)),
        signing.FEEDBACK: path(signed_links.feedback(1) + feedback_suffix(1, MORE)),
    }[purpose]


@MAINLY_SQLITE
@pytest.mark.parametrize("purpose", ROUTES)
def test_a_token_leads_to_no_token_of_another_purpose(real: Browser, purpose: str) -> None:
    """But the preferences name the addresses of their own feeds and past editions, which only read."""
    crawled = crawl(real, [own_address(purpose, real)], follow_public=False)
    allowed = {purpose, signing.FEED, signing.EDITION} if purpose == signing.PREFERENCES else {purpose}

    assert 200 in crawled.statuses.values()
    assert {linked_purpose for linked_purpose, _ in tokens(crawled.everything)} <= allowed


def forms(purpose: str) -> list[str]:
    """Tokens of this purpose of every shape that any purpose has."""
    signer = signed_links.signer()
    values = ((1,), (1, 1), (2, 2))
    return [sign(purpose, *arguments) for arguments in values for sign in (signer.sign, signer.sign_timed)]


def opening(web: Browser, route: str, owner: str) -> int:
    """Which of the `forms` of its own purpose a route takes: what it opens may be missing, but it can be read."""
    return next(n for n, token in enumerate(forms(owner)) if web.get(route.format(token)).status_code != 400)


@SQLITE
@pytest.mark.parametrize("each_form", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_token_is_refused_on_every_route_of_another_purpose(real: Browser, each_form: bool) -> None:
    """In the form that the route takes, so that nothing but the purpose can be the reason; or in each form."""
    for action in ("export", "erase", "change-address"):
        account_link(real, action)
    before = everything()
    for owner, route in ((owner, route) for owner, routes in ROUTES.items() for route in routes):
        chosen = slice(None) if each_form else slice(form := opening(real, route, owner), form + 1)
        for purpose in LIFETIMES.keys() - {owner}:
            for token in forms(purpose)[chosen]:
                responses = [real.get(route.format(token)), real.post(route.format(token), data={"address": EVE})]

                assert responses[0].status_code == 400, (route, purpose)
                assert responses[1].status_code in {400, 405}, (route, purpose)
    assert everything() == before


@SQLITE
def test_a_token_is_no_session(real: Browser) -> None:
    for purpose in LIFETIMES:
        for token in forms(purpose):
            response = real.get("/admin", headers={"cookie": f"digest_admin={token}; __Host-digest_admin={token}"})

            assert "Overview" not in response.text, purpose


@MAINLY_SQLITE
def test_the_token_of_one_edition_in_a_feed_does_not_open_the_feed(real: Browser) -> None:
    token = path(signed_links.feed_edition(1, 1)).rpartition("/")[2]

    assert real.get(f"/feeds/{token}.atom").status_code == 400
    assert (
        real.get(f"/feeds/editions/{path(signed_links.feed(1)).split('/')[2].removesuffix('.atom')}").status_code == 400
    )


def paths_of(router: APIRouter) -> Iterator[str]:
    """The paths of a router's routes, also of those that it includes."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from (f"{router.prefix}{route_path}" for route_path in paths_of(included))
        else:
            yield route.path


@MAINLY_SQLITE
def test_every_route_with_a_token_is_tried_above(real: Browser) -> None:
    named = {route.format("{token}").partition(".1.")[0] for routes in ROUTES.values() for route in routes}
    tried = {name.partition("{token}")[0] for name in named}
    routed = {
        route_path.partition("{token}")[0].replace("{action}", action)
        for part in PAGES
        for route_path in paths_of(part.router)
        for action in ("export", "erase", "change-address", "new-address")
        if "{token}" in route_path
    }

    assert routed == tried


TIMED = (signing.CONFIRM, *(p for p in ROUTES if p in {"export", "erase", "change-address", "new-address", "sign-in"}))


@MAINLY_SQLITE
@pytest.mark.parametrize("purpose", TIMED)
def test_a_link_works_until_its_time_is_over(real: Browser, clock_stands: time_machine.Traveller, purpose: str) -> None:
    page = own_address(purpose, real)
    clock_stands.shift(lifetime(purpose) - timedelta(seconds=1))
    assert real.get(page).status_code == 200
    clock_stands.shift(timedelta(seconds=2))
    before = everything()

    assert [real.get(page).status_code, real.post(page).status_code] == [410, 410]
    assert everything() == before


@MAINLY_SQLITE
@pytest.mark.parametrize("purpose", [purpose for purpose, expires in LIFETIMES.items() if expires is None])
def test_a_link_without_a_lifetime_works_for_years(
    real: Browser, clock_stands: time_machine.Traveller, purpose: str
) -> None:
    page = own_address(purpose, real)
    clock_stands.shift(timedelta(days=3650))

    assert real.get(page).status_code == 200


LINK_PAGES = {
    "edition": lambda: f"{path(signed_links.edition(1))}/link",
    "feed": lambda: f"{path(signed_links.feed_edition(1, 1))}/link",
    "feedback": lambda: f"{path(signed_links.feedback(1) + feedback_suffix(1, MORE))}/link",
    "unsubscribe": lambda: f"{path(signed_links.unsubscribe(1))}/link",
}


@MAINLY_SQLITE
@pytest.mark.parametrize("page", LINK_PAGES)
def test_the_owner_of_a_shared_page_gets_the_link_by_mail(real: Browser, page: str) -> None:
    response = real.post(LINK_PAGES[page]())

    assert (mails()[-1].kind, mails()[-1].address) == ("link", ADA)
    assert signed_links.preferences(1) in text_of(sent("link"))
    assert ADA not in response.text
    assert tokens(response.text) == set()


def test_strangers_can_have_the_link_mailed_three_times_a_day_at_most(
    real: Browser, clock_stands: time_machine.Traveller
) -> None:
    responses = {real.post(LINK_PAGES[page]()).text for page in [*LINK_PAGES, *LINK_PAGES]}

    assert len(responses) == 1
    assert [mail.kind for mail in mails()].count("link") == 3
    clock_stands.shift(timedelta(hours=25))
    real.post(LINK_PAGES["edition"]())
    assert [mail.kind for mail in mails()].count("link") == 4


@MAINLY_SQLITE
def test_a_scanner_that_sends_the_form_gets_no_mail_sent(real: Browser) -> None:
    before = everything()
    for page in LINK_PAGES.values():
        assert real.post(page(), data={"on_page": "yes"}).status_code == 200

    assert everything() == before


@MAINLY_SQLITE
def test_an_erased_owner_gets_no_link_and_the_answer_is_the_same(real: Browser) -> None:
    page = LINK_PAGES["unsubscribe"]()
    before = real.post(page).text
    real.post(account_link(real, "erase"))
    sent_before = len(mails())

    assert real.post(page).text == before
    assert len(mails()) == sent_before


@MAINLY_SQLITE
def test_links_for_one_client_are_limited(real: Browser) -> None:
    link = path(signed_links.edition(1))
    responses = [real.post(f"{link}/link").status_code for _ in range(21)]

    assert responses == [200] * 20 + [429]

"""Pages of the administration that refresh themselves: nothing that somebody does on them is lost, and they stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from digest import clock
from digest.db.core.engine import transaction
from digest.models import Delivery
from digest.models.delivery import QUEUED, SENT
from tests.browser.site import ADMIN, ImmediateQueue, Site
from tests.browser.steps import sign_in
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("context", [True], indirect=True, ids=["script"]),
]

MAILS = 40  # so many that the page scrolls
A_TURN = 31_000  # milliseconds, no refresh takes longer to come
DETAILS = "<details id='more'><summary>More</summary><p id='text'>Some text to select</p></details></h1>"


@pytest.fixture
def deliveries(site: Site) -> list[int]:
    """The mails of a run that are still queued."""
    run = add_run(clock.now() + timedelta(hours=1))
    return [add_mail(add_subscriber(f"r{n}@one.example"), run, state=QUEUED, is_held=True) for n in range(MAILS)]


@pytest.fixture
def followed(page: Page, site: Site, deliveries: list[int], context: BrowserContext) -> Page:
    """The page of a run that is followed, with a part that opens."""
    sign_in(page, site, ADMIN)

    def add_details(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace("</h1>", DETAILS))

    page.route("**/admin/runs/1?*", add_details)
    page.clock.install()
    page.goto(f"{site.url}/admin/runs/1?follow=yes")
    return page


def mark_sent(delivery_id: int) -> None:
    with transaction() as session:
        session.get_one(Delivery, delivery_id).state = SENT


def refresh(page: Page, deliveries: list[int]) -> None:
    """Let a further mail be sent, and wait until the page shows it."""
    mark_sent(deliveries.pop())
    with page.expect_response("**/admin/runs/1?*"):
        page.clock.fast_forward(A_TURN)
    expect(page.locator("main")).to_contain_text(f"{MAILS - len(deliveries)} of {MAILS} mails sent")


def test_what_is_typed_stays_with_focus_and_caret(followed: Page, deliveries: list[int]) -> None:
    followed.fill("#q", "half typed")
    followed.keyboard.press("ArrowLeft")
    followed.keyboard.press("ArrowLeft")
    refresh(followed, deliveries)
    followed.keyboard.type("-")

    expect(followed.locator("#q")).to_be_focused()
    assert followed.input_value("#q") == "half typ-ed"


def test_a_text_that_is_typed_stays_after_its_field_has_lost_the_focus(followed: Page, deliveries: list[int]) -> None:
    followed.fill("#q", "half typed")
    followed.get_by_role("link", name="Health").focus()
    refresh(followed, deliveries)

    assert followed.input_value("#q") == "half typed"
    expect(followed.get_by_role("link", name="Health")).to_be_focused()


def test_a_focused_row_keeps_the_focus_where_other_rows_come_and_go(
    followed: Page, deliveries: list[int], site: Site
) -> None:
    followed.goto(f"{site.url}/admin/runs/1?follow=yes&state=queued")
    followed.get_by_role("link", name="r5@one.example").focus()
    mark_sent(deliveries.pop(2))
    refresh(followed, deliveries)

    expect(followed.get_by_role("link", name="r2@one.example")).to_have_count(0)
    expect(followed.get_by_role("link", name="r5@one.example")).to_be_focused()


def test_an_open_part_stays_open_and_the_page_where_it_was(followed: Page, deliveries: list[int]) -> None:
    followed.locator("#more summary").click()
    followed.evaluate("scrollTo(0, 300)")
    refresh(followed, deliveries)

    assert followed.evaluate("document.getElementById('more').open")
    assert followed.evaluate("scrollY") == 300


def test_a_selection_stays(followed: Page, deliveries: list[int]) -> None:
    followed.locator("#more summary").click()
    followed.evaluate(
        "() => { const text = document.getElementById('text').firstChild;"
        " getSelection().setBaseAndExtent(text, 5, text, 9); }"
    )
    refresh(followed, deliveries)

    assert followed.evaluate("String(getSelection())") == "text"


def test_a_service_that_does_not_answer_ends_it_and_the_page_says_so(followed: Page, deliveries: list[int]) -> None:
    requests: list[str] = []

    def refuse(route: Route) -> None:
        requests.append(route.request.url)
        route.abort()

    followed.unroute("**/admin/runs/1?*")
    followed.route("**/admin/runs/1?*", refuse)
    for _ in range(6):
        followed.clock.fast_forward(A_TURN)
        followed.wait_for_timeout(50)

    expect(followed.get_by_role("alert")).to_contain_text("not refreshed any more")
    expect(followed.get_by_role("alert").get_by_role("link")).to_have_text("Load it again")
    assert len(requests) == 3


def test_a_run_is_not_followed_while_no_worker_answers(
    followed: Page, deliveries: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImmediateQueue, "alive", lambda _: False)
    refresh(followed, deliveries)

    expect(followed.locator("main")).to_contain_text("No worker answers, so this page is not refreshed")
    expect(followed.get_by_role("link", name="Follow the progress")).to_be_visible()
    with followed.expect_event("domcontentloaded"):
        followed.get_by_role("link", name="Follow the progress").click()
    expect(followed.locator("[data-refresh]")).to_have_count(0)

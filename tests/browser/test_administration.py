"""An administrator without a shell: resend a mail, see why nothing came, cancel a run; and topics edited in rows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect

from digest.db.core.engine import reading
from digest.matching.profile import Profile
from digest.models import ProfileVersion
from digest.queues import NoQueue
from digest.services.admin.subscriber_admin import suppress_address
from digest.services.runs import run_planning
from digest.services.security import signed_links
from tests.browser.site import ADMIN, Site, days
from tests.browser.steps import ADA, TOPICS, sign_in, subscribe, subscriber_row
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("context", [False], indirect=True, ids=["no script"]),
]

FRIDAY = date(2025, 11, 21)


def mailed(page: Page, site: Site, clock: time_machine.Traveller) -> None:
    """Ada gets a mail, and the administrator signs in."""
    subscribe(site)
    clock.shift(timedelta(days=1))
    site.announce(FRIDAY, days(FRIDAY)[0])
    site.run()
    sign_in(page, site, ADMIN)


def stored_profile() -> Profile:
    with reading() as session:
        return Profile.from_json(session.get_one(ProfileVersion, subscriber_row().profile_id).profile)


def test_a_mail_is_sent_again_in_four_clicks(page: Page, site: Site, clock_moves: time_machine.Traveller) -> None:
    mailed(page, site, clock_moves)
    page.get_by_role("navigation").get_by_role("link", name="Runs").click()
    page.locator("tbody th a").first.click()
    page.get_by_role("link", name=ADA).click()
    page.get_by_role("button", name="Send this edition again").click()

    expect(page.get_by_role("status")).to_have_text(f"Queued resend #1 to {ADA}.")


def test_why_nothing_comes_is_said_on_top_of_the_story(
    page: Page, site: Site, clock_moves: time_machine.Traveller
) -> None:
    mailed(page, site, clock_moves)
    page.goto(f"{site.url}/admin/subscribers?q={ADA[:3]}")
    page.get_by_role("link", name=ADA).click()
    page.get_by_label("Why this address must not be mailed").fill("asked by phone")
    page.get_by_role("button", name="Suppress").click()

    expect(page.locator("main")).to_contain_text("the address is suppressed since")
    expect(page.get_by_role("button", name="Release the address")).to_be_visible()


def test_a_run_is_cancelled_after_a_question(page: Page, site: Site, clock_moves: time_machine.Traveller) -> None:
    subscribe(site)
    clock_moves.shift(timedelta(days=1))
    site.announce(FRIDAY, days(FRIDAY)[0])
    run_planning.plan_due(NoQueue())
    sign_in(page, site, ADMIN)
    page.goto(f"{site.url}/admin/runs/1")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancel run 1?")).to_be_visible()
    page.get_by_role("button", name="Cancel the run").click()

    expect(page.get_by_role("status")).to_contain_text("cancelled")


def test_a_topic_is_edited_and_another_deleted_in_rows(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    page.get_by_label("Topic 1").fill("offline RL")
    page.get_by_role("button", name=f"Delete {TOPICS[1]}").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")

    assert [topic.text for topic in stored_profile().topics] == ["offline RL", TOPICS[2]]


def test_pausing_takes_one_button_on_top_of_the_preferences(page: Page, site: Site) -> None:
    subscribe(site)
    page.goto(signed_links.preferences(1))
    expect(page.locator("main")).to_contain_text("Next mail")
    page.get_by_role("button", name="Pause", exact=True).click()

    expect(page.get_by_role("button", name="End the pause")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 700, 320])
def test_a_long_address_widens_no_list(page: Page, site: Site, width: int) -> None:
    address = f"{'x' * 60}@{'y' * 50}.{'z' * 50}.example"
    add_mail(add_subscriber(address), add_run())
    suppress_address(address, reason="asked by phone")
    sign_in(page, site, ADMIN)
    page.set_viewport_size({"width": width, "height": 800})
    widths = {}
    for name in ("subscribers", "mails", "suppressions", "runs/1"):
        page.goto(f"{site.url}/admin/{name}")
        box = page.locator("table").first.bounding_box()
        assert box
        widths[name] = box["x"] + box["width"]

    assert {name: right for name, right in widths.items() if right > width} == {}

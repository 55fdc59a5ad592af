"""A subscriber from sign-up to the last mail: on SQLite and PostgreSQL, with the page's script and without."""

from __future__ import annotations

from datetime import date, timedelta

import httpx
import pytest
import time_machine
from playwright.sync_api import Page

from tests.browser.site import ADMIN, Site, days, link
from tests.browser.steps import (
    ADA,
    ONE_CLICK,
    TOPICS,
    sign_in,
    sign_up,
    subscriber_row,
    titles,
    titles_by_reference,
    titles_of,
)
from tests.digest.web.conftest import everything

FRIDAY, SATURDAY = date(2025, 11, 21), date(2025, 11, 22)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_from_three_keywords_to_the_last_mail(page: Page, site: Site, clock_moves: time_machine.Traveller) -> None:
    first, second = days(FRIDAY)

    confirmation = link(sign_up(page, site), "confirm")
    before = everything()
    page.goto(confirmation)
    assert page.get_by_role("definition").first.inner_text().splitlines() == list(TOPICS)
    assert everything() == before

    page.get_by_role("button", name="Yes, send me the mail").click()
    page.get_by_role("heading", name="You are subscribed").wait_for()
    assert subscriber_row().state == "active"

    clock_moves.shift(timedelta(days=1))
    site.announce(FRIDAY, first)
    assert site.run().sent == 1
    mail = site.digest_mail(ADA)
    mailed_titles = titles_of(mail, page)
    assert mailed_titles == titles_by_reference(TOPICS, FRIDAY)
    assert len(mailed_titles) == 10

    page.goto(link(mail, "editions"))
    assert titles(page) == mailed_titles
    assert page.title() == mail["Subject"]

    response = httpx.post(str(mail["List-Unsubscribe"]).strip("<>"), data=ONE_CLICK)
    assert (response.status_code, response.history, response.cookies) == (200, [], httpx.Cookies())

    clock_moves.shift(timedelta(days=1))
    site.announce(SATURDAY, second)
    assert site.run().sent == 0
    assert len(site.mails(ADA)) == 2

    sign_in(page, site, ADMIN)
    page.fill("#address", ADA)
    page.get_by_role("button", name="Send again").click()
    refusal = page.locator("#address-error").inner_text()
    assert f"not sent: {ADA} is not subscribed since 2025-11-21" in refusal.lower()
    assert len(site.mails(ADA)) == 2

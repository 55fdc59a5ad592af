"""Mail scanners: they open every link, run the script and send all forms. Nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import pytest
import time_machine
from playwright.sync_api import Browser, Page

from digest.services.security import signed_links as making
from tests.browser.site import ADMIN, Site, days, links
from tests.browser.steps import ADA, sign_up, subscribe, subscriber_row
from tests.digest.web.conftest import everything

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("context", [True], indirect=True, ids=["script"]),
]


@pytest.fixture
def scanner(browser: Browser) -> Iterator[Page]:
    """A browser of its own, without cookies."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def some_of_each_kind(addresses: list[str]) -> list[str]:
    """A few of each kind: all kinds of links, not the same ones of every paper."""
    of_page: dict[str, list[str]] = {}
    for address in addresses:
        of_page.setdefault(address.split("/")[3], []).append(address)
    return [address for addresses_of_kind in of_page.values() for address in addresses_of_kind[:3]]


def scan(addresses: list[str], scanner: Page) -> int:
    """Open each address as HEAD, GET and in the browser, and send every form there without a button pressed."""
    sent = 0
    for address in addresses:
        httpx.head(address)
        httpx.get(address)
        scanner.goto(address, wait_until="load")
        forms = scanner.locator("form").count()
        for number in range(forms):
            scanner.goto(address)
            with scanner.expect_navigation():
                scanner.evaluate("number => document.forms[number].submit()", number)
        sent += forms
    return sent


def test_a_confirmation_is_not_pressed_by_a_scanner(page: Page, site: Site, scanner: Page) -> None:
    confirm_links = [
        address for address in links(sign_up(page, site)) if "/confirm/" in address or "/not-me/" in address
    ]
    before = everything()
    sent = scan(confirm_links, scanner)

    assert (len(confirm_links), sent) == (2, 3)
    assert everything() == before


def test_a_days_mail_is_not_answered_by_a_scanner(
    page: Page, site: Site, scanner: Page, clock_moves: time_machine.Traveller
) -> None:
    subscribe(site)
    clock_moves.shift(timedelta(days=1))
    site.announce(date(2025, 11, 21), days(date(2025, 11, 21))[0])
    site.run()
    mail_links = some_of_each_kind(links(site.digest_mail(ADA)))
    before = everything()
    sent = scan(mail_links, scanner)

    assert {address.split("/")[3] for address in mail_links} >= {"preferences", "unsubscribe", "editions", "feedback"}
    assert sent >= 6
    assert everything() == before


def test_a_scanner_does_not_resubscribe_an_unsubscribed_person(page: Page, site: Site, scanner: Page) -> None:
    subscribe(site)
    httpx.post(making.unsubscribe(1))
    before = everything()
    sent = scan([making.preferences(1), making.unsubscribe(1)], scanner)

    assert sent == 5
    assert everything() == before
    assert subscriber_row().state == "left"


def test_an_administrators_link_is_not_used_up_by_a_scanner(page: Page, site: Site, scanner: Page) -> None:
    page.goto(f"{site.url}/admin")
    page.fill("#address", ADMIN)
    page.get_by_role("button", name="Send me a link").click()
    enter_links = [address for address in links(site.mail(ADMIN)) if "/enter/" in address]
    before = everything()
    scan(enter_links, scanner)

    assert everything() == before
    page.goto(enter_links[0])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()

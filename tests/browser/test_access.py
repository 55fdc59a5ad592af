"""Accessibility of every page: axe finds no violation, in light and dark; nothing overflows a small screen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice, product
from typing import Any

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser import lived
from tests.browser.site import ADMIN, Site, serving
from tests.browser.steps import sign_in
from workers.demo import mailbox_pages

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

NARROWEST = 320
ADMIN_PATHS = (
    *("runs", "runs/1", "runs/1/cancel", "subscribers", "subscribers/1", "subscribers/1/erase", "suppressions"),
    *("health", "sources", "tokens", "settings", "audit"),
)
# The dark scheme changes colours alone, so only rules about colours are judged again.
RULES = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]},
}
SCHEMES_AND_WIDTHS = [(scheme, width) for scheme, width in product(RULES, (375, 1280))]


@pytest.fixture
def berlin_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(timezone_id="Europe/Berlin")
    yield context.new_page()
    context.close()


def everything(site: Site, clock: time_machine.Traveller, page: Page) -> Iterator[str]:
    """Every page in turn, shown; yields its name."""
    lived.live_through(site, clock, announcements=4)
    addresses = lived.addresses(site) | {
        "confirm": lived.request_link(site),
        "not me": lived.request_link(site, page="not-me"),
    }
    addresses["change of address"] = lived.request_address_change(site)
    for name, address in addresses.items():
        page.goto(address)
        yield name
    with serving(lambda _: mailbox_pages.build_mailbox_app(site.mailbox, site.url)) as mailbox:
        page.goto(mailbox)
        yield "mailbox"
        page.locator("li a").first.click()
        yield "mail"
    sign_in(page, site, ADMIN)
    yield "administration"
    for path in ADMIN_PATHS:
        page.goto(f"{site.url}/admin/{path}")
        yield path


def violations(page: Page, scheme: str) -> list[dict[str, Any]]:
    """What axe finds on the page in that scheme. Its half a megabyte is loaded once for each page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    results: list[dict[str, Any]] = page.evaluate(
        "options => axe.run(options).then(results => results.violations)", RULES[scheme]
    )
    return results


@pytest.mark.parametrize("each_in", [1, pytest.param(len(SCHEMES_AND_WIDTHS), marks=pytest.mark.soak)])
def test_axe_finds_no_fault_and_nothing_overflows_on_any_page(
    berlin_page: Page, site: Site, clock_moves: time_machine.Traveller, each_in: int
) -> None:
    """`each_in`: in how many of the schemes and widths each page is judged; all of them occur in turn."""
    faults, pages_checked, schemes_and_widths = [], 0, cycle(SCHEMES_AND_WIDTHS)
    for name in everything(site, clock_moves, berlin_page):
        pages_checked += 1
        for scheme, width in islice(schemes_and_widths, each_in):
            berlin_page.emulate_media(color_scheme=scheme)
            berlin_page.set_viewport_size({"width": width, "height": 900})
            faults += [
                (name, scheme, width, violation["id"], [node["html"] for node in violation["nodes"]])
                for violation in violations(berlin_page, scheme)
            ]
        berlin_page.set_viewport_size({"width": NARROWEST, "height": 900})
        wide = berlin_page.evaluate("document.documentElement.scrollWidth")
        if wide > NARROWEST:
            faults.append((name, "overflow", wide))

    assert faults == []
    assert pages_checked == 26 + len(ADMIN_PATHS)

"""A browser, and the whole service for it to open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import time_machine
from httpx._transports import default
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.browser.site import Site, running
from tests.conftest import not_run
from tests.patience import PATIENCE

THURSDAY = datetime(2025, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this folder; ended with them, as its driver keeps an event loop in the thread."""
    path = chromium.find()
    if path is None:
        not_run("no chromium and no root")
    expect.set_options(timeout=1000 * PATIENCE)
    with chromium.launched(path) as launched_browser:
        yield launched_browser


@pytest.fixture(scope="package", autouse=True)
def shared_certificates() -> Iterator[None]:
    """Each call of httpx has a client of its own; what they trust, which takes 0.1 s of a core to load, they share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", cache(default.create_ssl_context))
        yield


@pytest.fixture
def clock_moves() -> Iterator[time_machine.Traveller]:
    """A Thursday noon, from where the test moves on."""
    with time_machine.travel(THURSDAY, tick=True) as traveller:
        yield traveller


@pytest.fixture
def site(
    database: str, tmp_path: Path, configured: Callable[..., None], clock_moves: time_machine.Traveller
) -> Iterator[Site]:
    """The service in this process, on a Thursday noon, without papers and subscribers."""
    with running(tmp_path, configured) as running_site:
        yield running_site


@pytest.fixture(scope="package")
def windows(browser: Browser) -> Callable[[bool], BrowserContext]:
    """A window in the time zone of Berlin, with or without JavaScript; one of each for all tests of this folder.

    Each has an empty page that stays open: a new window costs a second of a core, a new page in it much less.
    """

    @cache
    def open_window(has_script: bool) -> BrowserContext:
        window = browser.new_context(
            java_script_enabled=has_script, timezone_id="Europe/Berlin", viewport={"width": 1280, "height": 900}
        )
        window.set_default_timeout(1000 * PATIENCE)
        window.new_page()
        return window

    return open_window


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def context(request: pytest.FixtureRequest, windows: Callable[[bool], BrowserContext]) -> Iterator[BrowserContext]:
    """A browser window without cookies. Its site has a port of its own, so nothing else is kept from other tests."""
    window = windows(request.param)
    yield window
    for test_page in window.pages[1:]:
        test_page.close()
    window.clear_cookies()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()

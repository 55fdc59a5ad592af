"""Mails in a browser: axe finds nothing in light and dark, narrow and wide; nothing overflows, also without styles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser import chromium
from tests.mailgate.checkers import Missing
from tests.mailgate.mails import Mail

WIDTHS = (320, 800)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
_STYLES = re.compile(r"<style\b.*?</style>", re.DOTALL | re.IGNORECASE)


def looks(mails: Sequence[Mail]) -> list[str]:
    """Findings of all mails. Raises Missing without a browser."""
    path = chromium.find()
    if path is None:
        raise Missing("chromium (Debian: chromium)")
    with chromium.launched(path) as browser:
        pages = {scheme: browser.new_page(color_scheme=scheme) for scheme in SCHEMES}
        return [finding for mail in mails for finding in _faults_of(pages, mail)]


def _faults_of(pages: Mapping[Scheme, Page], mail: Mail) -> list[str]:
    faults = []
    for scheme, page in pages.items():
        page.set_content(mail.rendered.html, wait_until="load")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            where = f"{mail.name} at {width} in {scheme}"
            faults += [
                f"{where}: {violation['id']}: {violation['help']}"
                for violation in Axe().run(page).response["violations"]
            ]
            faults += _overflow(page, where)
    page = pages["light"]
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    page.set_content(_STYLES.sub("", mail.rendered.html), wait_until="load")
    return faults + _overflow(page, f"{mail.name} at {WIDTHS[0]} without styles")


def _overflow(page: Page, where: str) -> list[str]:
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"{where}: {wide} px wide in {room}"] if wide > room else []

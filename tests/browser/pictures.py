"""`make pictures`: the pages as they are, on a phone and on a desk, by day and by night, into docs/pictures."""

from __future__ import annotations

import base64
import os
import struct
import sys
import tempfile
import zlib
from itertools import product
from pathlib import Path

import time_machine
from playwright.sync_api import Browser, Page
from sqlmodel import col, select

from digest import settings
from digest.clock import now
from digest.db.core import engine, schema_migration
from digest.db.reporting import installation_totals
from digest.models import PaperVersion
from tests.browser import chromium, lived
from tests.browser.site import ADMIN, Site, running, serving
from tests.browser.steps import sign_in
from workers.demo import mailbox_pages

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WIDTHS = {375: 1600, 1280: 1400}  # width to the most of a page's height that is shown, in pixels
SCHEMES = ("light", "dark")
LIBRARY = 40  # papers of the library that is imported
COLOURS = 64  # a palette is enough for text on plain ground, and makes small files
PAGES_PICTURED = {
    "preview": "start",
    "trending": "trending",
    "confirm": "confirm",
    "preferences": "preferences",
    "edition": "edition",
}

# The most frequent colours as a palette, every pixel as the nearest of them: {width, height, palette, pixels}.
REDUCE = """async ([source, most]) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    const data = new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const colour of data) counts.set(colour, (counts.get(colour) || 0) + 1);
    const parts = (colour) => [colour & 255, colour >> 8 & 255, colour >> 16 & 255];
    const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, most).map(([colour]) => parts(colour));
    const nearest = new Map();
    for (const colour of counts.keys()) {
        const one = parts(colour);
        let best = 0, least = Infinity;
        palette.forEach((other, index) => {
            const far = other.reduce((sum, value, part) => sum + (value - one[part]) ** 2, 0);
            if (far < least) [best, least] = [index, far];
        });
        nearest.set(colour, best);
    }
    const pixels = Uint8Array.from(data, (colour) => nearest.get(colour));
    let text = '';
    for (let at = 0; at < pixels.length; at += 32768) text += String.fromCharCode(...pixels.subarray(at, at + 32768));
    return {width: image.width, height: image.height, palette: palette.flat(), pixels: btoa(text)};
}"""


def configure(**values: object) -> None:
    """Set settings by name."""
    os.environ.update({f"DIGEST_{name}": str(value) for name, value in values.items()})
    settings.clear_cache()


def save_screenshot(page: Page, name: str) -> None:
    """Save the page at both widths in both schemes."""
    for width, scheme in product(WIDTHS, SCHEMES):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        tall = min(page.evaluate("document.documentElement.scrollHeight"), WIDTHS[width])
        screenshot = page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": tall}, full_page=True)
        file = FOLDER / f"{name}-{width}-{scheme}.png"
        scaling_page = page.context.new_page()
        file.write_bytes(reduced_png(scaling_page, screenshot))
        scaling_page.close()
        print(f"{file.name}: {file.stat().st_size // 1024} KB")


def reduced_png(page: Page, screenshot: bytes) -> bytes:
    """The same image with a palette. The browser decodes it, so no image library is needed."""
    image = page.evaluate(REDUCE, [base64.b64encode(screenshot).decode(), COLOURS])
    width, height = image["width"], image["height"]
    pixels = base64.b64decode(image["pixels"])
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", bytes(image["palette"])),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def main() -> None:
    path = chromium.find()
    if path is None:
        sys.exit("no chromium; `apt-get install chromium`")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        time_machine.travel(lived.LAST, tick=True) as clock,
        chromium.launched(path) as browser,
    ):
        configure(DATA_DIR=folder, DATABASE_URL="")
        installation_totals.database_time = lambda _: now()  # SQLite's clock has not travelled
        schema_migration.upgrade()
        with running(Path(folder), configure) as site:
            _all(browser, site, clock)


def _all(browser: Browser, lived_site: Site, clock: time_machine.Traveller) -> None:
    lived.live_through(lived_site, clock)
    page = browser.new_context(timezone_id="Europe/Berlin", locale="en-GB").new_page()
    addresses = lived.addresses(lived_site) | {"confirm": lived.request_link(lived_site)}
    for name, called in PAGES_PICTURED.items():
        page.goto(addresses[name])
        save_screenshot(page, called)
    _start_from_papers(page, lived_site)
    save_screenshot(page, "library")
    sign_in(page, lived_site, ADMIN)
    save_screenshot(page, "admin")
    with serving(lambda _: mailbox_pages.build_mailbox_app(lived_site.mailbox, lived_site.url)) as mailbox:
        page.goto(mailbox)
        save_screenshot(page, "mailbox")


def _start_from_papers(page: Page, site: Site) -> None:
    """Import a library on the start page: stored papers, one that is not, and a damaged entry."""
    with engine.reading() as session:
        papers = list(session.exec(select(PaperVersion).order_by(col(PaperVersion.id)).limit(LIBRARY)))
    entries = [
        f"@misc{{paper{paper.id}, title = {{{paper.title}}}, author = {{{' and '.join(paper.detail['authors'])}}}}}"
        for paper in papers
        if paper.detail.get("authors")
    ]
    library = "\n".join([*entries, "@misc{notes, year = {2020}}", "@misc{later, eprint = {2401.00001}}"])
    page.goto(site.url)
    page.locator("#library summary").click()
    page.fill("#library textarea", library)
    page.locator("#library button[type=submit]").click()
    page.locator("#imported").wait_for()
    for summary in page.locator("#imported summary").all():
        summary.click()


if __name__ == "__main__":
    main()

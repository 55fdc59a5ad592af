"""Debian's Chromium, found on PATH or, where we are root, installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.patience import PATIENCE

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)
_PACKAGES = ("chromium",)


def find() -> str | None:
    """The browser's path; None where there is none and it can't be installed."""
    executable = shutil.which("chromium")
    if executable is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *_PACKAGES]):
            subprocess.run(["apt-get", "-q", *command], env=quiet, check=False, capture_output=True)
        executable = shutil.which("chromium")
    return executable


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A browser with a fresh profile of its own, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS), timeout=1000 * PATIENCE)
        try:
            yield browser
        finally:
            browser.close()

"""Debian's Chromium, found on PATH or, where we are root, installed.

The headless shell, which is the same browser without its windows, takes a third less of a core.
"""

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
    "--process-per-site",
    "--font-render-hinting=none",
)
_PACKAGES = ("chromium-headless-shell", "chromium")  # older releases of Debian have the latter alone


def find() -> str | None:
    """The browser's path; None where there is none and it can't be installed."""
    if (executable := _installed()) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return executable
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-q", "update"], env=quiet, check=False, capture_output=True)
    for package in _PACKAGES:
        install = ["apt-get", "-q", "install", "-y", "--no-install-recommends", package]
        subprocess.run(install, env=quiet, check=False, capture_output=True)
        if executable := _installed():
            return executable
    return None


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, _PACKAGES)), None)


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A browser with a fresh profile of its own, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS), timeout=1000 * PATIENCE)
        try:
            yield browser
        finally:
            browser.close()

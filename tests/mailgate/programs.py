"""Support of the HTML in mail programs, by the tables of caniemail.com: no gaps beyond the baseline here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.mailgate.checkers import Missing, tool, written
from tests.mailgate.mails import Mail

_SCRIPT = Path(__file__).with_name("caniemail.mjs")
_EXTRA = "dark mode and margins only: every style but those stands in the tags"
_PREHEADER = "hides the preheader three ways at once; each is enough"
_BREAKS = "breaks long words; three ways at once, and where none is known words break by themselves"
_SCREENS = "for screen readers, where it is kept; without it they say the visible text"
_CARD = "bounds the card; a table of its own does so for Outlook, a division for Apple's mail"
_USUAL = "only values that all know are used"
_ONE_LINE = "keeps the code of a category on one line; elsewhere it may break at a hyphen, and nothing is lost"
_LOOKS = "finer in some programs than in others; nothing is lost"
# Features that some program lacks or knows in part, and why that does no harm here.
BASELINE = {
    "@media": _EXTRA, "<style> element": _EXTRA, "color-scheme meta tag": _EXTRA,
    "white-space": _ONE_LINE,
    "display:none": _PREHEADER, "overflow": _PREHEADER, "max-height property": _PREHEADER,
    "overflow-wrap": _BREAKS, "word-break": _BREAKS, "table-layout": _BREAKS,
    "role attribute": _SCREENS, "lang attribute": _SCREENS,
    "aria-hidden attribute": _SCREENS, "aria-label attribute": _SCREENS,
    "dir attribute": "right-to-left titles stand on the right where it is kept",
    "<body> element": "the ground's colour stands on the table, too",
    "width property": _CARD, "max-width": _CARD, "margin": _CARD, "align attribute": _CARD, "HTML comments": _CARD,
    "system-ui, ui-serif, ui-sans-serif, ui-rounded, ui-monospace": "Segoe UI, Roboto and Arial follow it",
    "background": _USUAL, "display": _USUAL, "font-size": _USUAL, "font-weight": _USUAL, "text-align": _USUAL,
    "text-decoration": _USUAL, "text-transform": _USUAL,
    "background-color": "ink is dark enough for a white ground",
    "border": _LOOKS, "border-radius": _LOOKS,
    "cellpadding attribute": _LOOKS, "cellspacing attribute": _LOOKS,
    "letter-spacing": _LOOKS, "line-height": _LOOKS, "padding": _LOOKS,
}  # fmt: skip


def caniemail(mails: Sequence[Mail]) -> list[str]:
    """Features beyond the baseline. Raises Missing."""
    node = tool("node", "Debian: nodejs")
    package = Path(os.environ.get("CANIEMAIL", "build/tools/node_modules/caniemail"))
    if not package.is_dir():
        raise Missing("caniemail (make gate-tools, or CANIEMAIL)")
    with written(mails, lambda mail: mail.rendered.html.encode(), "html") as paths:
        command = [node, str(_SCRIPT), str(package.resolve()), *map(str, paths)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        return [f"the linter failed: {result.stderr.strip()[-300:]}"]
    return [
        f"{Path(file).stem}: {feature}: not everywhere: {', '.join(programs[:6])}"
        for file, feature, programs in json.loads(result.stdout)
        if feature not in BASELINE
    ]

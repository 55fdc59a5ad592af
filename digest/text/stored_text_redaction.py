"""Removes e-mail addresses from stored free texts (a server's refusal, a note), where erasing cannot find them.

Lines of the log are redacted in `digest/logs.py`.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[^\s<>\"'(),;:\[\]=]+")  # a single pass over any text


def redact_addresses(text: str) -> str:
    """The text with `[address]` in place of every e-mail address."""
    return _TOKEN.sub(lambda token: "[address]" if "@" in token[0].strip("@") else token[0], text)

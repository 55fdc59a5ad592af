"""Taking addresses out of free texts (a server's refusal, a note) that are kept, where erasing can't find them."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]]+@[^\s<>\"'(),;:\[\]]+")


def redact_addresses(text: str) -> str:
    """The text with `[address]` in place of every e-mail address."""
    return _ADDRESS.sub("[address]", text)

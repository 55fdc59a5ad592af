"""Separates topics that somebody typed into one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

SEPARATORS = ",;，；、"
_PARTS = re.compile(rf"""(?:"[^"]*(?:"|$)|\([^()]*(?:\)|$)|[^{SEPARATORS}"(])+""")  # between separators


def split_topics(line: str) -> Iterator[str]:
    """The topics between commas and semicolons; those in quotes and parentheses belong to a topic."""
    for part in _PARTS.findall(line):
        if topic := part.strip():
            yield topic

"""Authors in one line, as arXiv keeps them: 'A. Byron (1), Emmy Noether and Wei Li ((1) Royal Society)'. Pure."""

from __future__ import annotations

import re

from digest.text.tex import readable

_AFFILIATION = re.compile(r"\s*\([^()]*(?:\([^()]*\)[^()]*)*\)")
_AND = re.compile(r"\s+and\s+|^and\s+")
_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV")
_COLLABORATION = re.compile(r"\s*(?:\b(?:for|on behalf of)\s+the\b.*)$")


def comma_names(line: str) -> tuple[str, ...]:
    """The names of one line. Commas in the parentheses of an affiliation don't separate; TeX accents become letters."""
    names: list[str] = []
    for part in _parts(line):
        bare = _AFFILIATION.sub("", part)
        for piece in _AND.split(bare.strip()):
            name = readable(_COLLABORATION.sub("", piece)).strip(" ,;:")
            if names and _SUFFIX.fullmatch(name):
                names[-1] += f" {name}"
            elif name:
                names.append(name)
    return tuple(names)


def _parts(line: str) -> list[str]:
    """The line cut at the commas outside parentheses, and at semicolons and colons that some use instead."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(line):
        depth += (char == "(") - (char == ")" and depth > 0)
        if char in ",;" and depth == 0:
            parts.append(line[start:index])
            start = index + 1
    return [*parts, line[start:]]

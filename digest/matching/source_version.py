"""Which version of the code a generated file belongs to: a hash of the sources that decide its content. Pure."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


@cache
def source_version(*packages: str) -> str:
    """16 hexadecimal digits that change whenever a Python source or a word list of these packages changes."""
    digest = hashlib.sha256()
    for package in packages:
        sources = [item for item in files(package).iterdir() if item.name.endswith((".py", ".txt"))]
        for source in sorted(sources, key=lambda item: item.name):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]

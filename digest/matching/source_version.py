"""Which version of the code a generated file belongs to: a hash of the sources that decide its content. Pure."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def source_version(*names: str) -> str:
    """16 hexadecimal digits that change whenever a Python source or a word list of these packages and modules does."""
    digest = hashlib.sha256()
    for name in names:
        for source in sorted(_sources(name), key=lambda item: item.name):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _sources(name: str) -> list[Traversable]:
    """The source of a module, or the sources and word lists of a package."""
    package, _, module = name.rpartition(".")
    if package and (source := files(package) / f"{module}.py").is_file():
        return [source]
    return [item for item in files(name).iterdir() if item.name.endswith((".py", ".txt"))]

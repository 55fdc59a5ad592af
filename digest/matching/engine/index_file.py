"""An index of papers in a file, ready to be mapped into memory."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from digest.matching.engine import array_file
from digest.matching.engine.paper_index import PaperIndex
from digest.matching.source_version import source_version

_MAGIC = b"papers index 2\n"
# An index made by another version is not used: the rules of text may have changed.
CODE_VERSION = source_version("digest.text", "digest.matching.engine", "digest.matching.scoring.parameters")[:8]


def to_bytes(index: PaperIndex) -> bytes:
    """The index as bytes."""
    return array_file.to_bytes(_MAGIC, {field.name: getattr(index, field.name) for field in fields(PaperIndex)})


def read(path: Path) -> PaperIndex:
    """The index in a file, mapped into memory. Raises BadInput for a truncated, changed or foreign file; OSError."""
    return PaperIndex(**array_file.read(path, _MAGIC, "an index of papers"))

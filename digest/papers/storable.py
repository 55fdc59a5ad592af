"""Records without the signs that no database keeps: NUL, and halves of characters. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from digest.papers.record import Parsed, Record

_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


def storable(parsed: Parsed) -> Parsed:
    """The document with records that can be stored; the same one where all can, as nearly always."""
    if not any(_UNSTORABLE.search(text) for item in parsed.papers for text in _texts(item.record)):
        return parsed
    return replace(parsed, papers=tuple(replace(item, record=_cleaned(item.record)) for item in parsed.papers))


def _texts(record: Record) -> Iterator[str]:
    for one in fields(record):
        value = getattr(record, one.name)
        yield from (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()


def _cleaned(record: Record) -> Record:
    return replace(record, **{one.name: _clean(getattr(record, one.name)) for one in fields(record)})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    return tuple(_UNSTORABLE.sub("", text) for text in value) if isinstance(value, tuple) else value

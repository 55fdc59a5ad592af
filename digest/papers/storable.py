"""Records without the signs that no database keeps: NUL, and halves of characters. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from digest.papers.record import Parsed, Record

_NAMES = tuple(one.name for one in fields(Record))
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


def storable(parsed: Parsed) -> Parsed:
    """The document with records that can be stored; the same one where all can, as nearly always."""
    if all(item.keys is not None or _kept("".join(_texts(item.record))) for item in parsed.papers):
        return parsed
    return replace(parsed, papers=tuple(replace(item, record=_cleaned(item.record)) for item in parsed.papers))


def _kept(text: str) -> bool:
    """True where a database keeps the text as it is."""
    return "\0" not in text if text.isascii() else not _UNSTORABLE.search(text)


def _texts(record: Record) -> Iterator[str]:
    for name in _NAMES:
        value = getattr(record, name)
        yield from (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()


def _cleaned(record: Record) -> Record:
    return replace(record, **{name: _clean(getattr(record, name)) for name in _NAMES})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    return tuple(_UNSTORABLE.sub("", text) for text in value) if isinstance(value, tuple) else value

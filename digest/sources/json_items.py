"""Reads JSON lists of objects. A damaged element is refused with its position, the others are used. Pure.

A valid document is simply parsed. In a damaged one, an element that can't be parsed ends where the next one begins,
recognised by the first key of the list's objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from digest.errors import BadInput
from digest.papers import RejectedItem
from digest.sources.decoding import decode

_BLANKS = re.compile(r"[\s,]*")
_FIRST_KEY = re.compile(r"\{\s*\"([^\"\\]{1,60})\"\s*:")
_MAX_REREAD = 4  # limit on characters read in a damaged document, as a multiple of its length
_DECODER = json.JSONDecoder(strict=False)  # control characters in texts are cleaned later


@dataclass(frozen=True, slots=True)
class JsonItems:
    """The values in order, damaged ones as RejectedItem. `is_cut`: it is truncated; `is_recovered`: it was damaged."""

    values: tuple[Any, ...]
    is_cut: bool = False
    is_recovered: bool = False


def read_items(data: bytes, key: str = "") -> JsonItems:
    """The values of a list, or of the list under `key` of an object; an object without `key` is a list of itself.

    Raises BadInput where there is no list or no recognisable element.
    """
    text = decode(data)
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return _recover(text, key, BadInput(f"not JSON: {str(error)[:100]}"))
    values = document.get(key, [document]) if key and isinstance(document, dict) else document
    if not isinstance(values, list):
        raise BadInput(f"{key}: expected a list" if key else f"expected a list: {str(document)[:100]}")
    return JsonItems(tuple(values))


def _recover(text: str, key: str, error: BadInput) -> JsonItems:
    list_start = re.search(rf'"{key}"\s*:\s*\[', text) if key else re.match(r"\s*\[", text)
    first_key = _FIRST_KEY.search(text, list_start.end()) if list_start else None
    if list_start is None or first_key is None:
        raise error
    next_item = re.compile(rf'\{{\s*"{re.escape(first_key[1])}"\s*:')
    values = tuple(_values(text, list_start.end(), next_item))
    if not any(isinstance(value, dict) for value in values):
        raise error
    return JsonItems(values, is_cut=not text.rstrip().endswith("}" if key else "]"), is_recovered=True)


def _values(text: str, position: int, next_item: re.Pattern[str]) -> Iterator[Any]:
    """Each value of the list from `position`. Raises BadInput where recovery would take too long."""
    number, characters_reread = 0, 0
    while True:
        position = _BLANKS.match(text, position).end()  # type: ignore[union-attr]  # matches anything
        if position >= len(text) or text[position] == "]":
            return
        number += 1
        try:
            value, position = _DECODER.raw_decode(text, position)
            yield value
            continue
        except (ValueError, RecursionError) as error:
            reason = f"not JSON: {str(error)[:100]}"
            characters_reread += getattr(error, "pos", len(text)) - position
        if characters_reread > _MAX_REREAD * len(text):
            raise BadInput("not JSON: damaged in too many places")
        next_match = next_item.search(text, position + 1)
        end = next_match.start() if next_match else len(text)
        yield RejectedItem(number, reason, text[position : position + 120])
        position = end

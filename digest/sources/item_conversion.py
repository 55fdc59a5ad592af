"""Converts the items of an answer one by one, so that a damaged item becomes a reject and the others are used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from digest.papers import RejectedItem

Item = TypeVar("Item")
Converted = TypeVar("Converted")
MAX_REASON, MAX_EXCERPT = 200, 120  # characters
JSON_ERRORS = (ValueError, TypeError, AttributeError)  # of values that have another type than expected


def convert_items(
    items: Iterable[Item | RejectedItem],
    convert: Callable[[Item], Converted],
    excerpt: Callable[[Item], str],
    *,
    errors: tuple[type[Exception], ...] = (ValueError,),
) -> tuple[list[Converted], list[RejectedItem]]:
    """The converted items, and those that could not be read or converted, with position, reason and an excerpt.

    `errors`: the errors by which `convert` refuses an item.
    """
    converted: list[Converted] = []
    rejected: list[RejectedItem] = []
    for position, item in enumerate(items, start=1):
        if isinstance(item, RejectedItem):
            rejected.append(item)
            continue
        try:
            converted.append(convert(item))
        except errors as error:
            rejected.append(RejectedItem(position, item_reason(error)[:MAX_REASON], excerpt(item)[:MAX_EXCERPT]))
    return converted, rejected


def item_reason(error: Exception) -> str:
    """Why an item was refused, in words for people; Python's own about a value of another type are none."""
    is_of_another_type = isinstance(error, TypeError | AttributeError)
    return "it, or one of its values, is of another type than expected" if is_of_another_type else str(error)


def json_excerpt(item: Any) -> str:
    """The item as JSON."""
    return json.dumps(item, ensure_ascii=False)

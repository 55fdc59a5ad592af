"""Reads fields of decoded JSON as texts and lists, whatever their type is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digest.bibliography.entry import UNEXPECTED_TYPE
from digest.errors import N_

NOT_AN_OBJECT = N_("not an object")
Json = Mapping[str, Any]


def member(value: Any, name: str) -> Any:
    """The member of an object; None for other values."""
    return value.get(name) if isinstance(value, dict) else None


def text_value(value: Any) -> str:
    """The text in the member `value` of an object; '' for none."""
    text = member(value, "value")
    return text if isinstance(text, str) else ""


class JsonFields:
    """Reads fields as text. A field of another type is a reason to report."""

    def __init__(self, data: Json) -> None:
        self._data = data
        self.reasons: list[tuple[str, str]] = []

    def texts(self, *names: str) -> list[str]:
        """The texts of these fields that are not empty. Of a list of texts, its lines."""
        texts = (self._text(name) for name in names)
        return [text for text in texts if text]

    def text(self, *names: str) -> str:
        """The first of these fields that is not empty."""
        return next(iter(self.texts(*names)), "")

    def items(self, name: str) -> list[Any]:
        """The members of a list; of a single object, itself."""
        value = self._data.get(name)
        if isinstance(value, dict):
            return [value]
        if value is not None and not isinstance(value, list):
            self.reasons.append((UNEXPECTED_TYPE, name))
        return value if isinstance(value, list) else []

    def _text(self, name: str) -> str:
        value = self._data.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return "\n".join(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if value is not None:
            self.reasons.append((UNEXPECTED_TYPE, name))
        return ""

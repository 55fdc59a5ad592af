"""Sentences for readers from a part that knows no language: whoever shows them gives the words."""

from __future__ import annotations

from typing import Protocol


class Words(Protocol):
    """Sentences in a language; `%(name)s` stands for a value, `%(n)s` for the number that counts."""

    def say(self, message: str, /, **values: object) -> str:
        """The sentence."""

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The sentence for that number."""


class English:
    """The sentences as they stand here."""

    def say(self, message: str, /, **values: object) -> str:
        """The sentence."""
        return message % values if values else message

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The sentence for that number."""
        return (one if number == 1 else many) % {"n": f"{number:,}", **values}


ENGLISH = English()

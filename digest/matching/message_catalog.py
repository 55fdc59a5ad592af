"""Messages of pure packages, which know no locale: the caller supplies the translation."""

from __future__ import annotations

from typing import Protocol


class MessageCatalog(Protocol):
    """A message catalog; `%(name)s` stands for a value, `%(n)s` for the number that selects the plural form."""

    def localize(self, message: str, /, **values: object) -> str:
        """The message with its values."""

    def localize_plural(self, singular: str, plural: str, number: int, /, **values: object) -> str:
        """The message in the plural form for the number."""


class EnglishCatalog:
    """The untranslated English messages."""

    def localize(self, message: str, /, **values: object) -> str:
        """The message with its values."""
        return message % values if values else message

    def localize_plural(self, singular: str, plural: str, number: int, /, **values: object) -> str:
        """The message in the plural form for the number."""
        return (singular if number == 1 else plural) % {"n": f"{number:,}", **values}


ENGLISH = EnglishCatalog()

"""A language in which everything stands in brackets: what stands outside was never translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser

import pytest

from digest.compose import assemble, language, phrases, pieces, templates

NAMED = frozenset({"aria-label", "alt", "title", "placeholder", "data-chosen", "data-hint", "data-remove"})
WORD = re.compile(r"[A-Za-z]{2,}")


class Marked(NullTranslations):
    """Its catalogue."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return f"⟦{one if number == 1 else many}⟧"


class Words(HTMLParser):
    """What a reader sees or hears of a page, piece by piece."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._code = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code = tag in {"style", "script"}
        self.pieces += [value for name, value in attrs if name in NAMED and value]

    def handle_data(self, data: str) -> None:
        if not self._code and data.strip():
            self.pieces.append(data.strip())


def left(text: str, data: str) -> list[str]:
    """The words outside of brackets that are no data, by that pattern."""
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = less
    return WORD.findall(re.sub(data, " ", text))


def unsaid(page: str, data: str) -> list[str]:
    """The pieces of a page with words that no catalogue gave."""
    return [piece for piece in Words(page).pieces if left(piece, data)]


@contextmanager
def spoken() -> Iterator[None]:
    """Mails and pages speak that language."""
    _forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "catalogue", Marked)
        patch.setattr(templates, "catalogue", Marked)
        yield
    _forget()


def _forget() -> None:
    language.forget()
    for kept in (
        templates.html, templates.piece, templates.text, templates.fragment, pieces._line, pieces._framed,
        phrases._match, phrases._headline, phrases._subject, assemble._dated,
    ):  # fmt: skip
        kept.cache_clear()

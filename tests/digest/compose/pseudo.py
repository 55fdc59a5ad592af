"""A pseudo-language that brackets every translated text: a word outside of brackets was never translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser

import pytest

from digest import i18n
from digest.compose.email import email_parts, match_reason, paper_view, subject_line, template_environment

NAMED = frozenset({"aria-label", "alt", "title", "placeholder", "data-chosen", "data-hint", "data-remove"})
WORD = re.compile(r"[A-Za-z]{2,}")


class BracketedTranslations(NullTranslations):
    """The catalogue of the pseudo-language."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, singular: str, many: str, number: int) -> str:
        return f"⟦{singular if number == 1 else many}⟧"


class VisibleWords(HTMLParser):
    """Collects the visible and spoken texts of a page."""

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


def words_outside(text: str, data: str) -> list[str]:
    """The words outside of brackets, without those that match `data`."""
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = less
    return WORD.findall(re.sub(data, " ", text))


def untranslated_words(page: str, data: str) -> list[str]:
    """The texts of a page with untranslated words."""
    return [piece for piece in VisibleWords(page).pieces if words_outside(piece, data)]


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Mails and pages are in the pseudo-language."""
    _clear_caches()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(i18n, "catalogue", BracketedTranslations)
        patch.setattr(template_environment, "catalogue", BracketedTranslations)
        yield
    _clear_caches()


def _clear_caches() -> None:
    i18n.clear_caches()
    for cached in (
        template_environment.html_template, template_environment.piece_template,
        template_environment.text_template, template_environment.fragment_template,
        paper_view._reason_line, paper_view._render_frame,
        match_reason._topic_with_words, subject_line._headline, subject_line._subject, email_parts._dated_values,
    ):  # fmt: skip
        cached.cache_clear()

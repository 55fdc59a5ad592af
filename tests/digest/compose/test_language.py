"""Every sentence of a mail passes through a catalogue; dates and numbers through CLDR."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest

from digest.compose import language, phrases, pieces, templates
from digest.compose.views import Rendered
from tests.mailgate.mails import _small

ROOT = Path(__file__).resolve().parents[3]
DATA = re.compile(r"Papers Inbox|1 Library Lane|12345 Exampletown|https?://\S+|[·,;:.()↑ \d]")


class Marked(NullTranslations):
    """A catalogue of a language in which everything stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, one: str, many: str, number: int) -> str:
        return f"⟦{one if number == 1 else many}⟧"


class Words(HTMLParser):
    """What a reader sees of a page, piece by piece."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._style = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._style and data.strip():
            self.pieces.append(data.strip())


def forget() -> None:
    language.forget()
    for kept in (templates.html, templates.piece, templates.text, templates.fragment, pieces._line, pieces._framed):
        kept.cache_clear()


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget()
    monkeypatch.setattr(language, "catalogue", Marked)
    monkeypatch.setattr(templates, "catalogue", Marked)
    yield
    monkeypatch.undo()
    forget()


def transactional() -> list[tuple[str, Rendered]]:
    """The mails that hold no foreign text: everything in them but names and addresses is ours."""
    return [(name, mail) for name, _, mail in _small() if name in {"notice", "confirmation", "link", "sign-in", "test"}]


def bare(text: str) -> str:
    """What is left without brackets and without data."""
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = less
    return DATA.sub("", text).strip()


def test_no_sentence_of_a_page_is_left_out(marked: None) -> None:
    for name, mail in transactional():
        left = [piece for piece in Words(mail.html).pieces if bare(piece)]

        assert left == [], name


def test_a_digest_says_its_own_words_through_the_catalogue(marked: None) -> None:
    digest = next(mail for name, _, mail in _small() if name == "invented-digest").html

    for words in ("Abstract", "PDF", "Code", "More like this", "Less", "Mute topic", "Preferences", "Unsubscribe"):
        assert f">⟦{words}⟧</a>" in digest
    pieces = Words(digest).pieces
    for words in ("New for you", "matches", "close to", "Rising", "Chosen from"):
        assert not [piece for piece in pieces if piece.startswith(words)], words


def test_dates_and_numbers_are_the_languages(configured: Callable[..., None]) -> None:
    configured(LANGUAGE="de")
    forget()
    try:
        assert phrases.short_date(date(2025, 12, 5)) == "Fr. 5 Dez."
        assert phrases.number(1204) == "1.204"
    finally:
        configured(LANGUAGE="en")
        forget()


def test_extraction_finds_sentences_of_code_and_templates(tmp_path: Path) -> None:
    target = tmp_path / "messages.pot"
    keywords = ["-k", "say", "-k", "count:1,2", "-k", "N_"]
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg", *keywords]
    subprocess.run([*command, "--no-location", "-o", str(target), "."], cwd=ROOT, check=True, timeout=120)
    text = target.read_text(encoding="utf-8")

    for message in (
        "Confirm subscription",
        "%(n)s new on your topics",
        "★ Followed",
        "Your pause is over.",
        "More like",
    ):
        assert f'"{message}' in text
    assert 'msgid_plural "%(n)s votes"' in text

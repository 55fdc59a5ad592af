"""Every sentence of a mail passes through a catalogue; dates and numbers through CLDR."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from digest import i18n
from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import other_emails, wording
from digest.compose.email.template_context import RenderedMail
from digest.matching.trending import trending_score
from digest.papers import Record
from tests.digest.compose import pseudo, samples
from tests.mailgate.mails import _small
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SERVICE = r"Papers Inbox|1 Library Lane|12345 Exampletown|https?://\S+"
DATA = rf"{SERVICE}|cs\.LG|digest doctor"


@pytest.fixture
def marked() -> Iterator[None]:
    with pseudo.pseudo_language():
        yield


def transactional() -> list[tuple[str, RenderedMail]]:
    """The mails without outside text: all words but names and addresses are translated."""
    account = {"export", "erase", "change-address", "new-address", "moved"}
    transactional_names = {"notice", "confirmation", "link", "sign-in", "test"} | account
    return [(name, mail) for name, _, mail in _small() if name in transactional_names]


def test_no_sentence_of_a_mail_is_left_out(marked: None) -> None:
    for name, mail in transactional():
        assert pseudo.untranslated_words(mail.html, DATA) == [], name
        assert pseudo.words_outside(f"{mail.subject} {mail.text}", DATA) == [], name


@pytest.mark.parametrize("kind", ["digest", "welcome", "resend"])
def test_no_sentence_of_an_edition_is_left_out(marked: None, kind: str) -> None:
    mail = greek(kind)

    assert pseudo.untranslated_words(mail.html, DATA) == []
    assert pseudo.words_outside(f"{mail.subject} {mail.text}", DATA) == []


def greek(kind: str) -> RenderedMail:
    """An edition whose papers and topics hold no Latin letter, so that each one left is ours."""
    record = Record("Μάθηση", "Πρώτα αυτό. Μετά εκείνο.", ("Αδα", "Βαν", "Γεω", "Δαν", "Εύα"), arxiv_id="2511.00001")
    coded = replace(record, code_url="https://github.com/a/b", categories=("cs.LG",), withdrawn=True)
    searched = Record("Άλλη", "", ("Αδα", "Βαν"))
    rising = trending_score.explain(
        trending_score.Signals(hours=10, votes=41, place=2, listed=28, gained=3, code=True, stars=120, comments=1), i18n
    )
    ranked = trending_score.explain(trending_score.Signals(hours=30, rank=3, ranked=50), i18n)
    entries = (
        Entry(
            paper=0, revision=1, section=FOLLOWED, followed=("Αδα",), matched=((0, ("μάθηση",)),), topic=0, strict=True
        ),
        Entry(paper=1, revision=1, section=NEW, matched=((0, ("άλλη",)),), topic=0),
        Entry(paper=2, revision=1, section=NEW, signals=(("upvotes", 3.0), ("rank", 2.0))),
        Entry(paper=1, revision=1, section=RISING, reason=rising, spark="▁▂▅█"),
        Entry(paper=0, revision=1, section=RISING, reason=ranked),
    )
    papers = {(0, 1): coded, (1, 1): searched, (2, 1): replace(record, authors=("Αδα",), authors_complete=False)}
    recipient = replace(samples.RECIPIENT, topics=("μάθηση",), kind=kind)
    content = Content(entries, considered=412, more=3, notice="Your pause is over.")
    return other_emails.digest(content, papers, recipient, samples.LINKS, service=samples.SERVICE)


def test_dates_and_numbers_are_the_languages(configured: Callable[..., None]) -> None:
    configured(LANGUAGE="de")
    i18n.clear_caches()
    try:
        assert wording.short_date(date(2025, 12, 5)) == "Fr. 5 Dez."
        assert wording.format_number(1204) == "1.204"
    finally:
        configured(LANGUAGE="en")
        i18n.clear_caches()


def test_extraction_finds_sentences_of_code_and_templates(tmp_path: Path) -> None:
    target = tmp_path / "messages.pot"
    keywords = ["-k", "localize", "-k", "localize_plural:1,2", "-k", "N_"]
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg", *keywords]
    subprocess.run([*command, "--no-location", "-o", str(target), "."], cwd=ROOT, check=True, timeout=PATIENCE)
    text = target.read_text(encoding="utf-8")

    for message in (  # of a mail, of code, of pages, of trending
        "Confirm subscription",
        "%(n)s new on your topics",
        "★ Followed",
        "Your pause is over.",
        "More like",
        "Send me this",
        "Check your inbox",
        "%(place)s of %(listed)s listed today",
        "Muted",
    ):
        assert f'"{message}' in text
    assert 'msgid_plural "%(n)s votes"' in text

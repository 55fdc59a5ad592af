"""Loads the seed documents: detects their forms, parses them, and makes the demo's two announcements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from importlib import resources
from pathlib import Path

from digest.errors import BadInput
from digest.papers import ListedPaper, ParsedDocument, RejectedItem, merge_all
from seeds import abstracts, author_profile, identifier_listing, trending_page
from seeds.page import lines


class SeedForm(Enum):
    """The forms of seed documents."""

    AUTHOR_PROFILE = "author profile"
    TRENDING_PAGE = "trending page"
    IDENTIFIER_LISTING = "listing by identifier"
    ABSTRACTS = "abstracts only"


_PARSERS = {
    SeedForm.AUTHOR_PROFILE: author_profile.parse,
    SeedForm.TRENDING_PAGE: trending_page.parse,
    SeedForm.IDENTIFIER_LISTING: identifier_listing.parse,
    SeedForm.ABSTRACTS: abstracts.parse,
}
_DOCUMENTS_OF_FIRST_DAY = 2  # documents of the demo's first announcement; the others are announced a day later


@dataclass(frozen=True, slots=True)
class DemoAnnouncement:
    """One announcement of the demo: its day, its parsed documents, and its papers, each once."""

    day: date
    documents: tuple[tuple[str, ParsedDocument], ...]
    papers: tuple[ListedPaper, ...]


def shipped_documents() -> list[tuple[str, str]]:
    """Name and text of the shipped documents, by name."""
    entries = [entry for entry in resources.files("seeds").iterdir() if entry.name.endswith(".txt")]
    return [(entry.name, _text(entry.read_bytes())) for entry in sorted(entries, key=lambda entry: entry.name)]


def detect_form(text: str) -> SeedForm | None:
    """The form of a document, which may be truncated; None where it has none of the known ones."""
    rows = [row.text for row in lines(text)]
    if any(row.startswith(trending_page.GREETING) for row in rows[:3]):
        return SeedForm.TRENDING_PAGE
    if any(row.startswith(abstracts.ABSTRACT_MARK) for row in rows[:2]):
        return SeedForm.ABSTRACTS
    if any(author_profile.is_heading(row) for row in rows) or any(row.startswith("h-index") for row in rows[:1]):
        return SeedForm.AUTHOR_PROFILE
    return SeedForm.IDENTIFIER_LISTING if any(identifier_listing.is_identifier(row) for row in rows) else None


def parse(text: str, *, today: date) -> ParsedDocument:
    """The papers of a document of any form. Never raises; lines that cannot be parsed are rejected items."""
    form = detect_form(text)
    if form is not None:
        return _PARSERS[form](text, today=today)
    rows = lines(text)
    return ParsedDocument(
        rejected=(rows[0].rejected("the form is unknown") if rows else RejectedItem(1, "the document is empty", ""),)
    )


def load(files: Iterable[Path] = (), *, today: date) -> list[tuple[str, ParsedDocument]]:
    """Name and papers of each file; without files, of the shipped documents. Raises BadInput naming the file."""
    named_texts = [(path.name, _read(path)) for path in files] or shipped_documents()
    return [(name, parse(text, today=today)) for name, text in named_texts]


def announcements(today: date) -> tuple[DemoAnnouncement, DemoAnnouncement]:
    """The demo's two days, `today` the second: documents 000 and 001, then 002 to 004.

    A paper that is in both days shows that nothing is sent twice.
    """
    loaded = load(today=today)
    return (
        _demo_announcement(today - timedelta(days=1), loaded[:_DOCUMENTS_OF_FIRST_DAY]),
        _demo_announcement(today, loaded[_DOCUMENTS_OF_FIRST_DAY:]),
    )


def _demo_announcement(day: date, loaded: Sequence[tuple[str, ParsedDocument]]) -> DemoAnnouncement:
    return DemoAnnouncement(
        day, tuple(loaded), tuple(merge_all(paper for _, parsed in loaded for paper in parsed.papers))
    )


def _read(path: Path) -> str:
    try:
        return _text(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or 'can not be read'}", field="file") from error


def _text(content: bytes) -> str:
    """Decode UTF-8. Invalid bytes become U+FFFD, so that the paper around them is rejected."""
    return content.decode("utf-8", errors="replace")

"""Common parts of the parsers: lines of a saved page, truncated abstracts, derived titles."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from digest.papers import ListedPaper, Record, RejectedItem, code_address

MAX_EXCERPT = 80
MAX_TITLE = 110  # characters of a derived title
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]}$]*$")
_ENDS_WITH_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|et al|cf|vs|resp|w\.r\.t|Fig|Eq|Eqs|Sec|Dr|St)|\b[A-Z]|\d)\.$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\W\d]*[A-Z])")
_DANGLING_WORDS = re.compile(
    r"(?:[\s,;:(]+(?:an?|the|of|for|such|as|where|which|that|its|their|to|in|on|by|with|and|or|into|from|is|are))+$"
)
_UNREADABLE = "\ufffd"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank: its number from 1, and its stripped text."""

    number: int
    text: str

    def rejected(self, reason: str) -> RejectedItem:
        """The line as a rejected item."""
        return RejectedItem(self.number, reason, self.text[:MAX_EXCERPT])


def lines(text: str) -> list[Line]:
    """The lines that are not blank, with any line ends (LF, CRLF, CR), without a byte order mark."""
    rows = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [Line(number, row.strip()) for number, row in enumerate(rows, start=1) if row.strip()]


def is_unreadable(*texts: str) -> bool:
    """True where bytes were invalid."""
    return any(_UNREADABLE in text for text in texts)


def is_finished(abstract: str) -> bool:
    """True where the text may be complete: it ends like a sentence, and no formula is open.

    Only for a document's last abstract. A truncation right after a sentence cannot be detected.
    """
    return (
        bool(_SENTENCE_END.search(abstract))
        and not _ENDS_WITH_ABBREVIATION.search(abstract)
        and abstract.count("$") % 2 == 0
    )


def derived_title(abstract: str) -> str:
    """The abstract's first sentence without its full stop; a long one is cut at a word outside formulas, with '…'."""
    sentences = _SENTENCE.split(abstract)
    title = sentences[0]
    for sentence in sentences[1:]:
        if not _ENDS_WITH_ABBREVIATION.search(title):
            break
        title = f"{title} {sentence}"
    title = title.rstrip(". ")
    if len(title) <= MAX_TITLE:
        return title
    cuts = [
        position for position in range(MAX_TITLE) if title[position] == " " and title[:position].count("$") % 2 == 0
    ]
    end = cuts[-1] if cuts else MAX_TITLE - 1
    return _DANGLING_WORDS.sub("", title[:end]).rstrip(" ,;:(") + "…"


def listed_paper(record: Record, signals: tuple[tuple[str, float], ...] = ()) -> ListedPaper:
    """The paper with the address of its code from its texts, if any."""
    address = record.code_url or code_address(record.abstract, record.comment)
    return ListedPaper(
        replace(record, code_url=address, has_code=record.has_code or address is not None), signals=signals
    )


def record_without_title(abstract: str) -> Record:
    """A record of an abstract without a title."""
    return Record(derived_title(abstract), abstract, title_derived=True)


_MONTHS = {"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6}
_MONTHS |= {"Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12}
MONTH = "|".join(_MONTHS)


def parse_day(month: str, day: int, year: int | None, *, today: date) -> date | None:
    """The date; without a year the latest one that is not in the future. None where no such day exists."""
    # Eight years contain every day of the calendar, also 29 February.
    for candidate_year in (year,) if year is not None else range(today.year, today.year - 9, -1):
        try:
            parsed_day = date(candidate_year, _MONTHS[month], day)
        except ValueError:
            continue
        if year is not None or parsed_day <= today:
            return parsed_day
    return None

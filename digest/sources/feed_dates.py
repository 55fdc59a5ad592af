"""The day of a feed's entry, whatever form its date has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from email.utils import parsedate_to_datetime

from digest.sources.dates import EARLIEST
from digest.sources.feed_document import FeedEntry

MAX_AHEAD = timedelta(days=2)  # later ones are dates of issues to come
_ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?!\d)")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)")  # day first wherever dots separate
_IN_TEXT = re.compile(
    r"(?:Publication date|Available online):?(?:\s|<[^<>]{1,20}>){0,5}(\d{1,2} [A-Z][a-z]{2,9} \d{4})"
)
_PART_OF_DATE = re.compile(r"\d{4}(?:-\d{2})?")
_NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([A-Za-z]{3})[a-z]*\.?,?[\s-]+(\d{4})")
_NAMED_AMERICAN = re.compile(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: n for n, name in enumerate(_MONTH_NAMES.split(), start=1)}
_FIELDS = ("date", "pubdate", "published", "publicationdate", "updated", "coverdate", "coverdisplaydate", "issued")


def entry_day(entry: FeedEntry, today: date) -> date | None:
    """The day of publication; None where there is none, a year only, or a date that lies ahead."""
    for day in _candidates(entry):
        if EARLIEST <= day <= today + MAX_AHEAD:
            return min(day, today)
    return None


def _candidates(entry: FeedEntry) -> Iterator[date]:
    if entry.date is not None and (day := _date(*entry.date)) and not _is_part_of_date(entry):
        yield day
    for name in _FIELDS:
        for text in entry.values.get(name, ()):
            if day := parse_day(text):
                yield day
    for summary in entry.summaries:
        if (match := _IN_TEXT.search(summary[:1000])) and (day := parse_day(match[1])):
            yield day


def _is_part_of_date(entry: FeedEntry) -> bool:
    """True where the only dates are a year, or a year and a month."""
    texts = [text.strip() for name in _FIELDS for text in entry.values.get(name, ())]
    return bool(texts) and all(_PART_OF_DATE.fullmatch(text) for text in texts)


def parse_day(text: str) -> date | None:
    """The day in a text: ISO, RFC 5322, or with the month's English name in any case."""
    text = " ".join(text[:80].split())
    if match := _ISO.match(text):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := _DOTTED.match(text):
        return _date(int(match[3]), int(match[2]), int(match[1]))
    if match := _NAMED.search(text):
        return _date(int(match[3]), _MONTHS.get(match[2].lower(), 0), int(match[1]))
    if match := _NAMED_AMERICAN.search(text):
        return _date(int(match[3]), _MONTHS.get(match[1].lower(), 0), int(match[2]))
    try:
        return parsedate_to_datetime(text).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

"""Papers as JSON Lines, one object a line. Pure; a malformed line is refused with its number, the others are used.

Fields: `title` (needed), `abstract`, `authors`, `id` (arXiv id, with or without version) or `doi`, `categories`,
`comment`, `venue`, `code`, `published`, `announced` (YYYY-MM-DD), and counters under `signals`.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from tempfile import TemporaryFile
from typing import IO, Any

from digest import papers
from digest.papers import ListedPaper, ParsedDocument, Record, RejectedItem
from digest.sources.compressed_files import MAX_LINE, TruncatedFile
from digest.sources.dates import require_plausible
from digest.sources.record_limits import MAX_COUNT

PAPERS_PER_PART = 5000
MAX_SHORT_LENGTH = 250
_SHORT_FIELDS = ("id", "doi", "announced", "published")
SIGNALS = ("upvotes", "rank", "comments", "stars", "citations")
_ANNOUNCED = b'"announced"'
_ANNOUNCED_VALUE = re.compile(rb'"announced"\s*:\s*(?:null|"(\d{4}-\d\d-\d\d)[^"\\]{0,40}")\s*[,}]')
_ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(\d+))?")


def parse(lines: Iterable[bytes]) -> Iterator[ParsedDocument]:
    """Papers by announcement date, oldest first, at most `PAPERS_PER_PART` at a time; rows without a date come last.

    Refused lines come first. Memory is bounded: the lines are spooled to disk, and only their positions kept by date.
    """
    with TemporaryFile() as spool:
        positions_by_day: dict[date | None, array[int]] = {}
        rejected: list[RejectedItem] = []
        for line_number, line in _numbered_lines(lines, rejected):
            try:
                day = _announcement_date(line)
            except ValueError as error:
                rejected.append(_rejected_line(line_number, error, line))
            else:
                positions_by_day.setdefault(day, array("q")).extend((spool.tell(), line_number))
                spool.write(line if line.endswith(b"\n") else line + b"\n")
        if rejected:
            yield ParsedDocument(rejected=tuple(rejected))
        for day in sorted(positions_by_day, key=lambda d: (d is None, d or date.min)):
            yield from _papers_of_date(spool, positions_by_day[day], day)


def _numbered_lines(lines: Iterable[bytes], rejected: list[RejectedItem]) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers. A truncated file counts as one more refused line."""
    line_number = 0
    try:
        for line_number, line in enumerate(lines, start=1):
            if line.strip():
                yield line_number, line
    except TruncatedFile as error:
        rejected.append(RejectedItem(line_number + 1, str(error), ""))


def _papers_of_date(spool: IO[bytes], positions: Sequence[int], day: date | None) -> Iterator[ParsedDocument]:
    """Papers of one date. `positions`: spool position and line number, alternating."""
    for start in range(0, len(positions), 2 * PAPERS_PER_PART):
        listed, rejected = [], []
        for position, line_number in _pairs(positions[start : start + 2 * PAPERS_PER_PART]):
            spool.seek(position)
            line = spool.readline()
            try:
                listed.append(_convert_row(_decode_line(line)))
            except ValueError as error:
                rejected.append(_rejected_line(line_number, error, line))
        yield ParsedDocument(papers=tuple(listed), rejected=tuple(rejected), announced=day)


def _pairs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(positions[::2], positions[1::2], strict=True)


def _rejected_line(line_number: int, error: ValueError, line: bytes) -> RejectedItem:
    return RejectedItem(line_number, str(error), line[:120].decode(errors="replace"))


def _announcement_date(line: bytes) -> date | None:
    """The announcement date of a line. Raises ValueError.

    Most lines need no decoding: where `"announced"` occurs once, outside nested objects (before the second opening or
    after the last but one closing brace), it is a field of the paper. Other errors of such a line show when it is
    parsed.
    """
    position = line.find(_ANNOUNCED)
    if (
        position >= 0
        and len(line) <= MAX_LINE
        and (announced := _ANNOUNCED_VALUE.match(line, position))
        and line.find(_ANNOUNCED, position + 1) < 0
    ):
        is_top_level = line.count(b"}", position) == 1 or line.count(b"{", 0, position) == 1
        with suppress(ValueError):
            if is_top_level:
                return (
                    require_plausible("announced", date.fromisoformat(announced[1].decode())) if announced[1] else None
                )
    return _date(_decode_line(line), "announced")


def _decode_line(line: bytes) -> dict[str, Any]:
    """Decode one line. Raises ValueError."""
    if len(line) > MAX_LINE:
        raise ValueError(f"line: longer than {MAX_LINE} bytes")
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"line: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ValueError("line: expected an object")
    return row


def _convert_row(row: dict[str, Any]) -> ListedPaper:
    """Convert one paper. Raises ValueError naming the field."""
    title = " ".join(_string(row, "title").split())
    if not title:
        raise ValueError("title: missing")
    arxiv_id, version = _identifier(_string(row, "id"))
    record = Record(
        title=title,
        abstract=" ".join(_string(row, "abstract").split()),
        authors=_strings(row, "authors"),
        arxiv_id=arxiv_id,
        version=version,
        doi=_string(row, "doi").lower() or None,
        categories=_strings(row, "categories"),
        comment=_string(row, "comment") or None,
        venue=_string(row, "venue") or None,
        code_url=_string(row, "code") or None,
        published=_date(row, "published"),
        withdrawn=papers.is_withdrawn(_string(row, "comment"), _string(row, "abstract")),
    )
    return ListedPaper(record, signals=_signals(row))


def _string(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text")
    if name in _SHORT_FIELDS and len(value) > MAX_SHORT_LENGTH:
        raise ValueError(f"{name}: longer than {MAX_SHORT_LENGTH} characters")
    return value.strip()


def _strings(row: dict[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(item.strip() for item in value if item.strip())


def _identifier(text: str) -> tuple[str | None, int]:
    if not text:
        return None, 1
    match = _ID.fullmatch(text.removeprefix("arXiv:"))
    if not match:
        raise ValueError(f"id: {text[:40]!r} is not an arXiv identifier")
    return match[1], int(match[2] or 1)


def _date(row: dict[str, Any], name: str) -> date | None:
    text = _string(row, name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text[:10])
    except ValueError as error:
        raise ValueError(f"{name}: {text[:40]!r} is not a date (YYYY-MM-DD)") from error
    return require_plausible(name, day)


def _signals(row: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    signals = row.get("signals") or {}
    if not isinstance(signals, dict):
        raise ValueError("signals: expected an object")
    for name, value in signals.items():
        is_count = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
        if name not in SIGNALS or not is_count:
            names = ", ".join(SIGNALS)
            raise ValueError(f"signals: {str(name)[:20]!r} must be one of {names} with a number from 0 to a billion")
    return tuple((name, float(signals[name])) for name in SIGNALS if name in signals)

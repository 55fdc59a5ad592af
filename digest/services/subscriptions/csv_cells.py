"""The cells of an imported row as values. Every error names the column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from digest import clock
from digest.errors import BadInput
from digest.matching.profile import Examples
from digest.matching.scoring.example_vectors import MAX_EXAMPLES_NAMED, MAX_TITLE
from digest.matching.scoring.parameters import FULL_EXAMPLE_WEIGHT, MAX_EXAMPLE_TERMS
from digest.matching.scoring.relevance_feedback import FULL_WEIGHT_LIKES, MAX_WORDS
from digest.services.subscriptions import preference_fields

EARLIEST_INSTANT = datetime(1990, 1, 1, tzinfo=UTC)  # no mailing list is older
_ENTRY = re.compile(r"(?:[^\\;\n]|\\[\\;]|\\)+")


class ConsentEvent(BaseModel):
    """One event of the proof of consent, as exported."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(min_length=1, max_length=20)
    at: AwareDatetime
    client: str = Field(default="", max_length=64)
    wording: str = Field(default="", max_length=20)


_CONSENTS = TypeAdapter(list[ConsentEvent])
_LIKES = TypeAdapter(list[tuple[str, int]])


def escape_list(cell: str) -> str:
    """A list's cell for CSV, where `;` separates entries too."""
    return cell.replace("\\", "\\\\").replace(";", "\\;")


def list_entries(cell: str, *, escaped: bool) -> list[str]:
    """The entries of a list's cell, one a line; `escaped`: or separated by `;`."""
    if not escaped:
        return cell.splitlines()
    entries = (re.sub(r"\\([\\;])", r"\1", entry).strip() for entry in _ENTRY.findall(cell))
    return [entry for entry in entries if entry]


def topic_cap(cell: str) -> int:
    """The cap of a topic, in papers an edition."""
    if not (cell.isascii() and cell.isdecimal() and len(cell) < 4 and 1 <= int(cell) <= preference_fields.MAX_LIMIT):
        expected = f"expected a number from 1 to {preference_fields.MAX_LIMIT}, a blank, and a topic"
        raise BadInput(f"caps: {expected}; got {cell[:20]!r}", field="caps")
    return int(cell)


def parse_instant(name: str, cell: str) -> datetime:
    """An instant with its offset, not in the future."""
    try:
        value = datetime.fromisoformat(cell)
    except ValueError as error:
        raise BadInput(
            f"{name}: use a time such as 2025-11-20T07:00:00+00:00, got {cell[:40]!r}", field=name
        ) from error
    if value.tzinfo is None:
        raise BadInput(f"{name}: {cell[:40]!r} lacks its offset from UTC, such as +00:00", field=name)
    return _require_plausible(name, value)


def _require_plausible(name: str, instant: datetime) -> datetime:
    """The instant if it is neither in the future nor before `EARLIEST_INSTANT`. Raises BadInput."""
    if not EARLIEST_INSTANT <= instant <= clock.now() + timedelta(days=1):
        raise BadInput(f"{name}: {instant.isoformat()} lies in the future, or too far back", field=name)
    return instant


def consent_events(cell: str) -> list[ConsentEvent]:
    """The proof of consent, as exported: a JSON list."""
    try:
        events = _CONSENTS.validate_json(cell) if cell else []
    except ValidationError as error:
        raise _wrong_json("consents", error) from error
    for event in events:
        _require_plausible("consents", event.at)
        _require_no_nul("consents", event.event + event.client + event.wording)
    return events


def _require_no_nul(name: str, text: str) -> None:
    """Raise BadInput for a NUL character, which PostgreSQL can't store."""
    if "\0" in text:
        raise BadInput(f"{name}: holds a NUL character", field=name)


def parse_likes(cell: str) -> tuple[tuple[str, int], ...]:
    """The words of liked papers with their weights; a further like recomputes them."""
    try:
        likes = _LIKES.validate_json(cell) if cell else []
    except ValidationError as error:
        raise _wrong_json("likes", error) from error
    if len(likes) > MAX_WORDS or any(
        not (0 < len(word) <= 100 and 0 < weight <= FULL_WEIGHT_LIKES) for word, weight in likes
    ):
        raise BadInput(f"likes: at most {MAX_WORDS} words with weights from 1 to {FULL_WEIGHT_LIKES}", field="likes")
    _require_no_nul("likes", "".join(word for word, _ in likes))
    return tuple(likes)


class _TermCell(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stems: str = Field(pattern=r"^[^\s\x00]{1,100}( [^\s\x00]{1,100})?$")
    written: str = Field(max_length=220)
    weight: int = Field(ge=1, le=FULL_EXAMPLE_WEIGHT)


class _ExamplesCell(BaseModel):
    model_config = ConfigDict(extra="forbid")

    terms: list[_TermCell] = Field(min_length=1, max_length=MAX_EXAMPLE_TERMS)
    floor: int = Field(ge=1, lt=2**31)
    papers: list[tuple[str, list[int]]] = Field(default=[], max_length=MAX_EXAMPLES_NAMED)


def example_terms(cell: str) -> Examples | None:
    """The terms of example papers, as exported; a further example computes them again from those imported here."""
    if not cell:
        return None
    try:
        examples_cell = _ExamplesCell.model_validate_json(cell)
    except ValidationError as error:
        raise _wrong_json("examples", error) from error
    count = len(examples_cell.terms)
    for title, positions in examples_cell.papers:
        if len(title) > MAX_TITLE or len(positions) > count or any(not 0 <= place < count for place in positions):
            raise BadInput(
                f"examples: ‘{title[:40]}’ is too long, or refers to a term that is not there", field="examples"
            )
    _require_no_nul(
        "examples",
        "".join(title for title, _ in examples_cell.papers) + "".join(t.stems + t.written for t in examples_cell.terms),
    )
    return Examples.from_json(examples_cell.model_dump())


def _wrong_json(name: str, error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return BadInput(f"{name}: {where + ': ' if where else ''}{first['msg'][:120]}", field=name)


def suppression_of_row(cells: Mapping[str, str], at: datetime | None) -> tuple[str, str, datetime | None] | None:
    """Reason, source and time of a suppression; None where the row has none."""
    reason, source = (cells.get(name, "") for name in ("suppressed_reason", "suppressed_source"))
    if not reason:
        if at or source:
            raise BadInput("suppressed_reason: a suppressed address needs one", field="suppressed_reason")
        return None
    for name, text, most in (("suppressed_reason", reason, 40), ("suppressed_source", source, 200)):
        if len(text) > most:
            raise BadInput(f"{name}: at most {most} characters, got {len(text)}", field=name)
    return reason, source, at

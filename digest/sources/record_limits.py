"""Limits on the fields of a paper; larger values are errors of the source. Pure."""

from __future__ import annotations

from digest.papers import Record

_MAX_LENGTHS = {
    "arxiv_id": 40, "doi": 250, "title": 5_000, "abstract": 200_000, "comment": 20_000, "venue": 5_000,
    "code_url": 2_000, "url": 2_000, "pmid": 10, "language": 10,
}  # fmt: skip
MAX_COUNT = 1_000_000_000  # of citations, votes and the like; fits into the columns
_MAX_COUNTS = {
    "authors": 20_000, "categories": 100, "institutions": 20_000, "preprint_dois": 20, "keywords": 1_000, "outlets": 20,
}  # fmt: skip
_MAX_ITEM_LENGTH, _MAX_DOI = 1_000, 250


def require_within_limits(record: Record) -> Record:
    """Return the record. Raises ValueError naming the field that is too long."""
    for name, maximum in _MAX_LENGTHS.items():
        if len(getattr(record, name) or "") > maximum:
            raise ValueError(f"{name}: longer than {maximum} characters")
    for name, maximum in _MAX_COUNTS.items():
        values = getattr(record, name)
        if len(values) > maximum:
            raise ValueError(f"{name}: more than {maximum}")
        longest = _MAX_DOI if name == "preprint_dois" else _MAX_ITEM_LENGTH
        if any(len(value) > longest for value in values):
            raise ValueError(f"{name}: an entry is longer than {longest} characters")
    return record


def require_count(value: object, name: str) -> int | None:
    """A count from 0 to MAX_COUNT; None where it is absent. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name}: {str(value)[:20]!r} is not a count")
    return value

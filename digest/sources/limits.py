"""How much of a paper is taken from a source; beyond that something else came than a paper. Pure."""

from __future__ import annotations

from digest.papers import Record

MOST_LINE = 1_000_000  # characters of an author line; papers with 5,000 authors need 100,000
_LONGEST = {
    "arxiv_id": 40, "doi": 250, "title": 5_000, "abstract": 200_000, "comment": 20_000, "venue": 5_000,
    "code_url": 2_000,
}  # fmt: skip
_MOST = {"authors": 20_000, "categories": 100, "institutions": 20_000}
_LONGEST_OF_LIST = 1_000


def within_limits(record: Record) -> Record:
    """The record itself. Raises ValueError naming the field that is too long."""
    for name, most in _LONGEST.items():
        if len(getattr(record, name) or "") > most:
            raise ValueError(f"{name}: longer than {most} characters")
    for name, most in _MOST.items():
        values = getattr(record, name)
        if len(values) > most:
            raise ValueError(f"{name}: more than {most}")
        if any(len(value) > _LONGEST_OF_LIST for value in values):
            raise ValueError(f"{name}: one is longer than {_LONGEST_OF_LIST} characters")
    return record

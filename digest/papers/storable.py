"""The entry gate of documents: every text of every record goes through `digest.text.plain_text.clean`. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from digest.papers.record import AuthorProfile, ListedPaper, ParsedDocument, Record
from digest.papers.summary import bounded_summary
from digest.text.plain_text import remove_controls

_TEXTS = tuple(one.name for one in fields(Record) if "str" in str(one.type))


def to_storable(parsed: ParsedDocument) -> ParsedDocument:
    """The document with cleaned texts; items that are clean already, which is nearly all of them, stay the same.

    Records with keys went through the gate where their keys were made.
    """
    return replace(
        parsed,
        papers=tuple([item if item.keys is not None else _listed(item) for item in parsed.papers]),
        authors=tuple([_person(person) for person in parsed.authors]),
    )


def _listed(item: ListedPaper) -> ListedPaper:
    record = clean_record(item.record)
    kind = item.announce_type and remove_controls(item.announce_type)
    summary = bounded_summary(item.summary) if item.summary else ""
    if record is item.record and kind == item.announce_type and summary == item.summary:
        return item
    return replace(item, record=record, announce_type=kind, summary=summary)


def clean_record(record: Record) -> Record:
    """The record with cleaned texts: the same one where nothing had to go."""
    changed = {
        name: cleaned for name in _TEXTS if (value := getattr(record, name)) and (cleaned := _cleaned(value)) != value
    }
    return replace(record, **changed) if changed else record


def _cleaned(value: Any) -> Any:
    """A text, or a tuple of texts, cleaned; members of which nothing is left go."""
    return remove_controls(value) if isinstance(value, str) else tuple(filter(None, map(remove_controls, value)))


def _person(person: AuthorProfile) -> AuthorProfile:
    name = remove_controls(person.name)
    return person if name == person.name else replace(person, name=name)

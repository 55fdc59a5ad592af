"""Cleans every text of a parsed document with `digest.text.plain_text.remove_controls`. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from digest.papers.record import AuthorId, AuthorProfile, ListedPaper, ParsedDocument, Record
from digest.papers.summary_checks import bounded_summary
from digest.papers.text_facts import is_retracted
from digest.text.plain_text import remove_controls

MAX_INSTITUTION = 200  # characters of an author's institution
MAX_ID, MAX_ID_NAME = 40, 200  # characters of a source's id of an author (longer ones are no ids), and of the name
_TEXT_FIELDS = tuple(field.name for field in fields(Record) if "str" in str(field.type))


def to_storable(parsed: ParsedDocument) -> ParsedDocument:
    """The document with cleaned texts. Items that are clean already, which are nearly all, are returned unchanged.

    Records with keys were cleaned before their keys were computed.
    """
    return replace(
        parsed,
        papers=tuple([item if item.keys is not None else _clean_listed(item) for item in parsed.papers]),
        authors=tuple([_clean_author(author) for author in parsed.authors]),
    )


def _clean_listed(item: ListedPaper) -> ListedPaper:
    record = _mark_retracted(clean_record(item.record))
    announce_type = item.announce_type and remove_controls(item.announce_type)
    summary = bounded_summary(item.summary) if item.summary else ""
    ids = tuple([_clean_author_id(author_id) for author_id in item.author_ids if len(author_id.value) <= MAX_ID])
    cleaned = (record, announce_type, summary, ids)
    if record is item.record and cleaned[1:] == (item.announce_type, item.summary, item.author_ids):
        return item
    return replace(item, record=record, announce_type=announce_type, summary=summary, author_ids=ids)


def _mark_retracted(record: Record) -> Record:
    """The record, marked as retracted where its publisher says so in the title."""
    is_marked = record.retracted or is_retracted(record.title)
    return replace(record, retracted=True, withdrawn=True) if is_marked and not record.retracted else record


def clean_record(record: Record) -> Record:
    """The record with cleaned texts; the same object where nothing changed."""
    changed_fields = {
        name: cleaned
        for name in _TEXT_FIELDS
        if (value := getattr(record, name)) and (cleaned := _clean_value(value)) != value
    }
    return replace(record, **changed_fields) if changed_fields else record


def _clean_value(value: Any) -> Any:
    """A cleaned text, or a tuple of cleaned texts without empty ones."""
    return remove_controls(value) if isinstance(value, str) else tuple(filter(None, map(remove_controls, value)))


def _clean_author_id(author_id: AuthorId) -> AuthorId:
    return replace(
        author_id,
        name=remove_controls(author_id.name)[:MAX_ID_NAME],
        institution=remove_controls(author_id.institution)[:MAX_INSTITUTION],
    )


def _clean_author(author: AuthorProfile) -> AuthorProfile:
    name = remove_controls(author.name)
    return author if name == author.name else replace(author, name=name)

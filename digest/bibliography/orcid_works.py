"""Parses ORCID's list of works: groups of versions of one work, with their identifiers. Pure."""

from __future__ import annotations

from typing import Any

from digest.bibliography.entry import ITEM, ParsedBibliography, RawEntry
from digest.bibliography.entry_collector import EntryCollector
from digest.bibliography.json_fields import NOT_AN_OBJECT, Json, JsonFields, member, text_value


def parse_groups(groups: list[Any]) -> ParsedBibliography:
    """ORCID's list of works: each group holds versions of one work."""
    collector = EntryCollector("ORCID")
    for position, group in enumerate(groups, start=1):
        summaries = group.get("work-summary") if isinstance(group, dict) else None
        works = [work for work in summaries or [] if isinstance(work, dict)]
        if not works:
            collector.add_problem(ITEM, position, "", NOT_AN_OBJECT)
            continue
        raw = convert_work(works[0], position)
        for work in works[1:]:
            other = convert_work(work, position)
            raw.doi_texts += other.doi_texts
            raw.arxiv_texts += other.arxiv_texts
            raw.link_texts += other.link_texts
        collector.add(raw)
    return collector.result()


def convert_work(work: Json, position: int) -> RawEntry:
    """Convert one work with all its own identifiers."""
    fields = JsonFields(work)
    raw = RawEntry(
        ITEM,
        position,
        str(work.get("put-code") or ""),
        title=text_value(member(work.get("title"), "title")),
        authors=[
            text_value(person.get("credit-name"))
            for person in _as_list(member(work.get("contributors"), "contributor"))
            if isinstance(person, dict)
        ],
        year_text=text_value(member(work.get("publication-date"), "year")),
        abstract=fields.text("short-description"),
        link_texts=[text_value(work.get("url"))],
    )
    for identifier in _as_list(member(work.get("external-ids"), "external-id")):
        if isinstance(identifier, dict) and identifier.get("external-id-relationship") in {"self", "version-of", None}:
            _add_external_id(raw, str(identifier.get("external-id-type") or ""), identifier.get("external-id-value"))
    raw.reasons += fields.reasons
    return raw


def _add_external_id(raw: RawEntry, kind: str, value: Any) -> None:
    kind, text = kind.casefold(), str(value or "")[:500]
    if kind == "doi":
        raw.doi_texts.append(text)
    elif kind == "arxiv":
        raw.arxiv_texts.append(text)
    elif kind == "pmid":
        raw.pmid_text = text
    else:
        raw.link_texts.append(text)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

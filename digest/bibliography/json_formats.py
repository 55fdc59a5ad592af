"""Parses CSL-JSON, Better BibTeX JSON, answers of Zotero's API and ORCID's list of works. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from digest.bibliography import orcid_works
from digest.bibliography.entry import ITEM, ParsedBibliography, RawEntry
from digest.bibliography.entry_collector import EntryCollector
from digest.bibliography.json_fields import NOT_AN_OBJECT, Json, JsonFields, member
from digest.errors import N_, BadInput

_SKIPPED_TYPES = frozenset({"attachment", "note", "annotation"})
_MAX_NAME_PARTS = 500


def parse(text: str) -> ParsedBibliography:
    """Parse any of the formats. Raises BadInput for other JSON."""
    return parse_value(load_json(text))


def load_json(text: str | bytes) -> Any:
    """Decode JSON. Raises BadInput for a damaged document."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(N_("damaged JSON: %(reason)s"), reason=str(error)[:120]) from error


def parse_value(value: Any) -> ParsedBibliography:
    """Parse decoded JSON. Raises BadInput for any other."""
    parsed = None
    if isinstance(value, dict):
        parsed = _parse_object(value)
    elif isinstance(value, list):
        is_zotero = value and all(isinstance(item, dict) and "data" in item and "key" in item for item in value)
        parsed = _collect("Zotero" if is_zotero else "CSL-JSON", value, _item)
    if parsed is None:
        raise BadInput(N_("this JSON is no bibliography: CSL-JSON and Better BibTeX JSON can be read"))
    return parsed


def _parse_object(value: Json) -> ParsedBibliography | None:
    """A library, a list of works or a single item; None for another object."""
    if isinstance(items := value.get("items"), list):
        is_zotero = any(isinstance(item, dict) and "itemType" in item for item in items)
        return _collect("Better BibTeX JSON" if is_zotero else "CSL-JSON", items, _item)
    if isinstance(value.get("group"), list):
        return orcid_works.parse_groups(value["group"])
    if isinstance(value.get("bulk"), list):
        return _collect("ORCID", [member(work, "work") for work in value["bulk"]], orcid_works.convert_work)
    if "external-ids" in value:
        return _collect("ORCID", [value], orcid_works.convert_work)
    is_item = any(name in value for name in ("data", "itemType", "title", "DOI", "type")) and "error-code" not in value
    form = "Zotero" if "itemType" in value or "data" in value else "CSL-JSON"
    return _collect(form, [value], _item) if is_item else None


def _collect(form: str, items: list[Any], convert: Callable[[Json, int], RawEntry | None]) -> ParsedBibliography:
    collector = EntryCollector(form)
    for position, item in enumerate(items, start=1):
        if collector.is_full:
            collector.leave_out(len(items) - position + 1)
            break
        if not isinstance(item, dict):
            collector.add_problem(ITEM, position, "", NOT_AN_OBJECT)
            continue
        raw = convert(item, position)
        if raw is not None:
            collector.add(raw)
    return collector.result()


def _item(item: Json, position: int) -> RawEntry | None:
    """An item of CSL or of Zotero; None for attachments, notes and items in the trash."""
    data = item.get("data") if isinstance(item.get("data"), dict) else item
    assert isinstance(data, Mapping)
    if "itemType" in data:
        is_skipped = data["itemType"] in _SKIPPED_TYPES or data.get("deleted")
        return None if is_skipped else _zotero_item(data, position)
    return _csl_item(data, position)


def _zotero_item(data: Json, position: int) -> RawEntry:
    fields = JsonFields(data)
    raw = RawEntry(
        ITEM,
        position,
        fields.text("citationKey", "citekey", "key", "itemKey", "itemID"),
        title=fields.text("title", "caseName", "nameOfAct", "subject"),
        authors=_creators(fields.items("creators")),
        year_text=fields.text("date", "year"),
        abstract=fields.text("abstractNote"),
        link_texts=fields.texts(
            "extra", "archiveID", "url", "publicationTitle", "number", "repository", "reportNumber"
        ),
    )
    doi = fields.text("DOI")
    raw.doi_texts = [doi] if doi else []
    if "arxiv" in fields.text("repository", "archive", "libraryCatalog").casefold() and fields.text("archiveID"):
        raw.link_texts.append(f"arXiv:{fields.text('archiveID')}")
    raw.pmid_text = fields.text("PMID")
    raw.reasons += fields.reasons
    return raw


def _creators(creators: list[Any]) -> list[str]:
    """Authors; where there are none, the first kind of creators."""
    people = [creator for creator in creators if isinstance(creator, dict)]
    kinds = [creator.get("creatorType") for creator in people]
    kind = "author" if "author" in kinds else next(iter(kinds), None)
    return [
        _joined(creator.get("firstName"), creator.get("lastName")) or _joined(creator.get("name"))
        for creator in people
        if creator.get("creatorType") == kind
    ]


def _csl_item(data: Json, position: int) -> RawEntry:
    fields = JsonFields(data)
    people = fields.items("author") or fields.items("editor")
    raw = RawEntry(
        ITEM,
        position,
        fields.text("citation-key", "id"),
        title=fields.text("title"),
        authors=[_csl_name(person) for person in people if isinstance(person, dict)],
        year_text=_csl_year(data.get("issued")),
        abstract=fields.text("abstract"),
        link_texts=fields.texts("URL", "note", "number", "archive_location", "container-title", "id"),
        pmid_text=fields.text("PMID"),
    )
    doi = fields.text("DOI")
    raw.doi_texts = [doi] if doi else []
    if any("arxiv" in str(data.get(name)).casefold() for name in ("archive", "publisher", "source")):
        raw.link_texts += [f"arXiv:{text}" for text in fields.texts("number", "archive_location")]
    raw.reasons += fields.reasons
    return raw


def _csl_name(person: Json) -> str:
    particle = person.get("non-dropping-particle") or person.get("dropping-particle")
    return _joined(person.get("given"), particle, person.get("family")) or _joined(person.get("literal"))


def _csl_year(issued: Any) -> str:
    """The text that holds the year: of `date-parts`, which may be nested in any way, else of the raw date."""
    if isinstance(issued, dict):
        parts = issued.get("date-parts")
        texts = [issued.get(name) for name in ("raw", "literal", "year")]
        return " ".join(str(text) for text in (parts, *texts) if text)[:200]
    return str(issued)[:200] if issued else ""


def _joined(*parts: Any) -> str:
    return " ".join(part.strip()[:_MAX_NAME_PARTS] for part in parts if isinstance(part, str) and part.strip())

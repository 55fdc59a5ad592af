"""Parses CSL-JSON, Better BibTeX JSON, answers of Zotero's API and ORCID's list of works. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from digest.bibliography.entry import ITEM, UNEXPECTED_TYPE, ParsedBibliography, RawEntry
from digest.bibliography.entry_collector import EntryCollector
from digest.errors import N_, BadInput

NOT_AN_OBJECT = N_("not an object")
_SKIPPED_TYPES = frozenset({"attachment", "note", "annotation"})
_MAX_NAME_PARTS = 500
Json = Mapping[str, Any]


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
        return _parse_orcid(value["group"])
    if isinstance(value.get("bulk"), list):
        return _collect("ORCID", [_value_of(work, "work") for work in value["bulk"]], _orcid_work)
    if "external-ids" in value:
        return _collect("ORCID", [value], _orcid_work)
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
    reader = _JsonFields(data)
    raw = RawEntry(
        ITEM,
        position,
        reader.text("citationKey", "citekey", "key", "itemKey", "itemID"),
        title=reader.text("title", "caseName", "nameOfAct", "subject"),
        authors=_creators(reader.items("creators")),
        year_text=reader.text("date", "year"),
        abstract=reader.text("abstractNote"),
        link_texts=reader.texts(
            "extra", "archiveID", "url", "publicationTitle", "number", "repository", "reportNumber"
        ),
    )
    doi = reader.text("DOI")
    raw.doi_texts = [doi] if doi else []
    if "arxiv" in reader.text("repository", "archive", "libraryCatalog").casefold() and reader.text("archiveID"):
        raw.link_texts.append(f"arXiv:{reader.text('archiveID')}")
    raw.pmid_text = reader.text("PMID")
    raw.reasons += reader.reasons
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
    reader = _JsonFields(data)
    people = reader.items("author") or reader.items("editor")
    raw = RawEntry(
        ITEM,
        position,
        reader.text("citation-key", "id"),
        title=reader.text("title"),
        authors=[_csl_name(person) for person in people if isinstance(person, dict)],
        year_text=_csl_year(data.get("issued")),
        abstract=reader.text("abstract"),
        link_texts=reader.texts("URL", "note", "number", "archive_location", "container-title", "id"),
        pmid_text=reader.text("PMID"),
    )
    doi = reader.text("DOI")
    raw.doi_texts = [doi] if doi else []
    if any("arxiv" in str(data.get(name)).casefold() for name in ("archive", "publisher", "source")):
        raw.link_texts += [f"arXiv:{text}" for text in reader.texts("number", "archive_location")]
    raw.reasons += reader.reasons
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


def _parse_orcid(groups: list[Any]) -> ParsedBibliography:
    """ORCID's list of works: each group holds versions of one work."""
    collector = EntryCollector("ORCID")
    for position, group in enumerate(groups, start=1):
        summaries = group.get("work-summary") if isinstance(group, dict) else None
        works = [work for work in summaries or [] if isinstance(work, dict)]
        if not works:
            collector.add_problem(ITEM, position, "", NOT_AN_OBJECT)
            continue
        raw = _orcid_work(works[0], position)
        for work in works[1:]:
            other = _orcid_work(work, position)
            raw.doi_texts += other.doi_texts
            raw.arxiv_texts += other.arxiv_texts
            raw.link_texts += other.link_texts
        collector.add(raw)
    return collector.result()


def _orcid_work(work: Json, position: int) -> RawEntry:
    reader = _JsonFields(work)
    raw = RawEntry(
        ITEM,
        position,
        str(work.get("put-code") or ""),
        title=_value(_value(work.get("title"), "title")),
        authors=[
            _value(person.get("credit-name"))
            for person in _list(_value_of(work.get("contributors"), "contributor"))
            if isinstance(person, dict)
        ],
        year_text=_value(_value(work.get("publication-date"), "year")),
        abstract=reader.text("short-description"),
        link_texts=[_value(work.get("url"))],
    )
    for identifier in _list(_value_of(work.get("external-ids"), "external-id")):
        if isinstance(identifier, dict) and identifier.get("external-id-relationship") in {"self", "version-of", None}:
            _add_external_id(raw, str(identifier.get("external-id-type") or ""), identifier.get("external-id-value"))
    raw.reasons += reader.reasons
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


def _value_of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _value(value: Any, name: str = "value") -> Any:
    """The member of an object: the text of `value`, '' for none; or the member `name`."""
    member = _value_of(value, name)
    if name != "value":
        return member
    return member if isinstance(member, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(*parts: Any) -> str:
    return " ".join(part.strip()[:_MAX_NAME_PARTS] for part in parts if isinstance(part, str) and part.strip())


class _JsonFields:
    """Reads fields as text. A field of another type is a reason to report."""

    def __init__(self, data: Json) -> None:
        self._data = data
        self.reasons: list[tuple[str, str]] = []

    def texts(self, *names: str) -> list[str]:
        """The texts of these fields that are not empty. Of a list of texts, its lines."""
        texts = (self._text(name) for name in names)
        return [text for text in texts if text]

    def text(self, *names: str) -> str:
        """The first of these fields that is not empty."""
        return next(iter(self.texts(*names)), "")

    def items(self, name: str) -> list[Any]:
        """The members of a list; of a single object, itself."""
        value = self._data.get(name)
        if isinstance(value, dict):
            return [value]
        if value is not None and not isinstance(value, list):
            self.reasons.append((UNEXPECTED_TYPE, name))
        return value if isinstance(value, list) else []

    def _text(self, name: str) -> str:
        value = self._data.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return "\n".join(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if value is not None:
            self.reasons.append((UNEXPECTED_TYPE, name))
        return ""

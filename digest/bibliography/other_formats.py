"""Parses EndNote XML, CSV tables of publishers, and pasted lists of identifiers. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from digest.bibliography.entry import LINE, ROW, ParsedBibliography, RawEntry
from digest.bibliography.entry_collector import EntryCollector
from digest.bibliography.identifiers_in_text import find_bare_arxiv_id, find_doi, find_pmid
from digest.errors import N_, BadInput

NO_IDENTIFIER = N_("‘%(detail)s’ contains no DOI, arXiv id or PubMed address")
DAMAGED_ROW = N_("the row has %(detail)s cells, not as many as the heading")

_COLUMNS = {
    "title": ("title", "document title", "item title", "article title"),
    "authors": ("authors", "author", "author(s)"),
    "year": ("year", "publication year", "publication_year", "pub year"),
    "abstract": ("abstract", "abstract note"),
    "doi": ("doi", "item doi"),
    "pmid": ("pmid",),
    "links": ("url", "link", "arxiv", "extra", "arxiv id"),
}
_SEPARATORS = re.compile(r"[\s,;]+")
_IDENTIFIER_START = re.compile(r"https?://|10\.\d|arxiv|\d{4}\.\d|[a-z-]+(?:\.[A-Z]{2})?/\d|doi|pmid", re.IGNORECASE)
_MAX_FIELD, _MAX_HEADING = 200_000, 10_000


def parse_endnote_xml(text: str) -> ParsedBibliography:
    """Parse EndNote's XML export. Raises BadInput for other XML."""
    try:
        root = fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadInput(N_("damaged XML: %(reason)s"), reason=str(error)[:120]) from error
    records = root.findall("./records/record") if root.tag == "xml" else []
    if not records:
        raise BadInput(N_("this XML is not from EndNote; export BibTeX, RIS or CSL-JSON instead"))
    collector = EntryCollector("EndNote XML")
    for position, record in enumerate(records, start=1):
        collector.add(_endnote_record(record, position))
    return collector.result()


def _endnote_record(record: Element, position: int) -> RawEntry:
    doi = _xml_text(record, "electronic-resource-num")
    return RawEntry(
        "item",
        position,
        _xml_text(record, "label") or _xml_text(record, "rec-number"),
        title=_xml_text(record, "titles/title"),
        authors=[" ".join("".join(name.itertext()).split()) for name in record.findall("contributors/authors/author")],
        year_text=_xml_text(record, "dates/year"),
        abstract=_xml_text(record, "abstract"),
        doi_texts=[doi] if doi else [],
        link_texts=[" ".join(url.itertext()) for url in record.iterfind("urls//url")]
        + [_xml_text(record, "titles/secondary-title"), _xml_text(record, "notes")],
    )


def _xml_text(record: Element, path: str) -> str:
    element = record.find(path)
    return "" if element is None else " ".join("".join(element.itertext()).split())


def csv_columns(line: str) -> dict[str, list[int]]:
    """The positions of the columns that a heading names; empty where it names no title and no identifier."""
    if len(line) > _MAX_HEADING:
        return {}
    names = [name.strip().strip('"').casefold() for name in next(csv.reader([line]), [])]
    columns = {
        field: positions
        for field, titles in _COLUMNS.items()
        if (positions := [index for index, name in enumerate(names) if name in titles])
    }
    return columns if len(names) > 1 and columns.keys() & {"title", "doi", "pmid"} else {}


def parse_csv(text: str) -> ParsedBibliography:
    """Parse a table whose heading names a title or DOI column. Raises BadInput for a damaged one."""
    collector = EntryCollector("CSV")
    columns = csv_columns(text.lstrip().partition("\n")[0])
    previous_limit = csv.field_size_limit(_MAX_FIELD)  # of the whole process
    try:
        rows = list(csv.reader(io.StringIO(text.lstrip(), newline="")))
    except csv.Error as error:
        raise BadInput(N_("damaged CSV: %(reason)s"), reason=str(error)) from error
    finally:
        csv.field_size_limit(previous_limit)
    for number, row in enumerate(rows[1:], start=2):
        if any(row):
            collector.add(_csv_row(row, number, columns, width=len(rows[0])))
    return collector.result()


def _csv_row(row: list[str], number: int, columns: dict[str, list[int]], *, width: int) -> RawEntry:
    def texts(field: str) -> list[str]:
        return [row[index].strip() for index in columns.get(field, ()) if index < len(row) and row[index].strip()]

    def first(field: str) -> str:
        return next(iter(texts(field)), "")

    authors = first("authors")
    return RawEntry(
        ROW,
        number,
        title=first("title"),
        authors=re.split(r"\s*;\s*" if ";" in authors else r"\s*,\s*", authors) if authors else [],
        year_text=first("year"),
        abstract=first("abstract"),
        doi_texts=texts("doi"),
        link_texts=texts("links"),
        pmid_text=first("pmid"),
        reasons=[] if len(row) == width else [(DAMAGED_ROW, str(len(row)))],
    )


def parse_identifiers(text: str) -> ParsedBibliography:
    """Parse pasted DOIs, arXiv ids and addresses, separated by white space, commas or semicolons."""
    collector = EntryCollector("identifiers", needs_titles=False)
    for number, line in enumerate(text.split("\n"), start=1):
        for part in _parts(line):
            if collector.is_full:
                collector.leave_out(1)
                continue
            raw = _identifier(part, number)
            if raw is None:
                collector.add_problem(LINE, number, "", NO_IDENTIFIER, part)
            else:
                collector.add(raw)
    return collector.result()


def _parts(line: str) -> Iterator[str]:
    """The identifiers of a line, each with the words around it; a line without any is one part."""
    words = [word for word in _SEPARATORS.split(line) if word]
    identifiers = [word for word in words if _identifier(word, 0) is not None]
    if identifiers:
        strange = [word for word in words if word not in identifiers and _looks_like_identifier(word)]
        yield from (*identifiers, *strange)
    elif words:
        yield " ".join(words)


def _looks_like_identifier(word: str) -> bool:
    """True for a word with digits that begins like an identifier, but is none."""
    return bool(_IDENTIFIER_START.match(word)) and any(character.isdigit() for character in word)


def _identifier(text: str, line: int) -> RawEntry | None:
    doi, arxiv_id, pmid = find_doi(text), find_bare_arxiv_id(text), find_pmid(text)
    if doi is not None:
        return RawEntry(LINE, line, doi_texts=[text])
    if arxiv_id is not None:
        return RawEntry(LINE, line, arxiv_texts=[arxiv_id])
    return RawEntry(LINE, line, pmid_text=pmid) if pmid is not None else None

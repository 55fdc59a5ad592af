"""Parses RIS, MEDLINE (nbib), Web of Science, RefWorks and EndNote's refer format. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from digest.bibliography.entry import LINE, ParsedBibliography, RawEntry
from digest.bibliography.entry_collector import EntryCollector
from digest.bibliography.tagged_lines import TaggedForm, TaggedRecord, split_records

_RIS_HEADER = re.compile(r"\d+\.$|Record #\d+|(?:Provider|Database|Content)\s*:", re.IGNORECASE)
_RIS = TaggedForm(
    re.compile(
        r"\s{0,3}(?=[A-Z][A-Z0-9]  -|(?:TY|ER|TI|T1|AU|A1|DO|AB|PY|Y1|UR|ID|N2|JO|T2) ?-|ER\s*$)"
        r"([A-Z][A-Z0-9])(?: {0,2}- ?(.*)|\s*$)"
    ),
    re.compile(r"\s+"),
    start="TY",
    end="ER",
    header=_RIS_HEADER,
)
_MEDLINE = TaggedForm(
    re.compile(r"([A-Z]{2,4}) {0,2}- ?(.*)"),
    re.compile(r" {4,}|\t"),
    start="PMID",
    closed_only=True,
    splits_at_blank=True,
)
_WEB_OF_SCIENCE = TaggedForm(
    re.compile(r"([A-Z][A-Z0-9])(?: (.*)|$)"),
    re.compile(r" {2,}"),
    start="PT",
    end="ER",
    header=re.compile(r"(?:FN|VR|EF)\b"),
    closed_only=True,
)
_REFWORKS = TaggedForm(re.compile(r"([A-Z][A-Z0-9]) (.*)"), re.compile(r"\s+"), start="RT", splits_at_blank=True)
_REFER = TaggedForm(re.compile(r"%(\S)(?: (.*)|$)"), re.compile(r"\s"), start="0", splits_at_blank=True)
_AUTHOR_SEPARATOR = re.compile(r"\s*;\s*")


def parse_ris(text: str) -> ParsedBibliography:
    """Parse RIS."""
    return _parse("RIS", text, _RIS, _ris_entry)


def parse_medline(text: str) -> ParsedBibliography:
    """Parse the format of PubMed and ERIC (nbib)."""
    return _parse("MEDLINE", text, _MEDLINE, _medline_entry)


def parse_web_of_science(text: str) -> ParsedBibliography:
    """Parse the tagged format of Web of Science (ISI)."""
    return _parse("Web of Science", text, _WEB_OF_SCIENCE, _web_of_science_entry)


def parse_refworks(text: str) -> ParsedBibliography:
    """Parse the tagged format of RefWorks."""
    return _parse("RefWorks", text, _REFWORKS, _refworks_entry)


def parse_refer(text: str) -> ParsedBibliography:
    """Parse EndNote's refer format (enw)."""
    return _parse("EndNote", text, _REFER, _refer_entry)


def _parse(form: str, text: str, shape: TaggedForm, convert: Callable[[TaggedRecord], RawEntry]) -> ParsedBibliography:
    collector = EntryCollector(form)
    for record in split_records(text, shape):
        if collector.is_full:
            collector.leave_out(_count_starts(text, shape, record.line))
            break
        if record.is_outside:
            for reason, detail in record.mistakes:
                collector.add_problem(LINE, record.line, "", reason, detail)
            continue
        raw = convert(record)
        raw.reasons += record.mistakes
        collector.add(raw)
    return collector.result()


def _count_starts(text: str, shape: TaggedForm, line: int) -> int:
    """How many records begin at that line or after it."""
    return sum(following.lstrip("%").startswith(shape.start) for following in text.split("\n")[line - 1 :])


def _ris_entry(record: TaggedRecord) -> RawEntry:
    return RawEntry(
        LINE,
        record.line,
        record.first("ID"),
        title=record.first("TI", "T1", "CT", "BT"),
        authors=_split(record.values("AU") or record.values("A1") or record.values("A2")),
        year_text=record.first("PY", "Y1", "DA"),
        abstract=record.first("AB", "N2"),
        doi_texts=[text for text in record.values("DO") if text.strip()],
        link_texts=record.values("UR", "L3", "M3", "M1", "N1", "L1", "L2", "LK", "AN", "JO", "JF", "T2", "ID"),
    )


def _medline_entry(record: TaggedRecord) -> RawEntry:
    articles = [text for text in record.values("AID", "LID") if "[pii]" not in text]
    return RawEntry(
        LINE,
        record.line,
        record.first("PMID", "OID"),
        title=record.first("TI", "BTI", "TT"),
        authors=record.values("FAU") or record.values("AU") or record.values("CN"),
        year_text=record.first("DP", "DEP", "DA"),
        abstract=record.first("AB", "OAB"),
        doi_texts=[text for text in articles if "[doi]" in text],
        link_texts=[*articles, *record.values("SO", "OID", "JT")],
        pmid_text=record.first("PMID"),
    )


def _web_of_science_entry(record: TaggedRecord) -> RawEntry:
    authors = record.values("AF") or record.values("AU")
    return RawEntry(
        LINE,
        record.line,
        record.first("UT", "AN"),
        title=record.first("TI"),
        authors=_split([name for text in authors for name in text.split("\n")]),
        year_text=record.first("PY", "PD"),
        abstract=record.first("AB"),
        doi_texts=record.values("DI"),
        link_texts=record.values("UR", "SO", "AR"),
        pmid_text=record.first("PM"),
    )


def _refworks_entry(record: TaggedRecord) -> RawEntry:
    return RawEntry(
        LINE,
        record.line,
        record.first("ID"),
        title=record.first("T1"),
        authors=_split(record.values("A1") or record.values("A2")),
        year_text=record.first("YR", "FD"),
        abstract=record.first("AB"),
        doi_texts=record.values("DO"),
        link_texts=record.values("UL", "LK", "NO", "JF"),
    )


def _refer_entry(record: TaggedRecord) -> RawEntry:
    return RawEntry(
        LINE,
        record.line,
        record.first("F", "M"),
        title=record.first("T"),
        authors=_split(record.values("A") or record.values("E")),
        year_text=record.first("D", "8"),
        abstract=record.first("X"),
        doi_texts=[],
        link_texts=record.values("R", "U", "M", "Z", "J", "B"),
    )


def _split(names: list[str]) -> list[str]:
    """Some exports put all authors into one line."""
    return [part for name in names for part in _AUTHOR_SEPARATOR.split(name) if part.strip()]

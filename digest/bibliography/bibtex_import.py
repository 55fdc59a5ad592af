"""Parses BibTeX and BibLaTeX. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.bibliography.bibtex_scanner import BibtexBlock, BibtexScanner
from digest.bibliography.entry import LINE, ParsedBibliography, RawEntry
from digest.bibliography.entry_collector import EntryCollector
from digest.errors import N_

REPEATED_KEY = N_("the key stands at line %(detail)s too")

_NOT_PAPERS = frozenset({"control", "set", "xdata", "settings"})
_ARXIV_PREFIXES = ("arxiv",)
_PUBMED_PREFIXES = ("pubmed", "pmid")
_LINK_FIELDS = (
    "url", "eprint", "note", "annote", "howpublished", "journal", "journaltitle", "number", "pages", "volume", "eid",
    "publisher", "booktitle", "link", "ee", "biburl", "bdsk-url-1", "bdsk-url-2", "adsurl", "keywords", "addendum",
    "archive", "archivelocation", "identifier", "file", "location",
)  # fmt: skip
_OUTER_BRACES = re.compile(r"\A\{(.*)\}\Z", re.DOTALL)


def parse(text: str) -> ParsedBibliography:
    """Parse a file. Raises BadInput for one with too many mistakes."""
    collector, scanner = EntryCollector("BibTeX"), BibtexScanner(text)
    lines_by_key: dict[str, int] = {}
    for block in scanner.blocks():
        if block.kind == "string":
            for reason, detail in block.mistakes:
                collector.add_problem(LINE, block.line, "", reason, detail, is_lost=False)
        elif block.kind not in _NOT_PAPERS:
            raw = _raw_entry(block)
            if block.key and block.key in lines_by_key:
                raw.reasons.append((REPEATED_KEY, str(lines_by_key[block.key])))
            lines_by_key.setdefault(block.key, block.line)
            collector.add(raw)
            if collector.is_full:
                collector.leave_out(scanner.remaining())
                break
    return collector.result()


def _raw_entry(block: BibtexBlock) -> RawEntry:
    fields = block.fields
    raw = RawEntry(
        LINE,
        block.line,
        block.key,
        title=_title(fields),
        authors=split_names(fields.get("author") or fields.get("editor") or ""),
        year_text=fields.get("year") or fields.get("date") or "",
        abstract=_unavailable_as_empty(fields.get("abstract", "")),
        doi_texts=[fields["doi"]] if fields.get("doi", "").strip() else [],
        link_texts=[fields[name] for name in _LINK_FIELDS if name in fields],
        pmid_text=fields.get("pmid", ""),
        reasons=list(block.mistakes),
    )
    raw.link_texts.append(block.key)  # DBLP's and publishers' keys contain identifiers
    _add_eprint(raw, fields)
    return raw


def _title(fields: dict[str, str]) -> str:
    title = fields.get("title", "").strip()
    if subtitle := fields.get("subtitle", "").strip():
        title = f"{title}: {subtitle}"
    return title


def _unavailable_as_empty(abstract: str) -> str:
    return "" if abstract.strip().casefold() in {"not available", "n/a", "no abstract"} else abstract


def _add_eprint(raw: RawEntry, fields: dict[str, str]) -> None:
    """The field `eprint`, whose meaning is in `archiveprefix` or `eprinttype`; also arXiv's own older fields."""
    prefix = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().casefold()
    eprint = fields.get("eprint", "").strip()
    if prefix in _PUBMED_PREFIXES:
        raw.pmid_text = raw.pmid_text or eprint
    elif prefix in _ARXIV_PREFIXES and eprint:
        raw.arxiv_texts.append(eprint)
    elif not prefix and eprint:
        raw.link_texts.append(f"arXiv:{eprint}")
    for name in ("arxiv", "arxivid", "arxiv_id"):
        if fields.get(name, "").strip():
            raw.arxiv_texts.append(fields[name])


def split_names(text: str) -> list[str]:
    """The names of an author field, which the word `and` separates outside of braces."""
    return [_without_braces(name) for name in _split_at_and(" ".join(text.split())) if name]


def _split_at_and(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for match in re.finditer(r"\\.|[{}]| and (?=\S)", text, re.IGNORECASE):
        mark = match[0]
        depth += (mark == "{") - (mark == "}")
        if depth <= 0 and mark.lower() == " and ":
            yield text[start : match.start()].strip()
            start = match.end()
    yield text[start:].strip()


def _without_braces(name: str) -> str:
    match = _OUTER_BRACES.match(name)
    return match[1] if match and "{" not in match[1] else name

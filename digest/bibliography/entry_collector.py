"""Turns raw fields into entries of readable text, and names what is wrong with each. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from digest.bibliography import entry as kinds
from digest.bibliography import import_limits
from digest.bibliography.entry import BibliographyEntry, EntryProblem, ParsedBibliography, RawEntry
from digest.bibliography.identifiers_in_text import (
    arxiv_id_of_doi,
    find_arxiv_id,
    find_bare_arxiv_id,
    find_doi,
    find_pmid,
    read_arxiv_id,
    read_pmid,
)
from digest.bibliography.text_encoding import UNREADABLE
from digest.errors import N_, BadInput
from digest.text.plain_text import one_line
from digest.text.tex import readable

MAX_KEY, MAX_DETAIL = 80, 80  # characters shown of a key and of a value
_TAG = re.compile(r"</?(?:jats:)?[a-zA-Z][a-zA-Z0-9:]{0,15}(?:\s[^<>]{0,200})?/?>")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_NAMELESS = frozenset({"others", "et al", "et al.", ""})


class EntryCollector:
    """Collects the entries of one bibliography, at most MAX_ENTRIES, and their problems.

    `needs_titles`: whether an entry without a title is a problem, as in all formats but lists of identifiers.
    """

    def __init__(self, form: str, *, needs_titles: bool = True) -> None:
        self._form, self._needs_titles = form, needs_titles
        self._entries: list[BibliographyEntry] = []
        self._problems: list[EntryProblem] = []
        self._left_out = 0

    @property
    def is_full(self) -> bool:
        """True where further entries are only counted."""
        return len(self._entries) >= import_limits.MAX_ENTRIES

    def add(self, raw: RawEntry) -> None:
        """Add an entry, or the problem for which it is none. Raises BadInput for too many problems."""
        if self.is_full:
            self._left_out += 1
            return
        converted = _convert(raw)
        if converted is None:
            raw.reasons.append((kinds.NO_TITLE_OR_IDENTIFIER, ""))
        else:
            self._entries.append(converted)
            if self._needs_titles and not converted.title:
                raw.reasons.append((kinds.NO_TITLE, ""))
        for reason, detail in dict.fromkeys(raw.reasons):
            self.add_problem(raw.unit, raw.position, raw.key, reason, detail, is_lost=False)
        if converted is None:
            self._problems[-1] = _as_lost(self._problems[-1])

    def add_problem(
        self, unit: str, position: int, key: str, reason: str, detail: str = "", *, is_lost: bool = True
    ) -> None:
        """Note a problem. Raises BadInput for too many."""
        if len(self._problems) >= import_limits.MAX_PROBLEMS:
            raise BadInput(
                N_("more than %(n)s entries are damaged: this is no bibliography"), n=import_limits.MAX_PROBLEMS
            )
        key, detail = one_line(key)[:MAX_KEY], one_line(detail)[:MAX_DETAIL]
        self._problems.append(EntryProblem(unit, position, key, reason, detail, is_lost))

    def leave_out(self, count: int) -> None:
        """Count entries beyond the maximum."""
        self._left_out += count

    def result(self) -> ParsedBibliography:
        """What was collected."""
        return ParsedBibliography(self._form, tuple(self._entries), tuple(self._problems), self._left_out)


def _convert(raw: RawEntry) -> BibliographyEntry | None:
    title = _readable(raw.title, import_limits.MAX_TITLE)
    doi = _doi(raw)
    arxiv_id = _arxiv_id(raw) or arxiv_id_of_doi(doi)
    pmid = read_pmid(raw.pmid_text) or next(filter(None, map(find_pmid, raw.link_texts)), None)
    if not (title or doi or arxiv_id or pmid):
        return None
    abstract = _readable(raw.abstract, import_limits.MAX_ABSTRACT)
    if any(UNREADABLE in text for text in (raw.title, raw.abstract, *raw.authors)):
        raw.reasons.append((kinds.UNREADABLE_CHARACTERS, ""))
    return BibliographyEntry(
        title=title,
        authors=tuple(_names(raw.authors)),
        year=_year(raw.year_text),
        abstract=abstract,
        arxiv_id=arxiv_id,
        doi=doi if arxiv_id_of_doi(doi) is None else None,
        pmid=pmid,
        unit=raw.unit,
        position=raw.position,
        key=one_line(raw.key)[:MAX_KEY],
    )


def _names(names: Iterable[str]) -> Iterable[str]:
    for name in list(names)[: import_limits.MAX_AUTHORS]:
        text = _readable(name, import_limits.MAX_NAME).strip(" ,;")
        if text.casefold() not in _NAMELESS:
            yield given_name_first(text)


def _readable(text: str, max_length: int) -> str:
    """The text without markup in one line."""
    text = text[: 4 * max_length]
    if "<" in text:
        text = _TAG.sub("", text)
    if "&" in text:
        text = html.unescape(text)
    return readable(text)[:max_length].strip()


def given_name_first(name: str) -> str:
    """`Noether, Emmy` as `Emmy Noether`; other names unchanged."""
    family, comma, first_names = name.partition(",")
    if not comma or not first_names.strip() or not family.strip():
        return name.strip(" ,")
    if "," in first_names:  # BibTeX: von Last, Jr, First
        suffix, _, first_names = first_names.partition(",")
        return f"{first_names.strip()} {family.strip()} {suffix.strip()}"
    return f"{first_names.strip()} {family.strip()}"


def _as_lost(problem: EntryProblem) -> EntryProblem:
    return EntryProblem(problem.unit, problem.position, problem.key, problem.reason, problem.detail, is_lost=True)


def _year(text: str) -> int | None:
    match = _YEAR.search(text)
    return int(match[1]) if match else None


def _doi(raw: RawEntry) -> str | None:
    """The DOI of the fields for it, else of the others. A field for DOIs without any is a problem."""
    field_dois = [find_doi(text) for text in raw.doi_texts]
    for text, doi in zip(raw.doi_texts, field_dois, strict=True):
        if text.strip() and doi is None:
            raw.reasons.append((kinds.BAD_DOI, text))
    return next(filter(None, (*field_dois, *map(find_doi, raw.link_texts))), None)


def _arxiv_id(raw: RawEntry) -> str | None:
    """The arXiv id of the fields for it, else of the others. A field for arXiv ids without any is a problem."""
    identifiers = [read_arxiv_id(text) or find_bare_arxiv_id(text) for text in raw.arxiv_texts]
    for text, identifier in zip(raw.arxiv_texts, identifiers, strict=True):
        if text.strip() and identifier is None:
            raw.reasons.append((kinds.BAD_ARXIV_ID, text))
    return next(filter(None, (*identifiers, *map(find_arxiv_id, raw.link_texts))), None)

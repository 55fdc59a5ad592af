"""A paper's bibliographic data, from its record, as all citation formats need it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from digest.compose.citations.cited_author import CitedAuthor, cited_author
from digest.compose.text.preprint_servers import preprint_server
from digest.papers import Record, is_preprint_doi
from digest.papers.preprint_dois import RXIV_DOI
from digest.text.plain_text import one_line
from digest.text.tex import readable

_NEW_ARXIV_ID = re.compile(r"(\d\d)(0[1-9]|1[0-2])\.\d{4,5}")
_OLD_ARXIV_ID = re.compile(r"[a-z-]+(?:\.[A-Z]{2})?/(\d\d)(0[1-9]|1[0-2])\d{3}")
_FIRST_ARXIV_YEAR = 91
_JOURNAL = re.compile(
    r"\b(?:Journal|Transactions|Letters|Review|Reviews|Annals|Magazine|Bulletin|Archives?|Acta|Nature|Science|Notices"
    r"|Quarterly|Communications|TMLR|JMLR|PNAS)\b"
    r"|\b(?:J|Phys|Trans|Lett|Rev|Ann|Mon|Commun)\. ?[A-Z]"
)
_NO_JOURNAL = re.compile(r"\b(?:conference|workshop|symposium|proceedings|meeting)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citation:
    """A paper to cite. Texts are readable Unicode in one line, except `title_source` and `abstract_source` (TeX).

    `date`: year, month and day as far as they are known. `server`: the preprint server, '' if unknown. `journal`: set
    only if the DOI is that of the article in it. `note`: the venue of a preprint. `category`: the primary one of arXiv.
    """

    paper_id: int
    title: str
    title_source: str
    authors: tuple[CitedAuthor, ...]
    authors_complete: bool
    date: tuple[int, ...]
    url: str
    abstract: str
    abstract_source: str
    arxiv_id: str = ""
    category: str = ""
    keywords: tuple[str, ...] = ()
    doi: str = ""
    server: str = ""
    journal: str = ""
    note: str = ""

    @property
    def pdf_url(self) -> str:
        """The address of the PDF on arXiv; '' for other papers."""
        return f"https://arxiv.org/pdf/{quote(self.arxiv_id)}" if self.arxiv_id else ""

    @property
    def slashed_date(self) -> str:
        """The date as 2026/11/29, or as much of it as is known."""
        return "/".join(f"{part:02d}" for part in self.date)


def citation(paper_id: int, record: Record, page: str) -> Citation:
    """The bibliographic data of a record. `page`: the paper's address in this service, for papers without another."""
    doi, arxiv_id = one_line(record.doi or ""), one_line(record.arxiv_id or "")
    venue = readable(record.venue or "")
    journal = venue if _is_published_in(record, venue) else ""
    return Citation(
        paper_id=paper_id,
        title=readable(record.title) or "Untitled paper",
        title_source=one_line(record.title) or "Untitled paper",
        authors=tuple(author for author in map(cited_author, record.authors) if author.family),
        authors_complete=record.authors_complete,
        date=_ymd(record.issued) if journal and record.issued else _date(record, arxiv_id, doi),
        url=_url(arxiv_id, doi) or record.url or page,
        abstract=readable(record.abstract),
        abstract_source=one_line(record.abstract),
        arxiv_id=arxiv_id,
        category=one_line(record.categories[0]) if record.categories else "",
        keywords=tuple(one_line(name) for name in record.categories),
        doi=doi,
        server="arXiv" if arxiv_id else preprint_server(doi),
        journal=journal,
        note="" if journal else venue,
    )


def _is_published_in(record: Record, venue: str) -> bool:
    """True where the DOI is that of the article in this journal."""
    if not record.doi or not venue or is_preprint_doi(record.doi):
        return False
    return is_journal(venue) or bool(record.pmid or record.preprint_dois)


def is_journal(venue: str) -> bool:
    """True for the name of a journal, False for a conference and in doubt."""
    return bool(_JOURNAL.search(venue)) and not _NO_JOURNAL.search(venue)


def _url(arxiv_id: str, doi: str) -> str:
    if arxiv_id:
        return f"https://arxiv.org/abs/{quote(arxiv_id)}"
    return f"https://doi.org/{quote(doi, safe='/:;()')}" if doi else ""


def _ymd(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def _date(record: Record, arxiv_id: str, doi: str) -> tuple[int, ...]:
    """When the paper was published; else the month in its arXiv id, or the day in its DOI."""
    if record.published:
        return _ymd(record.published)
    if match := _NEW_ARXIV_ID.fullmatch(arxiv_id) or _OLD_ARXIV_ID.fullmatch(arxiv_id):
        year = int(match[1])
        return (1900 if year >= _FIRST_ARXIV_YEAR else 2000) + year, int(match[2])
    match = RXIV_DOI.fullmatch(doi)
    return (int(match[1]), int(match[2]), int(match[3])) if match and match[1] else ()

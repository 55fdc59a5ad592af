"""Parses saved author pages: figures, then for each paper tag and date, title, authors, abstract.

A line such as `LGJul 15, 2023Code` begins a paper. On some pages title and authors are joined in one line; then
`joined_titles.split_line` separates them with the help of the page's other words and names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from digest.papers import AuthorFigures, ListedPaper, ParsedDocument, Record, RejectedItem
from seeds import joined_titles
from seeds.page import MONTH, Line, is_finished, is_unreadable, lines, listed_paper, parse_day
from seeds.subjects import category_of_tag

_HEADING = re.compile(
    rf"(?P<tag>[A-Z]{{2}}|[a-z][a-z-]+(?:\.[A-Za-z-]+)?)(?P<month>{MONTH}) (?P<day>\d{{1,2}})"
    r"(?:, (?P<year>\d{4}))?(?P<code>Code)?"
)
_FIGURES = {
    "h_index": re.compile(r"h-index\s*([\d,]+)(?!\d)"),
    "papers": re.compile(r"([\d,]+)\s*papers"),
    "citations": re.compile(r"([\d,]+)\s*citations"),
    "novelty": re.compile(r"Novelty\s*([\d,]+)%"),
    "ai_score": re.compile(r"AI Score\s*([\d,]+)"),
}
_ET_AL = " et al."
_INSTITUTION_SEPARATOR = " · "
_MAX_AUTHORS_LENGTH = 200


@dataclass(frozen=True, slots=True)
class _PaperLines:
    """The lines of one paper; `is_last`: the document's last paper, which may be truncated."""

    heading: re.Match[str]
    heading_line: Line
    body: tuple[Line, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class _PageVocabulary:
    """The words of the page's abstracts and the names of its authors."""

    words: frozenset[str]
    names: frozenset[str]


def is_heading(line: str) -> bool:
    """True for a line that begins a paper."""
    return _HEADING.fullmatch(line) is not None


def parse(text: str, *, today: date) -> ParsedDocument:
    """The papers of the page in order. `today` determines the year of dates without one."""
    rows = lines(text)
    first_heading = next((n for n, row in enumerate(rows) if is_heading(row.text)), len(rows))
    entries = list(_entries(rows[first_heading:]))
    vocabulary = _page_vocabulary(entries)
    papers: list[ListedPaper] = []
    rejected = [row.rejected("not part of a paper") for row in rows[:first_heading] if not _is_figure(row.text)]
    for entry in entries:
        paper, rejections = _paper(entry, vocabulary, today)
        papers += [paper] if paper else []
        rejected += rejections
    return ParsedDocument(
        tuple(papers),
        tuple(rejected),
        figures=_figures(rows[:first_heading], is_document_end=first_heading == len(rows)),
        is_author_page=True,
    )


def _entries(rows: list[Line]) -> Iterator[_PaperLines]:
    headings = [(n, heading) for n, row in enumerate(rows) if (heading := _HEADING.fullmatch(row.text))]
    ends = [*(n for n, _ in headings), len(rows)][1:]
    for (n, heading), end in zip(headings, ends, strict=True):
        yield _PaperLines(heading, rows[n], tuple(rows[n + 1 : end]), is_last=end == len(rows))


def _paper(
    entry: _PaperLines, vocabulary: _PageVocabulary, today: date
) -> tuple[ListedPaper | None, list[RejectedItem]]:
    body, heading = entry.body, entry.heading
    has_author_line = len(body) > 1 and _is_authors(body[1].text)
    size = 3 if has_author_line else 2
    if len(body) < size:
        return None, [(body[0] if body else entry.heading_line).rejected("cut before its abstract")]
    abstract = body[size - 1]
    extra_rejections = [row.rejected("not part of a paper") for row in body[size:]]
    if entry.is_last and not extra_rejections and not is_finished(abstract.text):
        return None, [abstract.rejected("the last abstract ends within a sentence")]
    if is_unreadable(*(row.text for row in body[:size])):
        return None, [body[0].rejected("unreadable characters"), *extra_rejections]
    day = parse_day(
        heading["month"], int(heading["day"]), int(heading["year"]) if heading["year"] else None, today=today
    )
    if day is None:
        return None, [entry.heading_line.rejected("no such day"), *extra_rejections]
    title_and_authors = _title_and_authors(body, has_author_line=has_author_line, vocabulary=vocabulary)
    if title_and_authors is None:
        return None, [body[0].rejected("title and authors can't be told apart"), *extra_rejections]
    return listed_paper(_record(entry, title_and_authors, abstract.text, day)), extra_rejections


def _record(entry: _PaperLines, title_and_authors: joined_titles.SplitLine, abstract: str, day: date) -> Record:
    _, is_truncated, institutions = _split_author_line(entry.body)
    category_name = category_of_tag(entry.heading["tag"])
    return Record(
        title_and_authors.title,
        abstract,
        authors=title_and_authors.authors,
        authors_complete=not is_truncated,
        categories=(category_name,) if category_name else (),
        institutions=institutions,
        published=day,
        has_code=entry.heading["code"] is not None,
    )


def _title_and_authors(
    body: tuple[Line, ...], *, has_author_line: bool, vocabulary: _PageVocabulary
) -> joined_titles.SplitLine | None:
    names, is_truncated, _ = _split_author_line(body)
    if has_author_line:
        return joined_titles.SplitLine(body[0].text, tuple(names.split(", ")))
    return joined_titles.split_line(
        names, is_truncated=is_truncated, words=vocabulary.words, known_names=vocabulary.names
    )


def _split_author_line(body: tuple[Line, ...]) -> tuple[str, bool, tuple[str, ...]]:
    """The line that ends with authors: its text before 'et al.', whether it has 'et al.', and the institutions."""
    line = body[1].text if len(body) > 1 and _is_authors(body[1].text) else body[0].text
    line, _, institutions = line.partition(_INSTITUTION_SEPARATOR)
    return (
        line.removesuffix(_ET_AL),
        line.endswith(_ET_AL),
        tuple(institution for institution in institutions.split(", ") if institution),
    )


def _is_authors(line: str) -> bool:
    names = line.partition(_INSTITUTION_SEPARATOR)[0].removesuffix(_ET_AL)
    return len(names) <= _MAX_AUTHORS_LENGTH and all(
        joined_titles.is_name_shaped(name, min_words=1, strict=False) for name in names.split(", ")
    )


def _page_vocabulary(entries: list[_PaperLines]) -> _PageVocabulary:
    """Words of the abstracts, and names after commas (the first name of a line may be joined to its title)."""
    prose = " ".join(row.text for entry in entries for row in entry.body[1:])
    names = [name for entry in entries if entry.body for name in _split_author_line(entry.body)[0].split(", ")[1:]]
    return _PageVocabulary(
        frozenset(re.findall(r"\w+", prose.lower())),
        frozenset(name for name in names if joined_titles.is_name_shaped(name)),
    )


def _is_figure(line: str) -> bool:
    return any(form.fullmatch(line) for form in _FIGURES.values()) or re.fullmatch(r"[\d,]+ Papers", line) is not None


def _figures(rows: list[Line], *, is_document_end: bool) -> AuthorFigures | None:
    """The figures above the papers. A number at the end of the document may be truncated, so it is ignored."""
    complete_rows = rows[:-1] if is_document_end and rows and rows[-1].text[-1].isdigit() else rows
    figures: dict[str, int] = {}
    for row in complete_rows:
        for name, form in _FIGURES.items():
            if match := form.fullmatch(row.text):
                figures[name] = int(match[1].replace(",", ""))
    return AuthorFigures(**figures) if figures else None

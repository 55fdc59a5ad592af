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
from seeds.page import MONTH, Line, day_of, finished, lines, listed, unreadable
from seeds.subjects import category

_HEAD = re.compile(
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
_MORE = " et al."
_PLACE = " · "
_LONGEST_AUTHORS = 200


@dataclass(frozen=True, slots=True)
class _Entry:
    """The lines of one paper; `is_last`: the document's last paper, which may be truncated."""

    head: re.Match[str]
    at: Line
    body: tuple[Line, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class _Witnesses:
    """The words of the page's abstracts and the names of its authors."""

    words: frozenset[str]
    people: frozenset[str]


def is_head(line: str) -> bool:
    """True for a line that begins a paper."""
    return _HEAD.fullmatch(line) is not None


def parse(text: str, *, today: date) -> ParsedDocument:
    """The papers of the page in order. `today` determines the year of dates without one."""
    rows = lines(text)
    first = next((n for n, row in enumerate(rows) if is_head(row.text)), len(rows))
    entries = list(_entries(rows[first:]))
    witnesses = _witnesses(entries)
    papers: list[ListedPaper] = []
    bad = [row.rejected("not part of a paper") for row in rows[:first] if not _is_figure(row.text)]
    for entry in entries:
        paper, wrong = _paper(entry, witnesses, today)
        papers += [paper] if paper else []
        bad += wrong
    return ParsedDocument(tuple(papers), tuple(bad), figures=_figures(rows[:first], ended=first == len(rows)))


def _entries(rows: list[Line]) -> Iterator[_Entry]:
    heads = [(n, head) for n, row in enumerate(rows) if (head := _HEAD.fullmatch(row.text))]
    ends = [*(n for n, _ in heads), len(rows)][1:]
    for (n, head), end in zip(heads, ends, strict=True):
        yield _Entry(head, rows[n], tuple(rows[n + 1 : end]), last=end == len(rows))


def _paper(entry: _Entry, witnesses: _Witnesses, today: date) -> tuple[ListedPaper | None, list[RejectedItem]]:
    body, head = entry.body, entry.head
    apart = len(body) > 1 and _is_authors(body[1].text)
    size = 3 if apart else 2
    if len(body) < size:
        return None, [(body[0] if body else entry.at).rejected("cut before its abstract")]
    abstract = body[size - 1]
    extra = [row.rejected("not part of a paper") for row in body[size:]]
    if entry.last and not extra and not finished(abstract.text):
        return None, [abstract.rejected("the last abstract ends within a sentence")]
    if unreadable(*(row.text for row in body[:size])):
        return None, [body[0].rejected("unreadable characters"), *extra]
    day = day_of(head["month"], int(head["day"]), int(head["year"]) if head["year"] else None, today=today)
    if day is None:
        return None, [entry.at.rejected("no such day"), *extra]
    named = _title_and_authors(body, apart=apart, witnesses=witnesses)
    if named is None:
        return None, [body[0].rejected("title and authors can't be told apart"), *extra]
    return listed(_record(entry, named, abstract.text, day)), extra


def _record(entry: _Entry, named: joined_titles.Split, abstract: str, day: date) -> Record:
    _, more, places = _signed(entry.body)
    known = category(entry.head["tag"])
    return Record(
        named.title,
        abstract,
        authors=named.authors,
        authors_complete=not more,
        categories=(known,) if known else (),
        institutions=places,
        published=day,
        has_code=entry.head["code"] is not None,
    )


def _title_and_authors(body: tuple[Line, ...], *, apart: bool, witnesses: _Witnesses) -> joined_titles.Split | None:
    names, more, _ = _signed(body)
    if apart:
        return joined_titles.Split(body[0].text, tuple(names.split(", ")))
    return joined_titles.split(names, more=more, words=witnesses.words, people=witnesses.people)


def _signed(body: tuple[Line, ...]) -> tuple[str, bool, tuple[str, ...]]:
    """The line that ends with authors: its text before 'et al.', whether it has 'et al.', and the institutions."""
    line = body[1].text if len(body) > 1 and _is_authors(body[1].text) else body[0].text
    line, _, places = line.partition(_PLACE)
    return line.removesuffix(_MORE), line.endswith(_MORE), tuple(place for place in places.split(", ") if place)


def _is_authors(line: str) -> bool:
    names = line.partition(_PLACE)[0].removesuffix(_MORE)
    return len(names) <= _LONGEST_AUTHORS and all(
        joined_titles.name_shaped(name, fewest=1, strict=False) for name in names.split(", ")
    )


def _witnesses(entries: list[_Entry]) -> _Witnesses:
    """Words of the abstracts, and names after commas (the first name of a line may be joined to its title)."""
    prose = " ".join(row.text for entry in entries for row in entry.body[1:])
    names = [name for entry in entries if entry.body for name in _signed(entry.body)[0].split(", ")[1:]]
    return _Witnesses(
        frozenset(re.findall(r"\w+", prose.lower())),
        frozenset(name for name in names if joined_titles.name_shaped(name)),
    )


def _is_figure(line: str) -> bool:
    return any(form.fullmatch(line) for form in _FIGURES.values()) or re.fullmatch(r"[\d,]+ Papers", line) is not None


def _figures(rows: list[Line], *, ended: bool) -> AuthorFigures | None:
    """The figures above the papers. A number at the end of the document may be truncated, so it is ignored."""
    whole = rows[:-1] if ended and rows and rows[-1].text[-1].isdigit() else rows
    found: dict[str, int] = {}
    for row in whole:
        for name, form in _FIGURES.items():
            if match := form.fullmatch(row.text):
                found[name] = int(match[1].replace(",", ""))
    return AuthorFigures(**found) if found else None

"""Parses a saved page of trending papers: titles and abstracts alternate; the first title is joined to 'Subscribe'.

The position on the page is the signal `rank`, from 1.
"""

from __future__ import annotations

from datetime import date

from digest.papers import ListedPaper, ParsedDocument, Record, RejectedItem
from seeds.page import Line, is_finished, is_unreadable, lines, listed_paper

GREETING = "Get trending papers in your email inbox"
_SUBSCRIBE_BUTTON = "Subscribe"
_MAX_TITLE_LENGTH = 250
_MIN_ABSTRACT_LENGTH = 200


def parse(text: str, *, today: date) -> ParsedDocument:  # noqa: ARG001 - one signature for all forms
    """The papers of the page in order, which is their rank. `today` is not used.

    A line out of order (two titles, two abstracts) is rejected, and parsing continues with the next pair.
    """
    rows, rejected = _below_button(lines(text))
    papers: list[ListedPaper] = []
    rank = 0
    position = 0
    while position < len(rows):
        title, abstract = rows[position], rows[position + 1] if position + 1 < len(rows) else None
        rejection = _rejection(title, abstract, is_last=position + 2 >= len(rows))
        is_pair = abstract is not None and _is_title(title.text) and _is_abstract(abstract.text)
        rank += 1 if _is_title(title.text) else 0
        if rejection:
            rejected.append(rejection)
        elif abstract:
            papers.append(listed_paper(Record(title.text, abstract.text), signals=(("rank", float(rank)),)))
        position += 2 if is_pair else 1
    return ParsedDocument(tuple(papers), tuple(rejected))


def _below_button(rows: list[Line]) -> tuple[list[Line], list[RejectedItem]]:
    """The lines from the first title on, without the button's text before it."""
    for n, row in enumerate(rows):
        if row.text.startswith(_SUBSCRIBE_BUTTON):
            title = Line(row.number, row.text.removeprefix(_SUBSCRIBE_BUTTON).strip())
            return [title, *rows[n + 1 :]] if title.text else rows[n + 1 :], []
    return [], [row.rejected("no list of papers on this page") for row in rows[:1]]


def _rejection(title: Line, abstract: Line | None, *, is_last: bool) -> RejectedItem | None:
    """The reason why these two lines are not a paper, or None."""
    if not _is_title(title.text):
        return title.rejected("an abstract without a title")
    if abstract is None:
        return title.rejected("cut before its abstract")
    if not _is_abstract(abstract.text):
        return (abstract if is_last else title).rejected(
            "cut within its abstract" if is_last else "a title without an abstract"
        )
    if is_last and not is_finished(abstract.text):
        return abstract.rejected("the last abstract ends within a sentence")
    return title.rejected("unreadable characters") if is_unreadable(title.text, abstract.text) else None


def _is_title(line: str) -> bool:
    return len(line) <= _MAX_TITLE_LENGTH


def _is_abstract(line: str) -> bool:
    return len(line) >= _MIN_ABSTRACT_LENGTH

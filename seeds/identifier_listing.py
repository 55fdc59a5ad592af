"""Parses a saved listing by identifier: an abstract, optional comments, and the arXiv id that ends the paper.

The id is at the start of a line, joined with the next abstract. An 'arXiv admin note' has other ids inside its line; it
is a comment.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from digest.papers import ListedPaper, ParsedDocument, RejectedItem, venue
from seeds.page import Line, lines, listed, unreadable, untitled

# Five digits after the point since 2015, four before: a truncated id does not match, and a next digit begins the text.
_ID = re.compile(
    r"arXiv:(?P<id>(?:1[5-9]|[2-9]\d)(?:0[1-9]|1[0-2])\.\d{5}|(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}"
    r"|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(?P<version>\d{1,2}))?"
)


def parse(text: str, *, today: date) -> ParsedDocument:  # noqa: ARG001 - one signature for all forms
    """The papers of the listing in order, with titles derived from their abstracts. `today` is not used."""
    papers: list[ListedPaper] = []
    bad: list[RejectedItem] = []
    open_rows: list[Line] = []
    for row in lines(text):
        closing = _ID.match(row.text)
        if closing is None:
            open_rows.append(row)
            continue
        wrong = _wrong(open_rows, row, first=not (papers or bad))
        if wrong:
            bad.append(wrong)
        else:
            papers.append(_paper(open_rows, closing))
        rest = row.text[closing.end() :].strip()
        open_rows = [Line(row.number, rest)] if rest else []
    bad += [row.rejected("cut before its identifier") for row in open_rows[:1]]
    return ParsedDocument(tuple(papers), tuple(bad))


def is_identifier(line: str) -> bool:
    """True for a line that begins with an arXiv id."""
    return _ID.match(line) is not None


def _wrong(rows: list[Line], closing: Line, *, first: bool) -> RejectedItem | None:
    """The reason why these lines are not a paper, or None. Only the document's first abstract can lack its start."""
    if not rows:
        return closing.rejected("an identifier without an abstract")
    if unreadable(*(row.text for row in rows)):
        return rows[0].rejected("unreadable characters")
    return rows[0].rejected("an abstract without its beginning") if first and rows[0].text[0].islower() else None


def _paper(rows: list[Line], closing: re.Match[str]) -> ListedPaper:
    comment = "; ".join(row.text for row in rows[1:]) or None
    return listed(
        replace(
            untitled(rows[0].text),
            arxiv_id=closing["id"],
            version=int(closing["version"] or 1),
            comment=comment,
            venue=venue(comment),
        )
    )

"""Parses a saved listing by identifier: an abstract, optional comments, and the arXiv id that ends the paper.

The id is at the start of a line, joined with the next abstract. An 'arXiv admin note' has other ids inside its line; it
is a comment.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from digest.papers import ListedPaper, ParsedDocument, RejectedItem, venue
from seeds.page import Line, is_unreadable, lines, listed_paper, record_without_title

# Five digits after the point since 2015, four before: a truncated id does not match, and a next digit begins the text.
_ID = re.compile(
    r"arXiv:(?P<id>(?:1[5-9]|[2-9]\d)(?:0[1-9]|1[0-2])\.\d{5}|(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}"
    r"|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(?P<version>\d{1,2}))?"
)


def parse(text: str, *, today: date) -> ParsedDocument:  # noqa: ARG001 - one signature for all forms
    """The papers of the listing in order, with titles derived from their abstracts. `today` is not used."""
    papers: list[ListedPaper] = []
    rejected: list[RejectedItem] = []
    open_rows: list[Line] = []
    for row in lines(text):
        id_match = _ID.match(row.text)
        if id_match is None:
            open_rows.append(row)
            continue
        rejection = _rejection(open_rows, row, is_first=not (papers or rejected))
        if rejection:
            rejected.append(rejection)
        else:
            papers.append(_paper(open_rows, id_match))
        following_text = row.text[id_match.end() :].strip()
        open_rows = [Line(row.number, following_text)] if following_text else []
    rejected += [row.rejected("cut before its identifier") for row in open_rows[:1]]
    return ParsedDocument(tuple(papers), tuple(rejected))


def is_identifier(line: str) -> bool:
    """True for a line that begins with an arXiv id."""
    return _ID.match(line) is not None


def _rejection(rows: list[Line], id_line: Line, *, is_first: bool) -> RejectedItem | None:
    """The reason why these lines are not a paper, or None. Only the document's first abstract can lack its start."""
    if not rows:
        return id_line.rejected("an identifier without an abstract")
    if is_unreadable(*(row.text for row in rows)):
        return rows[0].rejected("unreadable characters")
    return rows[0].rejected("an abstract without its beginning") if is_first and rows[0].text[0].islower() else None


def _paper(rows: list[Line], id_match: re.Match[str]) -> ListedPaper:
    comment = "; ".join(row.text for row in rows[1:]) or None
    return listed_paper(
        replace(
            record_without_title(rows[0].text),
            arxiv_id=id_match["id"],
            version=int(id_match["version"] or 1),
            comment=comment,
            venue=venue(comment),
        )
    )

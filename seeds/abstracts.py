"""Parses a saved page of abstracts: each paragraph begins with `Abstract:`."""

from __future__ import annotations

from datetime import date

from digest.papers import ListedPaper, ParsedDocument, RejectedItem
from seeds.page import Line, finished, lines, listed, unreadable, untitled

MARK = "Abstract:"


def parse(text: str, *, today: date) -> ParsedDocument:  # noqa: ARG001 - one signature for all forms
    """The papers of the page in order, with titles derived from their abstracts. `today` is not used."""
    papers: list[ListedPaper] = []
    bad: list[RejectedItem] = []
    rows = lines(text)
    for row in rows:
        abstract = row.text.removeprefix(MARK).strip()
        wrong = _wrong(row, abstract, last=row is rows[-1])
        if wrong:
            bad.append(wrong)
        else:
            papers.append(listed(untitled(abstract)))
    return ParsedDocument(tuple(papers), tuple(bad))


def _wrong(row: Line, abstract: str, *, last: bool) -> RejectedItem | None:
    """The reason why this line is not a paper, or None."""
    if not row.text.startswith(MARK):
        return row.rejected(f"does not begin with {MARK!r}")
    if not abstract:
        return row.rejected("cut before its abstract")
    if last and not finished(abstract):
        return row.rejected("the last abstract ends within a sentence")
    return row.rejected("unreadable characters") if unreadable(abstract) else None

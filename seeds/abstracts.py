"""Parses a saved page of abstracts: each paragraph begins with `Abstract:`."""

from __future__ import annotations

from datetime import date

from digest.papers import ListedPaper, ParsedDocument, RejectedItem
from seeds.page import Line, is_finished, is_unreadable, lines, listed_paper, record_without_title

ABSTRACT_MARK = "Abstract:"


def parse(text: str, *, today: date) -> ParsedDocument:  # noqa: ARG001 - one signature for all forms
    """The papers of the page in order, with titles derived from their abstracts. `today` is not used."""
    papers: list[ListedPaper] = []
    rejected: list[RejectedItem] = []
    rows = lines(text)
    for row in rows:
        abstract = row.text.removeprefix(ABSTRACT_MARK).strip()
        rejection = _rejection(row, abstract, is_last=row is rows[-1])
        if rejection:
            rejected.append(rejection)
        else:
            papers.append(listed_paper(record_without_title(abstract)))
    return ParsedDocument(tuple(papers), tuple(rejected))


def _rejection(row: Line, abstract: str, *, is_last: bool) -> RejectedItem | None:
    """The reason why this line is not a paper, or None."""
    if not row.text.startswith(ABSTRACT_MARK):
        return row.rejected(f"does not begin with {ABSTRACT_MARK!r}")
    if not abstract:
        return row.rejected("cut before its abstract")
    if is_last and not is_finished(abstract):
        return row.rejected("the last abstract ends within a sentence")
    return row.rejected("unreadable characters") if is_unreadable(abstract) else None

"""Finds a paper by what identifies it: an arXiv id, a DOI, or an address that has one of them."""

from __future__ import annotations

import re

from sqlmodel import Session

from digest.db.papers import papers as store
from digest.sources.identifiers import parse_arxiv_id

_ARXIV = re.compile(
    r"(?:arxiv:\s*|(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/|(?:https?://)?(?:dx\.)?doi\.org/10\.48550/arxiv\.)?"
    r"(?P<id>[a-z-]+(?:\.[a-z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?(?:\.pdf)?/?",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:doi:\s*|(?:https?://)?(?:dx\.)?doi\.org/)?(?P<id>10\.\d{4,9}/\S+)", re.IGNORECASE)


def find(session: Session, text: str) -> list[int] | None:
    """The stored papers of that identifier; None where the text is none."""
    stripped = text.strip()
    if match := _ARXIV.fullmatch(stripped):
        try:
            arxiv_id, _ = parse_arxiv_id(match["id"])
        except ValueError:
            return []
        ids, _ = store.find_by_identifiers(session, [arxiv_id], [])
        return list(ids.values())
    if match := _DOI.fullmatch(stripped):
        _, ids_by_doi = store.find_by_identifiers(session, [], [match["id"].lower()])
        return [paper_id for paper_id, _ in ids_by_doi.values()]
    return None

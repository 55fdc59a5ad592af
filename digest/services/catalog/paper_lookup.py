"""Finds stored papers by the identifiers that people paste: arXiv ids, DOIs, their URLs, or numbers of this service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.errors import BadInput
from digest.i18n import localize
from digest.sources.identifiers import parse_arxiv_id
from digest.text.plain_text import remove_controls

MAX_IDENTIFIERS = 200  # of one list
_MAX_LENGTH = 260  # characters of an identifier
_ARXIV_PREFIX = re.compile(r"(?:https?://)?(?:(?:www|export)\.)?arxiv\.org/(?:abs|pdf|html)/|arxiv:", re.IGNORECASE)
_SUBJECT_CLASS = re.compile(r"^([a-z-]+)\.[A-Za-z]{2}/")
_DOI = re.compile(r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi:)?(?P<doi>10\.\d{4,9}/\S+)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,\s]+|;\s+")  # a DOI may contain a semicolon
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class IdentifiedPapers:
    """The stored papers of a list of identifiers, in its order and each once, and the identifiers of no paper."""

    paper_ids: tuple[int, ...]
    unknown: tuple[str, ...] = ()


def split_identifiers(text: str) -> list[str]:
    """The identifiers in a text with commas or blanks between them, each once. Raises BadInput for too many."""
    identifiers = list(dict.fromkeys(part for part in _SEPARATOR.split(remove_controls(text)) if part))
    if len(identifiers) > MAX_IDENTIFIERS:
        raise BadInput(localize("ids: use at most %(most)s papers", most=MAX_IDENTIFIERS), field="ids")
    return [identifier[:_MAX_LENGTH] for identifier in identifiers]


def find_papers(identifiers: Sequence[str]) -> IdentifiedPapers:
    """The papers with these identifiers. An arXiv id may have a version, which is ignored."""
    arxiv_ids = {text: arxiv_id for text in identifiers if (arxiv_id := _arxiv_id(text))}
    dois = {text: match["doi"].lower() for text in identifiers if (match := _DOI.fullmatch(text))}
    numbers = {text: int(text) for text in identifiers if _NUMBER.fullmatch(text)}
    with reading() as session:
        by_arxiv_id, by_doi = store.find_by_identifiers(
            session, sorted(set(arxiv_ids.values())), sorted(set(dois.values()))
        )
        by_number = store.newest_versions(session, numbers.values()) if numbers else {}
    paper_ids: dict[str, int | None] = dict.fromkeys(identifiers)
    paper_ids |= {text: by_arxiv_id.get(arxiv_id) for text, arxiv_id in arxiv_ids.items()}
    paper_ids |= {text: by_doi[doi][0] for text, doi in dois.items() if doi in by_doi}
    paper_ids |= {text: number for text, number in numbers.items() if number in by_number}
    unique_ids = dict.fromkeys(paper_id for paper_id in paper_ids.values() if paper_id is not None)
    return IdentifiedPapers(tuple(unique_ids), tuple(text for text, paper_id in paper_ids.items() if paper_id is None))


def _arxiv_id(text: str) -> str:
    """The arXiv id without prefix, version and subject class; '' for other identifiers."""
    bare_text = _ARXIV_PREFIX.sub("", text, count=1) if _ARXIV_PREFIX.match(text) else text
    try:
        arxiv_id, _ = parse_arxiv_id(_SUBJECT_CLASS.sub(r"\1/", bare_text.removesuffix(".pdf")))
    except ValueError:
        return ""
    return arxiv_id

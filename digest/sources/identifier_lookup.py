"""Looks up single papers by arXiv id or DOI at the sources that answer such requests, politely and in batches."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digest.papers import Record
from digest.sources import registry

_ARXIV_ID = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Za-z]{2})?/\d{7}")
_DOI = re.compile(r"10\.\d{4,9}/[^\s|,]+")  # others can't stand in the filter of a request


def is_lookable(identifier: str) -> bool:
    """True for an arXiv id, or a DOI in lower case."""
    return bool(_ARXIV_ID.fullmatch(identifier) or _DOI.fullmatch(identifier))


def look_up(identifiers: Iterable[str]) -> dict[str, Record]:
    """The records of those that the sources know, with title and mostly abstract. Raises SourceDown."""
    distinct = list(dict.fromkeys(identifiers))
    arxiv_ids = [identifier for identifier in distinct if _ARXIV_ID.fullmatch(identifier)]
    dois = [identifier for identifier in distinct if _DOI.fullmatch(identifier)]
    return registry.look_up_arxiv_ids(arxiv_ids) | registry.look_up_dois(dois)

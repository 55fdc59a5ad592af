"""Looks up papers by their DOIs at Crossref, where the publishers register them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digest.papers import Record
from digest.sources import crossref
from digest.sources.source import PaperLookup

MAX_PAPERS = 50  # of one call: each takes a request
_DOI = re.compile(r"10\.\d{4,9}/\S{1,240}", re.ASCII)


def look_up(dois: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, Record]]]:
    """The works that are papers, by DOI, one after the other. Raises SourceDown."""
    for doi in dois:
        work = crossref.fetch_work(doi)
        is_paper = work is not None and work.record.title and not work.left_out
        yield [doi], {doi: work.record} if work is not None and is_paper else {}


def _accepts(identifier: str) -> bool:
    return crossref.is_enabled() and _DOI.fullmatch(identifier) is not None


LOOKUP = PaperLookup(_accepts, look_up, MAX_PAPERS)

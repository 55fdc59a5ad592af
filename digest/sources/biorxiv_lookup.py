"""Looks up preprints of bioRxiv and medRxiv by their DOIs, which do not tell the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digest.papers import Record
from digest.papers.preprint_dois import RXIV_DOI
from digest.sources import biorxiv
from digest.sources.source import PaperLookup

MAX_PAPERS = 50  # of one call: each takes a request or two, a second apart


def look_up(dois: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, Record]]]:
    """The newest version of each preprint, by DOI, one after the other. Raises SourceDown."""
    for doi in dois:
        record = _newest_version(doi)
        yield [doi], {} if record is None else {doi: record}


def _newest_version(doi: str) -> Record | None:
    for server in (biorxiv.BIORXIV, biorxiv.MEDRXIV):
        listed = biorxiv.fetch_preprint(server.name, doi).parsed.papers
        if listed:
            return max((paper.record for paper in listed), key=lambda record: record.version)
    return None


LOOKUP = PaperLookup(lambda identifier: RXIV_DOI.fullmatch(identifier) is not None, look_up, MAX_PAPERS)

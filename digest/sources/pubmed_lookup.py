"""Looks up articles of PubMed by their PMIDs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digest.papers import Record
from digest.sources import http, pubmed_search
from digest.sources.pubmed_articles import parse_articles
from digest.sources.source import PaperLookup

PREFIX = "PMID:"
_BATCH = 100  # articles of one answer, some 1 MB
_PMID = re.compile(rf"{PREFIX}[1-9]\d{{0,8}}", re.ASCII)


def look_up(identifiers: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, Record]]]:
    """The articles that exist, by identifier (`PMID:12345678`), batch by batch. Raises SourceDown."""
    for start in range(0, len(identifiers), _BATCH):
        batch = identifiers[start : start + _BATCH]
        yield batch, _look_up_batch(batch)


def _look_up_batch(identifiers: Sequence[str]) -> dict[str, Record]:
    """The articles of the answer, which leaves out those that do not exist."""
    pmids = ",".join(identifier.removeprefix(PREFIX) for identifier in identifiers)
    request = pubmed_search.request("efetch", {"id": pmids, "retmode": "xml"})
    page = http.fetch(request, parse_articles, is_complete=lambda page: not page.parsed.is_cut)
    records = {f"{PREFIX}{listed.record.pmid}": listed.record for listed in page.parsed.papers if listed.record.title}
    return {identifier: records[identifier] for identifier in identifiers if identifier in records}


LOOKUP = PaperLookup(lambda identifier: _PMID.fullmatch(identifier) is not None, look_up)

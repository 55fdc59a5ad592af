"""Looks up papers of arXiv by their ids, with its API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digest.papers import Record
from digest.sources import arxiv, arxiv_api, http
from digest.sources.source import PaperLookup

_BATCH = 100  # ids of one request
_ARXIV_ID = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Za-z]{2})?/\d{7}", re.ASCII)


def look_up(arxiv_ids: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, Record]]]:
    """The papers that exist, by id, batch by batch. Raises SourceDown."""
    for start in range(0, len(arxiv_ids), _BATCH):
        batch = arxiv_ids[start : start + _BATCH]
        yield batch, _look_up_batch(batch)


def _look_up_batch(arxiv_ids: Sequence[str]) -> dict[str, Record]:
    """The papers of the answer, which leaves out ids that do not exist."""
    parameters = (("id_list", ",".join(arxiv_ids)), ("max_results", str(len(arxiv_ids))))
    request = http.SourceRequest(arxiv.API_URL.value(), arxiv.PACING, parameters)
    page = http.fetch(request, arxiv_api.parse)
    records = {listed.record.arxiv_id: listed.record for listed in page.parsed.papers}
    return {arxiv_id: records[arxiv_id] for arxiv_id in arxiv_ids if arxiv_id in records}


LOOKUP = PaperLookup(lambda identifier: _ARXIV_ID.fullmatch(identifier) is not None, look_up)

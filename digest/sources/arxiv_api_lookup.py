"""Looks up papers of arXiv by their ids, with its API."""

from __future__ import annotations

from collections.abc import Sequence

from digest.papers import Record
from digest.sources import arxiv, arxiv_api, http

_BATCH = 100  # ids of one request


def look_up(arxiv_ids: Sequence[str]) -> dict[str, Record]:
    """The papers that exist, by id. Raises SourceDown."""
    records: dict[str, Record] = {}
    for start in range(0, len(arxiv_ids), _BATCH):
        records |= _look_up_batch(arxiv_ids[start : start + _BATCH])
    return records


def _look_up_batch(arxiv_ids: Sequence[str]) -> dict[str, Record]:
    """The papers of the answer, which leaves out ids that do not exist."""
    parameters = (("id_list", ",".join(arxiv_ids)), ("max_results", str(len(arxiv_ids))))
    request = http.SourceRequest(arxiv.API_URL.value(), arxiv.PACING, parameters)
    page = http.fetch(request, arxiv_api.parse)
    found = {listed.record.arxiv_id: listed.record for listed in page.parsed.papers}
    return {arxiv_id: found[arxiv_id] for arxiv_id in arxiv_ids if arxiv_id in found}

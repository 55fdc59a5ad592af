"""Looks up single papers by identifier: arXiv ids at arXiv's API, DOIs at OpenAlex; each politely, in batches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from digest.papers import Record
from digest.sources import arxiv, arxiv_api, http, json_items, openalex
from digest.text.plain_text import one_line

MAX_LOOKED_UP = 200  # identifiers of one import
_ARXIV_BATCH = 100
_MAX_WORDS = 2000  # of an abstract
_ARXIV_ID = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Za-z]{2})?/\d{7}")
_DOI = re.compile(r"10\.\d{4,9}/[^\s|,]+")  # the others can't stand in OpenAlex's filter
_DOI_ADDRESS = "https://doi.org/"
_WORK_FIELDS = "doi,display_name,abstract_inverted_index"


def is_lookable(identifier: str) -> bool:
    """True for an arXiv id, or a DOI in lower case."""
    return bool(_ARXIV_ID.fullmatch(identifier) or _DOI.fullmatch(identifier))


def look_up(identifiers: Iterable[str]) -> dict[str, Record]:
    """The records of those that the sources know, with title and mostly abstract. Raises SourceDown."""
    distinct = list(dict.fromkeys(identifiers))
    arxiv_ids = [identifier for identifier in distinct if _ARXIV_ID.fullmatch(identifier)]
    dois = [identifier for identifier in distinct if _DOI.fullmatch(identifier)]
    records: dict[str, Record] = {}
    for start in range(0, len(arxiv_ids), _ARXIV_BATCH):
        records |= _from_arxiv(arxiv_ids[start : start + _ARXIV_BATCH])
    for start in range(0, len(dois), openalex.MAX_BATCH):
        records |= _from_openalex(dois[start : start + openalex.MAX_BATCH])
    return records


def _from_arxiv(arxiv_ids: Sequence[str]) -> dict[str, Record]:
    """The papers that arXiv's answer has; it leaves out ids that do not exist."""
    parameters = (("id_list", ",".join(arxiv_ids)), ("max_results", str(len(arxiv_ids))))
    request = http.SourceRequest(arxiv.API_URL.value(), arxiv.PACING, parameters)
    page = http.fetch(request, arxiv_api.parse)
    found = {listed.record.arxiv_id: listed.record for listed in page.parsed.papers}
    return {arxiv_id: found[arxiv_id] for arxiv_id in arxiv_ids if arxiv_id in found}


def _from_openalex(dois: Sequence[str]) -> dict[str, Record]:
    addresses = "|".join(f"{_DOI_ADDRESS}{doi}" for doi in dois)
    return http.fetch(openalex.work_request(f"doi:{addresses}", _WORK_FIELDS), _read_works)


def _read_works(data: bytes) -> dict[str, Record]:
    """The works of an answer by DOI; those without a title are left out."""
    records: dict[str, Record] = {}
    for work in json_items.read_items(data, "results").values:
        if isinstance(work, dict):
            doi = str(work.get("doi") or "").lower().removeprefix(_DOI_ADDRESS)
            title = one_line(str(work.get("display_name") or ""))
            if doi and title:
                records[doi] = Record(title, _abstract(work.get("abstract_inverted_index")), doi=doi)
    return records


def _abstract(positions_by_word: Any) -> str:
    """The text of OpenAlex's inverted index: words with their positions; '' for none."""
    if not isinstance(positions_by_word, dict):
        return ""
    placed = [
        (position, str(word))
        for word, positions in positions_by_word.items()
        for position in (positions if isinstance(positions, list) else ())
        if isinstance(position, int)
    ]
    return one_line(" ".join(word for _, word in sorted(placed)[:_MAX_WORDS]))

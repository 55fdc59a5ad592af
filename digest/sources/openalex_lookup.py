"""Looks up works of OpenAlex by their DOIs, with title and abstract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from digest.papers import Record
from digest.sources import http, json_items, openalex
from digest.sources.source import PaperLookup
from digest.text.markup import text_of_markup
from digest.text.plain_text import one_line

_MAX_WORDS = 2000  # of an abstract
_DOI_ADDRESS = "https://doi.org/"
_DOI = re.compile(r"10\.\d{4,9}/[^\s|,]+")  # others can't stand in the filter of a request
_WORK_FIELDS = "doi,display_name,abstract_inverted_index"


def look_up(dois: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, Record]]]:
    """The works that are known, by DOI in lower case, batch by batch. Raises SourceDown."""
    for start in range(0, len(dois), openalex.MAX_BATCH):
        batch = dois[start : start + openalex.MAX_BATCH]
        yield batch, _look_up_batch(batch)


def _look_up_batch(dois: Sequence[str]) -> dict[str, Record]:
    addresses = "|".join(f"{_DOI_ADDRESS}{doi}" for doi in dois)
    return http.fetch(openalex.work_request(f"doi:{addresses}", _WORK_FIELDS), _read_works)


def _read_works(data: bytes) -> dict[str, Record]:
    """The works of an answer by DOI; those without a title are left out."""
    records: dict[str, Record] = {}
    for work in json_items.read_items(data, "results").values:
        if isinstance(work, dict):
            doi = str(work.get("doi") or "").lower().removeprefix(_DOI_ADDRESS)
            title = text_of_markup(str(work.get("display_name") or ""))
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


LOOKUP = PaperLookup(lambda identifier: _DOI.fullmatch(identifier) is not None, look_up)

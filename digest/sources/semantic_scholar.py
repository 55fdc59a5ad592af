"""Semantic Scholar: citations of stored papers and their authors' figures, up to 500 at once. The parser is pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from digest.errors import BadInput
from digest.papers import AuthorFigures, AuthorId, AuthorProfile, ListedPaper, ParsedDocument, Record, RejectedItem
from digest.settings import TextSetting
from digest.sources import http, identifiers, json_items
from digest.sources.citation_count_candidates import uncounted_papers
from digest.sources.item_conversion import item_reason
from digest.sources.record_limits import require_count, require_within_limits
from digest.sources.request_turns import Pacing
from digest.sources.source import CurrentFetch, FetchedDocument, FetchResult, Source, each_file
from digest.text.person_references import SEMANTIC_SCHOLAR, is_person_id
from digest.text.plain_text import one_line

MAX_BATCH = 500
MAX_NAME = 200
_NAME = "semantic-scholar"
PACING = Pacing(_NAME, pause=1.1)
_URL = TextSetting("semantic_scholar_url", "https://api.semanticscholar.org")
_KEY = TextSetting("semantic_scholar_key", "", secret=True)
_FIELDS = "externalIds,citationCount,authors.name,authors.hIndex,authors.paperCount,authors.citationCount,tldr"
_FIGURES = (("h_index", "hIndex"), ("papers", "paperCount"), ("citations", "citationCount"))
MAX_AUTHORS = 30  # of a paper: large collaborations say little about each author


def parse(data: bytes, ids: Sequence[str] = ()) -> ParsedDocument:
    """Parse one batch: a row for each requested arXiv id, in order, null where Semantic Scholar does not know it.

    Without `ids` the rows' external ids identify the papers. Raises BadInput for no list or a wrong length.
    """
    items = json_items.read_items(data)
    if items.is_recovered:
        ids = ()  # positions in a damaged list are unknown
    if ids and len(items.values) != len(ids):
        raise BadInput(f"{len(items.values)} papers came for {len(ids)} requested")
    listed_papers, rejected, authors_of_batch = [], [], []
    for index, row in enumerate(items.values):
        if isinstance(row, RejectedItem):
            rejected.append(row)
        elif row is not None:
            try:
                listed, authors = _convert_row(row, ids[index] if ids else None), _author_profiles(row)
            except (ValueError, TypeError, AttributeError) as error:
                rejected.append(RejectedItem(index + 1, item_reason(error), json.dumps(row)[:120]))
            else:
                listed_papers.append(listed)
                authors_of_batch += authors
    return ParsedDocument(tuple(listed_papers), tuple(rejected), authors=tuple(authors_of_batch), is_cut=items.is_cut)


def fetch(ids: Sequence[str]) -> ParsedDocument:
    """Citations of these papers, at most 500, and their authors' figures."""
    key = _KEY.value()
    request = http.SourceRequest(
        f"{_URL.value().rstrip('/')}/graph/v1/paper/batch",
        PACING,
        (("fields", _FIELDS),),
        (("x-api-key", key),) if key else (),
        json.dumps({"ids": [f"ARXIV:{arxiv_id}" for arxiv_id in ids]}).encode(),
    )
    return http.fetch(request, partial(parse, ids=ids), is_complete=lambda parsed: not parsed.is_cut)


def _convert_row(row: Any, arxiv_id: str | None) -> ListedPaper:
    """A row's counters; the record only names the paper. Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError("expected an object")
    external_ids = row.get("externalIds") or {}
    if not isinstance(external_ids, dict):
        raise ValueError("externalIds: expected an object")
    printed_id, doi = external_ids.get("ArXiv"), external_ids.get("DOI")
    arxiv_id = arxiv_id or (identifiers.parse_arxiv_id(str(printed_id))[0] if printed_id else None)
    if not arxiv_id and not doi:
        raise ValueError("externalIds: neither an arXiv id nor a DOI")
    count = require_count(row.get("citationCount"), "citationCount")
    signals = (("citations", float(count)),) if count is not None else ()
    record = Record("", arxiv_id=arxiv_id, doi=str(doi).lower() if doi else None)
    return ListedPaper(
        require_within_limits(record), signals=signals, summary=_summary(row), author_ids=_author_ids(row)
    )


def _author_ids(row: dict[str, Any]) -> tuple[AuthorId, ...]:
    """The authors' ids; none for a paper with more than MAX_AUTHORS authors. Raises ValueError."""
    return tuple(
        AuthorId(name, SEMANTIC_SCHOLAR, author_id)
        for author in _counted_authors(row)
        if 0 < len(name := one_line(str(author.get("name") or ""))) <= MAX_NAME
        and is_person_id(SEMANTIC_SCHOLAR, author_id := str(author.get("authorId") or ""))
    )


def _summary(row: dict[str, Any]) -> str:
    """The text of `tldr`; '' where there is none. Raises ValueError."""
    tldr = row.get("tldr") or {}
    text = tldr.get("text") if isinstance(tldr, dict) else tldr
    if text is not None and not isinstance(text, str):
        raise ValueError("tldr: expected an object with a text")
    return one_line(text or "")


def _author_profiles(row: dict[str, Any]) -> list[AuthorProfile]:
    """The authors that have figures; none for a paper with more than MAX_AUTHORS authors. Raises ValueError."""
    profiles = []
    for author in _counted_authors(row):
        name = one_line(str(author.get("name") or ""))
        figures = AuthorFigures(
            **{field: require_count(author.get(json_name), json_name) for field, json_name in _FIGURES}
        )
        if name and len(name) <= MAX_NAME and figures != AuthorFigures():
            profiles.append(AuthorProfile(name, figures, str(author.get("authorId") or "")))
    return profiles


def _counted_authors(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The authors, none where they are more than MAX_AUTHORS. Raises ValueError."""
    authors = row.get("authors") or []
    if not isinstance(authors, list) or not all(isinstance(author, dict) for author in authors):
        raise ValueError("authors: expected a list of objects")
    return authors if len(authors) <= MAX_AUTHORS else []


def _fetch_current() -> FetchResult:
    """Citations of recent papers that were not counted this week, and their authors' figures."""
    ids = uncounted_papers(_NAME)
    batches = (ids[start : start + MAX_BATCH] for start in range(0, len(ids), MAX_BATCH))
    return FetchResult(FetchedDocument("citations", fetch(batch)) for batch in batches)


SOURCE = Source(
    summary_origin="Semantic Scholar",
    name=_NAME,
    parser=each_file(parse),
    pacing=PACING,
    settings=(_URL, _KEY),
    current=(CurrentFetch(_NAME, _fetch_current),),
)

"""A search and its results as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from digest.services.catalog.page_schemas import PaperRow

NEWEST, BEST = "newest", "best"
ORDERS = (NEWEST, BEST)
PERIODS = (7, 30, 365)  # days; older papers are the last period


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for. `text`: in the query language of topics; `cursor`: from the page before, '' for the first.

    `limit`: results of a page (`RESULTS_PER_PAGE` in `paper_search.py`, `RESULTS_PER_ANSWER` of the API).
    """

    text: str
    order: str = NEWEST
    category: str = ""
    source: str = ""
    code: bool = False
    first: date | None = None
    last: date | None = None
    cursor: str = ""
    limit: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A paper that a search finds. `strict`: as a topic matches as written; else it has the words, but apart."""

    row: PaperRow
    strict: bool
    score: int
    day: date | None = None


@dataclass(frozen=True, slots=True)
class SearchFacets:
    """How many of the papers found have each value: (value, papers), most first.

    `periods`: papers of the last 7, 30 and 365 days, each without those of the shorter period, and older ones.
    """

    categories: tuple[tuple[str, int], ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    code: int = 0
    periods: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of results. `total`: papers found; with `is_exact` counted, else estimated by the index.

    `is_minimum`: there are more, and `facets` are of the newest alone. `is_ranked_in_part`: the best of the newest
    papers only. `cursor`: of the next page, '' for none. `words`: to highlight. `is_indexing`: older papers are still
    missing.
    """

    hits: tuple[SearchHit, ...] = ()
    total: int = 0
    is_exact: bool = True
    is_minimum: bool = False
    is_ranked_in_part: bool = False
    facets: SearchFacets = SearchFacets()
    cursor: str = ""
    words: tuple[str, ...] = ()
    suggestion: str = ""
    is_indexing: bool = False

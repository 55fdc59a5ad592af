"""PubMed: articles entered on a date that match a query or are in chosen journals, by the E-utilities.

A day is searched with the history server and retrieved in pages. A search that the server has forgotten meanwhile is
repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, timedelta

from digest import clock
from digest.errors import BadInput, SourceDown
from digest.papers import ParsedDocument
from digest.sources import http, pubmed_search
from digest.sources.pubmed_articles import ArticlePage, HistoryExpired, parse_articles, retractions_only
from digest.sources.pubmed_search import SearchHistory
from digest.sources.source import PARTIAL, CurrentFetch, DayMark, FetchedDocument, FetchResult, Source, each_file

PAGE_SIZE = 200  # articles of one answer, some 2 MB
INTERVAL = timedelta(hours=6)  # between two fetches
RESTARTS = 3  # of a search that the server has forgotten
FRESH_FOR = timedelta(days=7)  # articles entered this long before they were first seen are new on that day
FINAL_AFTER = timedelta(days=2)  # then a day is final
INCOMPLETE_UNTIL = timedelta(days=4)  # results that never arrive are an error of the API
CHANGED_WITHIN = timedelta(days=3)
_RETRACTED = "retracted publication[pt]"
_DATE_OF_ENTRY, _DATE_OF_CHANGE = "edat", "mdat"


@dataclass(slots=True)
class _Retrieval:
    """The articles retrieved of some searches. `total`: how many results these have."""

    pages: list[ArticlePage] = field(default_factory=list)
    pmids: set[str] = field(default_factory=set)
    total: int = 0

    def add(self, page: ArticlePage) -> None:
        self.pages.append(page)
        self.pmids |= page.pmids

    @property
    def rows(self) -> int:
        return sum(page.rows for page in self.pages)

    @property
    def is_incomplete(self) -> bool:
        return len(self.pmids) < self.total or any(page.parsed.is_cut for page in self.pages)

    def parsed(self) -> ParsedDocument:
        return ParsedDocument(
            tuple(listed for page in self.pages for listed in page.parsed.papers),
            tuple(rejected for page in self.pages for rejected in page.parsed.rejected),
        )


def _retrieve(retrieval: _Retrieval, term: str, first: date, last: date, date_type: str) -> None:
    """Retrieve all results of a search into `retrieval`, which has the pages before a failure. Raises SourceDown."""
    for part, history in pubmed_search.search_parts(term, first, last, date_type=date_type):
        retrieval.total += history.count
        for attempt in range(RESTARTS + 1):
            try:
                _retrieve_part(retrieval, history)
                break
            except HistoryExpired:
                if attempt == RESTARTS:
                    raise
                history = pubmed_search.search(part, first, last, date_type=date_type)  # noqa: PLW2901


def _retrieve_part(retrieval: _Retrieval, history: SearchHistory) -> None:
    """Retrieve the results that the server remembers, page by page. Raises SourceDown, HistoryExpired."""
    previous_pmids: set[str] = set()
    for offset in range(0, history.count, PAGE_SIZE):
        page = _fetch_page(history, offset)
        if page.pmids and page.pmids <= previous_pmids:
            raise SourceDown("the API repeats a page", retryable=False)
        previous_pmids |= page.pmids
        if not page.pmids <= retrieval.pmids:
            retrieval.add(page)
        if not page.rows:
            return


def _fetch_page(history: SearchHistory, offset: int) -> ArticlePage:
    parameters = {
        "WebEnv": history.web_env,
        "query_key": history.query_key,
        "retstart": str(offset),
        "retmax": str(PAGE_SIZE),
        "retmode": "xml",
    }
    request = pubmed_search.request("efetch", parameters)
    return http.fetch(request, parse_articles, is_complete=lambda page: not page.parsed.is_cut)


def _fetch_day(day: date) -> FetchResult:
    """The articles entered on one date. Where a later page fails, those before it are stored and the day stays open.

    It also stays open for some days where fewer articles arrived than the search has results.
    """
    retrieval = _Retrieval()
    failure: SourceDown | None = None
    try:
        _retrieve(retrieval, pubmed_search.configured_term(), day, day, _DATE_OF_ENTRY)
    except SourceDown as error:
        failure = error
    age = clock.now().astimezone(UTC).date() - day
    incomplete = retrieval.is_incomplete and age < INCOMPLETE_UNTIL
    parsed = retrieval.parsed()
    is_complete = failure is None and not incomplete
    mark = DayMark(day, len(parsed.papers), final=age >= FINAL_AFTER) if is_complete else None
    document = FetchedDocument(f"PubMed of {day}", parsed, current_on=day, mark=mark)
    detail = f"{len(retrieval.pmids)} of {retrieval.total} articles of {day} arrived" if incomplete else ""
    return FetchResult((document,), PARTIAL if incomplete else "", detail, failure)


def _fetch_retractions() -> FetchResult:
    """The papers that were marked as retracted in the last days; adds no papers."""
    today = clock.now().astimezone(UTC).date()
    retrieval = _Retrieval()
    term = f"({pubmed_search.configured_term()} AND {_RETRACTED})"
    _retrieve(retrieval, term, today - CHANGED_WITHIN, today, _DATE_OF_CHANGE)
    return FetchResult((FetchedDocument("retractions", retractions_only(retrieval.parsed())),))


def _parse_saved(data: bytes) -> ParsedDocument:
    try:
        return parse_articles(data).parsed
    except SourceDown as error:
        raise BadInput(str(error)) from error


SOURCE = Source(
    name="pubmed",
    parser=each_file(_parse_saved),
    pacing=pubmed_search.PACING,
    settings=(pubmed_search.URL, pubmed_search.QUERY, pubmed_search.JOURNALS, pubmed_search.API_KEY),
    fetch_day=_fetch_day,
    current=(CurrentFetch("retractions", _fetch_retractions),),
    interval=INTERVAL,
    fresh_for=FRESH_FOR,
    outlet="PubMed",
)

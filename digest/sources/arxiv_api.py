"""arXiv's query API (Atom): papers submitted between two instants, page by page. The parser is pure.

The index lags: a page may be short or empty and complete a moment later. A page shorter than the promised total is
requested again; papers still missing after that are an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from xml.etree.ElementTree import Element

from digest import clock, papers, settings
from digest.errors import BadInput, SourceDown
from digest.papers import ListedPaper, ParsedDocument, Record, RejectedItem
from digest.papers.outlets import ARXIV
from digest.sources import arxiv, arxiv_calendar, dates, http, identifiers, xml
from digest.sources.record_limits import require_within_limits
from digest.sources.source import LATE, DayMark, FetchedDocument, FetchResult, Source, each_file

PAGE_SIZE = 1000  # papers of one request; the API allows 2000, but large slices time out
MAX_RESULTS = 30_000  # results that the API returns for one query
TRIES = 4
_HELD_PAPERS_LOOK_BACK = timedelta(days=7)  # papers that arXiv's moderators held

_NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
    "opensearch": "http://a9.com/-/spec/opensearch/1.1/",
}


_XML_FORM = xml.xml_form(
    ("entry",),
    {"feed": ""},
    (("totalResults", _NS["opensearch"]),),
    {"": _NS["atom"], **{prefix: _NS[prefix] for prefix in ("arxiv", "opensearch")}},
)


@dataclass(frozen=True, slots=True)
class ApiPage:
    """One slice. `entries`: its number of entries, with refused ones; `total`: the number of results of the query.

    `total` is None where a damaged answer lacks it. `cut`: where it breaks off; a truncated entry is not counted.
    """

    parsed: ParsedDocument
    entries: int
    total: int | None
    cut: RejectedItem | None = None


def parse(data: bytes) -> ApiPage:
    """Parse one answer. Raises BadInput for anything else, SourceDown for an error of the API, with its reason."""
    document = xml.read(data, _XML_FORM)
    feed = document.head
    if feed.tag != f"{{{_NS['atom']}}}feed":
        raise BadInput("not an answer of the API: expected an Atom <feed>")
    listed, rejected = [], []
    for position, entry in enumerate(document.items, start=1):
        if isinstance(entry, RejectedItem):
            rejected.append(entry)
            continue
        title = xml.text(entry, "atom:title", _NS)
        if title == "Error" and "/api/errors" in xml.text(entry, "atom:id", _NS):
            raise SourceDown(f"arXiv refused the query: {xml.text(entry, 'atom:summary', _NS)[:120]}", retryable=False)
        try:
            listed.append(_convert_entry(entry, title))
        except ValueError as error:
            rejected.append(RejectedItem(position, str(error), title[:120]))
    entries = len(document.items)
    total_text = xml.text(feed, "opensearch:totalResults", _NS)
    damaged = document.truncation is not None or any(isinstance(entry, RejectedItem) for entry in document.items)
    total = (
        int(total_text)
        if total_text.isascii() and total_text.isdigit() and len(total_text) < 10
        else None
        if damaged
        else entries
    )
    return ApiPage(
        ParsedDocument(tuple(listed), tuple(rejected), is_cut=document.truncation is not None),
        entries,
        total,
        document.truncation,
    )


def parse_saved(data: bytes) -> ParsedDocument:
    """Parse a saved answer; a truncation counts as one more refused piece."""
    page = parse(data)
    return replace(page.parsed, rejected=(*page.parsed.rejected, page.cut)) if page.cut else page.parsed


def fetch(categories: Sequence[str], first: datetime, last: datetime) -> Iterator[ApiPage]:
    """Pages of the papers of these categories first submitted between two instants, oldest first.

    A truncated page is used as far as it goes, and the next request continues after it. Raises SourceDown where the
    API returns fewer papers than it promised.
    """
    received, total = 0, 1
    while received < total:
        page = _fetch_page(categories, first, last, received)
        total = max(total, received + page.entries + 1) if page.total is None else page.total
        if total > MAX_RESULTS:
            raise SourceDown(
                f"{total} papers in one query; the API returns {MAX_RESULTS}: request fewer days", retryable=False
            )
        if page.entries:
            yield page
        elif received < total:
            raise SourceDown(f"arXiv gave {received} of {total} papers and then none", retryable=False)
        received += page.entries


def _fetch_page(categories: Sequence[str], first: datetime, last: datetime, start: int) -> ApiPage:
    """One page, requested again while it is shorter than promised. Returns the longest answer."""
    request = _request(categories, first, last, start)
    best = http.fetch(request, parse)
    for _ in range(TRIES - 1):
        if best.total is not None and best.entries and best.entries >= min(PAGE_SIZE, best.total - start):
            break
        page = http.fetch(request, parse)
        best = max(best, page, key=lambda p: (p.entries, p.total or 0))
    return best


def _request(categories: Sequence[str], first: datetime, last: datetime, start: int) -> http.SourceRequest:
    query = " OR ".join(f"cat:{name}" for name in categories)
    submitted = f"submittedDate:[{first.astimezone(UTC):%Y%m%d%H%M} TO {last.astimezone(UTC):%Y%m%d%H%M}]"
    return http.SourceRequest(
        arxiv.API_URL.value(),
        arxiv.PACING,
        (
            ("search_query", f"({query}) AND {submitted}" if query else submitted),
            ("sortBy", "submittedDate"),
            ("sortOrder", "ascending"),
            ("start", str(start)),
            ("max_results", str(PAGE_SIZE)),
        ),
    )


def _convert_entry(entry: Element, title: str) -> ListedPaper:
    """Convert one entry. Raises ValueError naming what is missing."""
    arxiv_id, version = identifiers.parse_arxiv_id(xml.text(entry, "atom:id", _NS).partition("/abs/")[2])
    if not title:
        raise ValueError("no title")
    abstract = xml.text(entry, "atom:summary", _NS)
    comment = xml.text(entry, "arxiv:comment", _NS) or None
    terms = [element.get("term", "") for element in entry.iterfind("atom:category", _NS)]
    primary = entry.find("arxiv:primary_category", _NS)
    categories = [primary.get("term", "") if primary is not None else "", *terms]
    names = [xml.text(author, "atom:name", _NS) for author in entry.iterfind("atom:author", _NS)]
    record = Record(
        title=title,
        abstract=abstract,
        authors=tuple(name for name in names if any(map(str.isalpha, name))),  # `:` stands behind collaborations
        arxiv_id=arxiv_id,
        version=version or 1,
        doi=xml.text(entry, "arxiv:doi", _NS).lower() or None,
        categories=tuple(dict.fromkeys(c for c in categories if c)),
        comment=comment,
        venue=xml.text(entry, "arxiv:journal_ref", _NS) or papers.venue(comment),
        code_url=papers.code_address(comment, abstract),
        published=_submitted_at(entry).date(),
        withdrawn=papers.is_withdrawn(comment, abstract),
    )
    return ListedPaper(require_within_limits(record), announce_type="new")


def _submitted_at(entry: Element) -> datetime:
    """When the first version was submitted. Raises ValueError."""
    return dates.parse_instant("published", xml.text(entry, "atom:published", _NS))


def _fetch_day(day: date) -> FetchResult:
    """The papers of one announcement: those submitted before its cut-off and after the one before.

    And held ones: submitted for an earlier announcement that is stored, but not in the database. Where a later page
    fails, the pages before it are stored and the day stays open.
    """
    closed = settings.get().closed_evenings
    first, last = arxiv_calendar.submissions(day, closed)
    since = max(arxiv.oldest_complete_since(day), day - _HELD_PAPERS_LOOK_BACK)
    held_from, _ = arxiv_calendar.submissions(since, closed)
    listed: list[ListedPaper] = []
    rejected: list[RejectedItem] = []
    failure: SourceDown | None = None
    try:
        for page in fetch(settings.get().arxiv_categories, min(held_from, first), last):
            listed += page.parsed.papers
            rejected += page.parsed.rejected
    except SourceDown as error:
        failure = error
    # Some papers of the first date belong to the announcement before: they don't show that this one is there.
    own_count = sum(item.record.published is None or item.record.published > first.date() for item in listed)
    is_over = clock.now() > arxiv_calendar.mailed_at(arxiv_calendar.following(day, closed))
    complete = failure is None and (own_count > 0 or is_over)
    mark = DayMark(day, own_count, final=is_over) if complete else None
    documents = (FetchedDocument(f"query for {day}", ParsedDocument(tuple(listed), tuple(rejected)), day, mark=mark),)
    incomplete = failure is None and not complete
    return FetchResult(documents, LATE if incomplete else "", f"{day} is not there yet" if incomplete else "", failure)


SOURCE = Source(
    name=arxiv.API,
    parser=each_file(parse_saved),
    pacing=arxiv.PACING,
    settings=(arxiv.API_URL,),
    fetch_day=_fetch_day,
    days=arxiv.ANNOUNCEMENTS.between,
    next_fetch=arxiv.next_harvest,
    calendar=arxiv.ANNOUNCEMENTS,
    outlet=ARXIV,
    only_missing_days=True,
)

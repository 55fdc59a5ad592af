"""arXiv's new-listing feeds, RSS 2.0 and Atom. The parser is pure and refuses single malformed entries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element

from digest import clock, papers, settings
from digest.db.core.engine import reading
from digest.db.papers import source_days
from digest.errors import BadInput, SourceDown
from digest.papers import ListedPaper, ParsedDocument, Record, RejectedItem
from digest.papers.outlets import ARXIV
from digest.sources import arxiv, arxiv_calendar, dates, http, identifiers, xml
from digest.sources.arxiv_feed_freshness import ANNOUNCED, assess_feed
from digest.sources.author_line import authors_of
from digest.sources.item_conversion import convert_items
from digest.sources.record_limits import require_within_limits
from digest.sources.source import A_DAY, CurrentFetch, DayMark, FetchedDocument, FetchResult, Source, each_file

MAX_ITEMS = 2000  # the server truncates the end: replace-cross, replace, cross, new

_NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_XML_FORM = xml.xml_form(
    ("item", "entry"),
    {"rss": "channel", "feed": ""},
    (("title", ""), ("pubDate", ""), ("updated", "")),
    {"": _NS["atom"], **{prefix: _NS[prefix] for prefix in ("arxiv", "dc")}},
)
_OAI = "oai:arXiv.org:"
_LEAD = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*[\w-]+\s*(?:Abstract:)?\s*", re.IGNORECASE)
_TYPES = {"new", "cross", "replace", "replace-cross"}


def parse(data: bytes) -> ParsedDocument:
    """Parse one feed: its papers and its date in New York.

    Raises BadInput where it is not a feed or too large, SourceDown for arXiv's error feed.
    """
    document = xml.read(data, _XML_FORM)
    root = document.head
    channel = root.find("channel") if root.tag == "rss" else root
    if channel is None or root.tag not in {"rss", f"{{{_NS['atom']}}}feed"}:
        raise BadInput("not a feed: expected <rss> or an Atom <feed>")
    title = _text(channel, "title") or _text(channel, "atom:title")
    if title.startswith("Feed error for query:"):
        raise SourceDown(f"arXiv answered with an error feed: {title[:120]}")
    listed, rejected = convert_items(
        document.items, _convert_entry, lambda item: _text(item, "title") or _text(item, "atom:title")
    )
    cut = (document.truncation,) if document.truncation else ()
    return ParsedDocument(tuple(listed), (*rejected, *cut), _feed_date(document), is_cut=bool(cut))


def fetch(categories: Sequence[str]) -> ParsedDocument:
    """The current announcement of all these categories.

    One request, because an entry's announce type depends on the set of categories.
    """
    query = "+".join(categories)
    request = http.SourceRequest(f"{arxiv.RSS_URL.value().rstrip('/')}/rss/{query}", arxiv.PACING)
    return http.fetch(request, parse, is_complete=lambda parsed: not parsed.is_cut)


def _text(element: Element, path: str) -> str:
    return (element.findtext(path, "", _NS) or "").strip()


def _feed_date(document: xml.XmlDocument) -> date | None:
    """The feed's date, None where it has no readable one.

    Items carry midnight in New York; an Atom feed without items has only its creation time.
    """
    channel = document.head.find("channel") if document.head.tag == "rss" else document.head
    first_item = next((item for item in document.items if not isinstance(item, RejectedItem)), None)
    published = _text(channel, "pubDate") if channel is not None else ""
    first_published = _text(first_item, "atom:published") if first_item is not None else ""
    try:
        if published:
            timestamp = parsedate_to_datetime(published)
        else:
            timestamp = datetime.fromisoformat(first_published or _text(document.head, "atom:updated"))
        return dates.require_plausible("date", timestamp.astimezone(clock.ARXIV_ZONE).date())
    except (ValueError, TypeError, OverflowError):
        return None


def _convert_entry(item: Element) -> ListedPaper:
    """Convert one entry. Raises ValueError naming what is missing."""
    guid = _text(item, "guid") or _text(item, "atom:id")
    if not guid.startswith(_OAI):
        raise ValueError("no arXiv identifier")
    arxiv_id, version = identifiers.parse_arxiv_id(guid.removeprefix(_OAI))
    title = " ".join((_text(item, "title") or _text(item, "atom:title")).split())
    if not title:
        raise ValueError("no title")
    announce_type = _text(item, "arxiv:announce_type") or "new"
    if announce_type not in _TYPES:
        raise ValueError(f"unknown announce type {announce_type[:30]!r}")
    abstract = " ".join(_LEAD.sub("", _text(item, "description") or _text(item, "atom:summary")).split())
    terms = [e.get("term", "") for e in item.iterfind("atom:category", _NS)]
    categories = [(e.text or "").strip() for e in item.iterfind("category")] or terms
    authors = authors_of(_text(item, "dc:creator"))
    record = Record(
        title=title,
        abstract=abstract,
        authors=authors.names,
        authors_complete=authors.complete,
        arxiv_id=arxiv_id,
        version=version or 1,
        doi=_text(item, "arxiv:DOI") or None,
        venue=_text(item, "arxiv:journal_reference") or None,
        categories=tuple(dict.fromkeys(c for c in categories if c)),
        withdrawn=papers.is_withdrawn(None, abstract),
    )
    return ListedPaper(require_within_limits(record), announce_type=announce_type)


def _fetch_current() -> FetchResult:
    """The current announcement, unless the feed is stale or incomplete."""
    closed, now = settings.get().closed_evenings, clock.now()
    parsed = fetch(settings.get().arxiv_categories)
    due = arxiv_calendar.newest(now, arxiv_calendar.feed_at, closed)
    arxiv_ids = [p.record.arxiv_id for p in parsed.papers if p.record.arxiv_id and p.announce_type in ANNOUNCED]
    latest = max(due, parsed.announced or due)
    earliest = min(due, parsed.announced or due) - 7 * A_DAY
    with reading() as session:
        stored_papers = source_days.announcements_by_arxiv_id(session, arxiv_ids)
        stored_days = source_days.stored_days(session, arxiv.SOURCES, earliest, latest).keys()
    verdict = assess_feed(parsed, stored_papers, stored_days, due, closed, max_items=MAX_ITEMS)
    documents: tuple[FetchedDocument, ...] = ()
    if verdict.day is not None:
        mark = DayMark(verdict.day, len(arxiv_ids)) if verdict.complete else None
        documents = (FetchedDocument(f"feed of {verdict.day}", parsed, verdict.day, mark=mark),)
    elif parsed.rejected:
        documents = (
            FetchedDocument(f"feed of {parsed.announced or due}", ParsedDocument(rejected=parsed.rejected), due),
        )
    return FetchResult(documents, verdict.outcome, verdict.detail)


SOURCE = Source(
    name=arxiv.RSS,
    parser=each_file(parse),
    pacing=arxiv.PACING,
    settings=(arxiv.RSS_URL,),
    current=(CurrentFetch(arxiv.RSS, _fetch_current),),
    next_fetch=arxiv.next_feed,
    calendar=arxiv.ANNOUNCEMENTS,
    outlet=ARXIV,
    enabled_by_default=True,
)

"""bioRxiv and medRxiv: preprints posted on a date, and journals of published ones, by their API. The parser is pure.

The API reports errors as a status text under HTTP 200, and sometimes an empty body. Neither means that nothing is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import partial
from html import unescape
from html.entities import html5
from typing import Any
from urllib.parse import quote

from digest import clock, papers
from digest.errors import BadInput, SourceDown
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.papers.subjects import subject_code
from digest.settings import TextSetting
from digest.sources import dates, http, json_items
from digest.sources.author_line import authors_of
from digest.sources.decoding import decode
from digest.sources.item_conversion import JSON_ERRORS, convert_items, json_excerpt
from digest.sources.record_limits import require_within_limits
from digest.sources.request_turns import Pacing
from digest.sources.source import PARTIAL, CurrentFetch, DayMark, FetchedDocument, FetchResult, Source, each_file
from digest.text.plain_text import one_line

PACING = Pacing("biorxiv", pause=1.0)  # there is no published limit; both servers are on one host
MAX_PAGES = 200
INTERVAL = timedelta(hours=6)  # between two fetches of a server
FINAL_AFTER = timedelta(days=2)  # then a day is final: preprints are dated before they appear
FRESH_FOR = timedelta(days=7)  # preprints posted this long before they were first seen are new on that day
INCOMPLETE_UNTIL = timedelta(days=4)  # a total that the pages never reach is an error of the API
_URL = TextSetting("biorxiv_url", "https://api.biorxiv.org")
_EMPTY_STATUSES = ("no posts found", "no articles found")
PUBLISHED_WITHIN = timedelta(days=3)
_DOI = re.compile(r"10\.\d{4,9}/\S{1,200}")
_TAGS = re.compile(r"</?(?:i|b|em|strong|su[bp]|u|sc|span|p|br|italic|bold)(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
# What is left of JATS markup in abstracts: O_ opens, C_ closes.
_LEADING_TITLE = re.compile(r"^\s*A?O_SCP(?:LOW|CAP)A?BSTRACTC_SCP(?:LOW|CAP)\s*")
_FIGURE = re.compile(r"O_FIG\b.{0,5000}?C_FIG\b", re.DOTALL)
_HEADINGS = re.compile(r"[OC]_ST_ABS|[OC]_(?:LI|[UO]L|QD|TEXTBOX)")
_SMALL_CAPS = re.compile(r"[OC]_SCP(?:LOW|CAP)")
_SCRIPTS = re.compile(r"\{(super|sub)script ([^{}]{1,100})\}")
# Line breaks that lost their backslash, and the headings behind them: `unclear.nnResultsHere, we`.
_LOST_BREAK = re.compile(
    r"(?<=[\w)\]%][.!?:])n{1,2}(?=[A-Z][a-z]|[A-Z]{2}|[OC]_)"
    r"(?:(?i:(Background|Methods?|Results?|Conclusions?|(?:One[ -]sentence )?Summary|Highlights?|"
    r"Significance(?: Statement)?|Key Messages?|Keywords|Abbreviations))(?=[A-Z]))?"
)
_NAMED_CHARACTER = re.compile(r"\{([A-Za-z]{2,12})\}")
_ENTITY_NAMES = {"degrees": "deg"}


@dataclass(frozen=True, slots=True)
class BiorxivPage:
    """One answer. `rows`: its number of rows, with refused ones; `total`: that of all pages, None where unknown."""

    parsed: ParsedDocument
    rows: int
    total: int | None


def parse(data: bytes) -> BiorxivPage:
    """Parse one answer. Raises BadInput for anything else, SourceDown for an error status of the API."""
    head = decode(data)[:4000]
    status = re.search(r'"status"\s*:\s*"([^"]{0,200})"', head)
    if status and status[1].startswith(_EMPTY_STATUSES):
        return BiorxivPage(ParsedDocument(), 0, None)
    if status and status[1] != "ok":
        raise SourceDown(f"the API answered: {one_line(status[1])[:120]}")
    items = json_items.read_items(data, "collection")
    if status is None or any(isinstance(row, dict) and "messages" in row for row in items.values):
        raise BadInput("expected `messages` and a `collection`")
    total = re.search(r'"total"\s*:\s*"?(\d{1,9})\b', head)
    listed, rejected = convert_items(items.values, _convert_row, json_excerpt, errors=JSON_ERRORS)
    parsed = ParsedDocument(tuple(listed), tuple(rejected), announced=_only_date(listed), is_cut=items.is_cut)
    return BiorxivPage(parsed, len(items.values), int(total[1]) if total else None)


def _convert_row(row: Any) -> ListedPaper:
    return _journal_version(row) if "preprint_doi" in row else _convert_preprint(row)


def fetch(resource: str, server: str, first: date, last: date) -> Iterator[BiorxivPage]:
    """All pages of some dates; `resource`: `details` (preprints) or `pubs` (journal versions). Raises SourceDown.

    The cursor is a row offset, because page sizes vary.
    """
    offset = 0
    previous_keys: set[tuple[str | None, int]] = set()
    for _ in range(MAX_PAGES):
        suffix = "/json" if resource == "details" else ""
        url = f"{_URL.value().rstrip('/')}/{resource}/{server}/{first}/{last}/{offset}{suffix}"
        page = http.fetch(http.SourceRequest(url, PACING), parse, is_complete=lambda page: not page.parsed.is_cut)
        keys = {(listed.record.doi, listed.record.version) for listed in page.parsed.papers}
        if keys and keys <= previous_keys:
            raise SourceDown("the API repeats a page", retryable=False)
        previous_keys |= keys
        yield page
        offset += page.rows
        if not page.rows or (page.total is not None and offset >= page.total):
            return
    raise SourceDown(f"more than {MAX_PAGES} pages", retryable=False)


def fetch_preprint(server: str, doi: str) -> BiorxivPage:
    """All versions of one preprint; none where that server does not have it. Raises SourceDown."""
    url = f"{_URL.value().rstrip('/')}/details/{server}/{quote(papers.without_version(doi), safe='/')}/na/json"
    return http.fetch(http.SourceRequest(url, PACING), parse)


def _only_date(listed: list[ListedPaper]) -> date | None:
    days = {item.record.published for item in listed if item.record.published}
    return days.pop() if len(days) == 1 else None


def _convert_preprint(row: Mapping[str, Any]) -> ListedPaper:
    """Convert one version of a preprint; only a first version is new. Raises ValueError naming the field."""
    doi = _text(row, "doi").lower()
    if not _DOI.fullmatch(doi):
        raise ValueError(f"doi: {doi[:40]!r} is not a DOI")
    title = _plain_text(_text(row, "title"))
    if not title:
        raise ValueError("title: missing")
    version = _text(row, "version")
    if not (version.isascii() and version.isdigit() and 0 < int(version) < 10_000):
        raise ValueError(f"version: {version[:20]!r} is not a version number")
    abstract = _abstract(_text(row, "abstract"))
    authors = authors_of(_text(row, "authors"))
    institution = _without_placeholder(_text(row, "author_corresponding_institution"))
    posted = dates.parse_date("date", _text(row, "date"))
    subject = subject_code(_text(row, "category"))
    is_first = int(version) == 1
    published_doi = _published_doi(_text(row, "published"))
    record = Record(
        title=title,
        abstract=abstract,
        authors=authors.names,
        authors_complete=authors.complete,
        version=int(version),
        doi=published_doi or doi,
        preprint_dois=(doi,) if published_doi else (),
        categories=(subject,) if subject else (),
        institutions=(institution,) if institution else (),
        code_url=papers.code_address(abstract),
        published=posted if is_first else None,
        withdrawn=title.upper().startswith("WITHDRAWN") or papers.is_withdrawn(None, abstract),
    )
    return ListedPaper(require_within_limits(record), announce_type="new" if is_first else "replace")


def _journal_version(row: Mapping[str, Any]) -> ListedPaper:
    """The journal in which a preprint was published. Raises ValueError naming the field."""
    doi = _text(row, "preprint_doi").lower()
    if not _DOI.fullmatch(doi):
        raise ValueError(f"preprint_doi: {doi[:40]!r} is not a DOI")
    journal = _without_placeholder(_plain_text(_text(row, "published_journal"))) or None
    published_doi = _published_doi(_text(row, "published_doi"))
    issued = _text(row, "published_date") if published_doi else ""
    record = Record(
        "",
        doi=published_doi or doi,
        preprint_dois=(doi,) if published_doi else (),
        venue=journal,
        issued=dates.parse_date("published_date", issued) if issued else None,
    )
    return ListedPaper(require_within_limits(record))


def _published_doi(text: str) -> str | None:
    """The DOI of the published version; None for no DOI, and for a preprint's own, which the API sometimes repeats."""
    doi = text.lower()
    return doi if _DOI.fullmatch(doi) and not papers.is_preprint_doi(doi) else None


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str | int):
        raise ValueError(f"{name}: expected text")
    return one_line(str(value if value is not None else ""))


def _without_placeholder(text: str) -> str:
    """The text, '' where the API says that there is none."""
    return "" if text.upper() in {"NA", "N/A", "NONE"} else text


def _plain_text(text: str) -> str:
    """Without HTML tags and entities."""
    return one_line(_TAGS.sub("", unescape(_TAGS.sub("", text))))


def _abstract(text: str) -> str:
    """Plain text of an abstract with flattened JATS markup; `{beta}` and the like become characters."""
    text = _LOST_BREAK.sub(lambda match: f" {match[1]}: " if match[1] else " ", text)
    text = _SMALL_CAPS.sub("", _FIGURE.sub(" ", _LEADING_TITLE.sub("", text)))
    text = _SCRIPTS.sub(lambda match: f"{'^' if match[1] == 'super' else '_'}{match[2]}", _HEADINGS.sub(" ", text))
    return _plain_text(_NAMED_CHARACTER.sub(_character, text))


def _character(match: re.Match[str]) -> str:
    name = _ENTITY_NAMES.get(match[1], match[1])
    return html5.get(f"{name};", match[0])


def _fetch_day(server: str, day: date) -> FetchResult:
    """The versions posted on one date.

    Where a later page fails, the pages before it are stored and the day stays open. It also does for some days where
    the pages have fewer rows than promised: the API then lacks records that come later.
    """
    pages: list[BiorxivPage] = []
    failure: SourceDown | None = None
    try:
        pages.extend(fetch("details", server, day, day))
    except SourceDown as error:
        failure = error
    parsed = ParsedDocument(
        tuple(listed for page in pages for listed in page.parsed.papers),
        tuple(rejected for page in pages for rejected in page.parsed.rejected),
    )
    age = clock.now().astimezone(UTC).date() - day
    rows, total = sum(page.rows for page in pages), max((page.total or 0 for page in pages), default=0)
    incomplete = any(page.parsed.is_cut for page in pages) or (rows < total and age < INCOMPLETE_UNTIL)
    complete = failure is None and not incomplete
    mark = DayMark(day, len(parsed.papers), final=age >= FINAL_AFTER) if complete else None
    document = FetchedDocument(f"{server} of {day}", parsed, current_on=day, mark=mark)
    detail = f"{rows} of {total} versions of {day} arrived"
    return FetchResult((document,), PARTIAL if incomplete else "", detail if incomplete else "", failure)


def _fetch_journals(server: str) -> FetchResult:
    """The journals of preprints published in the last days; adds no papers."""
    today = clock.now().astimezone(UTC).date()
    pages = fetch("pubs", server, today - PUBLISHED_WITHIN, today)
    return FetchResult(FetchedDocument("journal versions", page.parsed) for page in pages)


def _parse_saved(data: bytes) -> ParsedDocument:
    return parse(data).parsed


def _source(server: str, outlet: str) -> Source:
    return Source(
        name=server,
        parser=each_file(_parse_saved),
        pacing=PACING,
        settings=(_URL,),
        fetch_day=partial(_fetch_day, server),
        current=(CurrentFetch("journal versions", partial(_fetch_journals, server)),),
        interval=INTERVAL,
        fresh_for=FRESH_FOR,
        outlet=outlet,
    )


BIORXIV, MEDRXIV = _source("biorxiv", "bioRxiv"), _source("medrxiv", "medRxiv")

"""Hugging Face's daily papers: papers listed on a date or in a week, and trending papers. The parser is pure.

Fields come and go from day to day. An absent or null counter is unknown, not zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from digest import clock, papers
from digest.errors import SourceDown
from digest.papers import AuthorId, ListedPaper, ParsedDocument, Record, RejectedItem
from digest.settings import TextSetting
from digest.sources import dates, http, identifiers, json_items
from digest.sources.item_conversion import item_reason
from digest.sources.record_limits import MAX_COUNT, require_within_limits
from digest.sources.request_turns import Pacing
from digest.sources.source import A_DAY, PARTIAL, CurrentFetch, DayMark, FetchedDocument, FetchResult, Source, each_file
from digest.text.person_references import HUGGING_FACE, is_person_id
from digest.text.plain_text import one_line

INTERVAL = timedelta(hours=2)  # between two fetches
LIMIT = 100
MAX_NAME = 200
MAX_PAGES = 30
PACING = Pacing("huggingface", pause=0.6)
_URL = TextSetting("huggingface_url", "https://huggingface.co")
_COUNTERS = (("upvotes", "upvotes"), ("githubStars", "stars"))


def parse(data: bytes, *, ranked: bool = False, first_rank: int = 1) -> ParsedDocument:
    """Parse one answer. `ranked`: sorted by trend, so that a paper's position is its rank, from `first_rank` on.

    Raises BadInput where it is not a list.
    """
    items = json_items.read_items(data)
    listed_papers, rejected, days = [], [], set()
    for index, row in enumerate(items.values):
        if isinstance(row, RejectedItem):
            rejected.append(row)
            continue
        try:
            listed, day = _convert_row(row, first_rank + index if ranked else None)
        except (ValueError, TypeError, AttributeError) as error:
            rejected.append(
                RejectedItem(index + 1, item_reason(error)[:200], json.dumps(row, ensure_ascii=False)[:120])
            )
            continue
        listed_papers.append(listed)
        days.add(day)
    only_day = days.pop() if len(days) == 1 else None
    return ParsedDocument(
        tuple(listed_papers), tuple(rejected), announced=None if ranked else only_day, is_cut=items.is_cut
    )


def by_date(day: date) -> Iterator[ParsedDocument]:
    """The papers listed on a date, page by page."""
    yield from _pages((("date", day.isoformat()),), ranked=False)


def by_week(day: date) -> Iterator[ParsedDocument]:
    """The papers listed in the week of that date."""
    year, week, _ = day.isocalendar()
    yield from _pages((("week", f"{year}-W{week:02d}"),), ranked=False)


def trending() -> Iterator[ParsedDocument]:
    """The hundred trending papers with their ranks."""
    yield http.fetch(
        _request((("sort", "trending"), ("limit", str(LIMIT)))),
        lambda data: parse(data, ranked=True),
        is_complete=_is_complete,
    )


def _pages(params: tuple[tuple[str, str], ...], *, ranked: bool) -> Iterator[ParsedDocument]:
    """Pages until one is not full or has no new paper (a server without paging)."""
    previous_ids: set[str] = set()
    for number in range(MAX_PAGES):
        paging = (("limit", str(LIMIT)), *((("p", str(number)),) if number else ()))
        page = http.fetch(
            _request((*params, *paging)), lambda data: parse(data, ranked=ranked), is_complete=_is_complete
        )
        new_ids = {listed.record.arxiv_id or listed.record.title for listed in page.papers} - previous_ids
        if new_ids or page.rejected:
            yield page
        if not new_ids or len(page.papers) + len(page.rejected) < LIMIT:
            return
        previous_ids |= new_ids


def _is_complete(parsed: ParsedDocument) -> bool:
    return not parsed.is_cut


def _request(params: tuple[tuple[str, str], ...]) -> http.SourceRequest:
    return http.SourceRequest(f"{_URL.value().rstrip('/')}/api/daily_papers", PACING, params)


def _convert_row(row: dict[str, Any], rank: int | None) -> tuple[ListedPaper, date | None]:
    """Convert one row; with the date of its listing. Raises ValueError naming the field."""
    paper = row.get("paper")
    if not isinstance(paper, dict):
        raise ValueError("paper: missing")
    title = _text(paper, "title") or _text(row, "title")
    if not title:
        raise ValueError("title: missing")
    abstract = _text(paper, "summary") or _text(row, "summary")
    code_url = _text(paper, "githubRepo") or papers.code_address(abstract)
    organisation = row.get("organization") or paper.get("organization") or {}
    institution = _text(organisation, "fullname") or _text(organisation, "name")
    record = Record(
        title=title,
        abstract=abstract,
        authors=tuple(_text(a, "name") for a in paper.get("authors") or () if not a.get("hidden") and _text(a, "name")),
        arxiv_id=identifiers.parse_arxiv_id(_text(paper, "id"))[0],
        institutions=(institution,) if institution else (),
        code_url=code_url or None,
        has_code=bool(code_url),
        published=_date(paper, "publishedAt") or _date(row, "publishedAt"),
    )
    signals = {name: _number(paper, field) for field, name in _COUNTERS}
    signals |= {"comments": _number(row, "numComments"), "rank": None if rank is None else float(rank)}
    known_signals = tuple((name, value) for name, value in sorted(signals.items()) if value is not None)
    listed = ListedPaper(
        require_within_limits(record),
        signals=known_signals,
        summary=_text(paper, "ai_summary"),
        author_ids=_author_ids(paper),
    )
    return listed, _date(paper, "submittedOnDailyAt")


def _author_ids(paper: dict[str, Any]) -> tuple[AuthorId, ...]:
    """The accounts that authors claimed the paper with, and that Hugging Face verified."""
    ids = []
    for author in paper.get("authors") or ():
        name, account = _text(author, "name"), author.get("user")
        user_id = _text(account, "_id") if isinstance(account, dict) else ""
        is_verified = _text(author, "status") == "claimed_verified" and not author.get("hidden")
        if is_verified and 0 < len(name) <= MAX_NAME and is_person_id(HUGGING_FACE, user_id):
            ids.append(AuthorId(name, HUGGING_FACE, user_id))
    return tuple(ids)


def _text(values: Any, name: str) -> str:
    value = values.get(name) if isinstance(values, dict) else None
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name}: expected text")
    return one_line(value or "")


def _number(values: dict[str, Any], name: str) -> float | None:
    """A counter; None where it is unknown."""
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name}: {str(value)[:20]!r} is not a count")
    return float(value)


def _date(values: dict[str, Any], name: str) -> date | None:
    text = _text(values, name)
    try:
        return dates.require_plausible(name, datetime.fromisoformat(text).date()) if text else None
    except ValueError as error:
        raise ValueError(f"{name}: {text[:40]!r} is not an instant") from error


def _fetch_day(day: date) -> FetchResult:
    """The papers listed on one date; they join the announcement that was current then.

    Where a later page fails, the pages before it are stored and the day stays open.
    """
    pages: list[ParsedDocument] = []
    failure: SourceDown | None = None
    try:
        pages.extend(by_date(day))
    except SourceDown as error:
        failure = error
    parsed = ParsedDocument(
        tuple(p for page in pages for p in page.papers), tuple(b for page in pages for b in page.rejected)
    )
    is_over = clock.now().astimezone(UTC).date() > day
    is_cut = any(page.is_cut for page in pages)
    mark = DayMark(day, len(parsed.papers), final=is_over) if failure is None and not is_cut else None
    documents = (FetchedDocument(f"daily papers of {day}", parsed, current_on=day, mark=mark),)
    return FetchResult(
        documents, PARTIAL if is_cut else "", f"the listing of {day} breaks off" if is_cut else "", failure
    )


def _fetch_week() -> FetchResult:
    """Current counters of the papers listed this week and the last, to measure growth; adds no papers."""

    def documents() -> Iterator[FetchedDocument]:
        today = clock.now().astimezone(UTC).date()
        for day in (today - 7 * A_DAY, today):
            for parsed in by_week(day):
                counters = (
                    replace(p, record=Record("", arxiv_id=p.record.arxiv_id))
                    for p in parsed.papers
                    if p.record.arxiv_id
                )
                yield FetchedDocument(
                    f"papers of the week of {day}", replace(parsed, papers=tuple(counters), announced=None)
                )

    return FetchResult(documents())


def _fetch_trending() -> FetchResult:
    """The trending papers with their current ranks."""
    return FetchResult(FetchedDocument("trending", parsed) for parsed in trending())


SOURCE = Source(
    summary_origin="Hugging Face",
    name="huggingface",
    parser=each_file(parse),
    pacing=PACING,
    settings=(_URL,),
    fetch_day=_fetch_day,
    current=(CurrentFetch("the week", _fetch_week), CurrentFetch("trending", _fetch_trending)),
    interval=INTERVAL,
    enabled_by_default=True,
)

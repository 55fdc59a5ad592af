"""Asking the sources: what one day of each gives, and storing it with the note that the day is stored.

A day is one transaction as far as it is one part (5,000 papers): who is killed in between finds it undone, and does it
again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.papers import papers as papers_store
from digest.db.papers import source_days as store
from digest.errors import SourceDown
from digest.papers import Bad, Listed, Parsed, Record
from digest.services.ingestion import feed_freshness
from digest.services.ingestion.import_document import Counts, store_document
from digest.sources import arxiv_api, arxiv_calendar, arxiv_feed, arxiv_oai, huggingface, openalex, semantic_scholar

RSS, API, OAI = "arxiv-rss", "arxiv-api", "arxiv-oai"
HUGGINGFACE, SEMANTIC_SCHOLAR, OPENALEX = "huggingface", "semantic-scholar", "openalex"
ARXIV = (RSS, API, OAI)
DAILY = (API, OAI, HUGGINGFACE)
COUNTING = {SEMANTIC_SCHOLAR: 2000, OPENALEX: 2000}  # papers asked about in one go
ALL = (*ARXIV, HUGGINGFACE, *COUNTING)
A_DAY = timedelta(days=1)
LONGEST = 60
LOOK_BACK = timedelta(days=7)  # for papers that arXiv's moderators held
HARVEST_GRACE = timedelta(minutes=30)
_COUNTED_AGAIN = timedelta(days=7)
_COUNTED_FOR = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did. `outcome`: empty where all is well, else as `SourceState` names it."""

    counts: Counts
    outcome: str = ""
    detail: str = ""


def feed() -> Outcome:
    """The current announcement of arXiv by its feed; for a source that only ever tells the newest."""
    closed, now = settings.get().closed_evenings, clock.now()
    parsed = arxiv_feed.fetch(settings.get().arxiv_categories)
    due = arxiv_calendar.newest(now, arxiv_calendar.feed_at, closed)
    listed = [
        p.record.arxiv_id for p in parsed.papers if p.record.arxiv_id and p.announce_type in feed_freshness.ANNOUNCED
    ]
    first = min(parsed.announced or due, due) - 7 * A_DAY
    with reading() as session:
        known = store.announcements_of(session, listed)
        stored = store.days(session, ARXIV, first, max(due, parsed.announced or due)).keys()
    judged = feed_freshness.of_feed(parsed, known, stored, due, closed)
    counts = Counts(RSS)
    if judged.day is not None:
        papers = len(listed)
        counts = _store(RSS, f"feed of {judged.day}", parsed, judged.day, _Mark(judged.day, papers, judged.whole))
    elif parsed.bad:
        counts = _store(RSS, f"feed of {parsed.announced or due}", Parsed(bad=parsed.bad), due, _NO_MARK)
    return Outcome(counts, judged.outcome, judged.detail)


def harvest(day: date) -> Outcome:
    """What changed in arXiv on one date, by OAI-PMH, all wanted categories together.

    Where a later page fails, those before it are stored all the same, and the day stays open. Raises SourceDown.
    """
    closed, now = settings.get().closed_evenings, clock.now()
    found: dict[str, arxiv_oai.Harvested] = {}
    bad: list[Bad] = []
    failed: SourceDown | None = None
    try:
        for category in settings.get().arxiv_categories or ("",):
            for page in arxiv_oai.fetch(day, arxiv_oai.set_of(category) if category else ""):
                found |= {h.record.arxiv_id or "": h for h in page.records}
                bad += page.bad
                bad += (page.cut,) if page.cut else ()
    except SourceDown as error:
        failed = error
    with reading() as session:
        since = known_since(session, day)
    by_day: dict[date, list[Listed]] = {day: []}
    for harvested in found.values():  # of other dates only where a server gives what was not asked for
        by_day.setdefault(harvested.changed, []).append(arxiv_oai.announced(harvested, since))
    fresh = sum(one.announce_type == "new" for one in by_day[day])
    over = now.astimezone(UTC).date() > day
    there = now >= arxiv_calendar.harvest_at(day) + HARVEST_GRACE and (
        fresh > 0 or not arxiv_calendar.announces(day, closed)
    )
    mark = _Mark(day, fresh, whole=over or there, final=over)
    counts = Counts(OAI)
    for changed in sorted(by_day):
        parsed = Parsed(tuple(by_day[changed]), tuple(dict.fromkeys(bad)) if changed == day else ())
        left = mark if changed == day and failed is None else _NO_MARK
        counts.add(_store(OAI, f"records of {changed}", parsed, arxiv_calendar.current(changed, closed), left))
    if failed is not None:
        raise failed
    if not mark.whole and arxiv_calendar.announces(day, closed):
        return Outcome(counts, feed_freshness.LATE, f"{day} is not there yet")
    return Outcome(counts)


def query(day: date) -> Outcome:
    """The papers of one announcement by the API: those sent in before its cut-off, after the one before.

    And held ones: sent in for one of the announcements before, all of which are stored, and unknown all the same.
    Where a later page fails, those before it are stored, and the day stays open. Raises SourceDown.
    """
    closed = settings.get().closed_evenings
    first, last = arxiv_calendar.submissions(day, closed)
    with reading() as session:
        since = max(known_since(session, day), day - LOOK_BACK)
    held_from, _ = arxiv_calendar.submissions(since, closed)
    found: list[Listed] = []
    bad: list[Bad] = []
    failed: SourceDown | None = None
    try:
        for page in arxiv_api.fetch(settings.get().arxiv_categories, min(held_from, first), last):
            found += page.parsed.papers
            bad += page.parsed.bad
    except SourceDown as error:
        failed = error
    # of the first date some belong to the announcement before: they don't show that this one is there
    own = sum(one.record.published is None or one.record.published > first.date() for one in found)
    over = clock.now() > arxiv_calendar.mailed_at(arxiv_calendar.following(day, closed))
    mark = _Mark(day, own, whole=bool(own) or over, final=over) if failed is None else _NO_MARK
    counts = _store(API, f"query for {day}", Parsed(tuple(found), tuple(bad)), day, mark)
    if failed is not None:
        raise failed
    return Outcome(counts) if mark.whole else Outcome(counts, feed_freshness.LATE, f"{day} is not there yet")


def listing(day: date) -> Outcome:
    """Hugging Face's papers of one date; they join the announcement that was current then.

    Where a later page fails, those before it are stored, and the day stays open. Raises SourceDown.
    """
    pages: list[Parsed] = []
    failed: SourceDown | None = None
    try:
        pages.extend(huggingface.by_date(day))
    except SourceDown as error:
        failed = error
    parsed = Parsed(tuple(p for page in pages for p in page.papers), tuple(b for page in pages for b in page.bad))
    over = clock.now().astimezone(UTC).date() > day
    with reading() as session:
        current = papers_store.current_announcement(session, day)
    joined = date.fromordinal(current) if current else arxiv_calendar.current(day, settings.get().closed_evenings)
    cut = any(page.cut for page in pages)
    mark = _Mark(day, len(parsed.papers), whole=True, final=over) if failed is None and not cut else _NO_MARK
    counts = _store(HUGGINGFACE, f"daily papers of {day}", parsed, joined, mark)
    if failed is not None:
        raise failed
    return Outcome(counts, feed_freshness.PARTIAL, f"the listing of {day} breaks off") if cut else Outcome(counts)


def week() -> Outcome:
    """The counters, as of now, of what was listed this week and the last, so that growth is seen; no new papers."""
    total, today = Counts(HUGGINGFACE), clock.now().astimezone(UTC).date()
    for day in (today - 7 * A_DAY, today):
        for parsed in huggingface.by_week(day):
            counted = tuple(replace(p, record=Record("", arxiv_id=p.record.arxiv_id)) for p in parsed.papers)
            known = replace(parsed, papers=tuple(p for p in counted if p.record.arxiv_id), announced=None)
            total.add(store_document(HUGGINGFACE, f"papers of the week of {day}", known, known_at=clock.now()))
    return Outcome(total)


def trending() -> Outcome:
    """Hugging Face's trending papers with their ranks, as of now."""
    total = Counts(HUGGINGFACE)
    for parsed in huggingface.trending():
        total.add(store_document(HUGGINGFACE, "trending", parsed, known_at=clock.now()))
    return Outcome(total)


def citations(source: str) -> Outcome:
    """Citations of papers announced lately that were not counted for a week, and their authors' figures."""
    now = clock.now()
    with reading() as session:
        ids = list(
            store.uncounted(
                session,
                source,
                "citations",
                since=now.date().toordinal() - _COUNTED_FOR,
                taken_after=now - _COUNTED_AGAIN,
                limit=COUNTING[source],
            )
        )
    total = Counts(source)
    for parsed in _counted(source, ids):
        total.add(store_document(source, "citations", parsed, known_at=clock.now()))
    return Outcome(total)


def _counted(source: str, ids: list[str]) -> Iterable[Parsed]:
    if source == SEMANTIC_SCHOLAR:
        for start in range(0, len(ids), semantic_scholar.MOST):
            yield semantic_scholar.fetch(ids[start : start + semantic_scholar.MOST])
    else:
        yield from openalex.fetch(ids)


def known_since(session: Session, day: date) -> date:
    """The announcement from which on every one up to `day` is stored: an identifier unknown since then is new."""
    closed = settings.get().closed_evenings
    stored = store.days(session, ARXIV, day - LONGEST * A_DAY, day)
    since = arxiv_calendar.current(day, closed)
    while arxiv_calendar.previous(since, closed) in stored:
        since = arxiv_calendar.previous(since, closed)
    return since


@dataclass(frozen=True, slots=True)
class _Mark:
    """The note to leave with a day: nothing where it is not whole."""

    day: date
    papers: int
    whole: bool
    final: bool = True


_NO_MARK = _Mark(date.min, 0, whole=False)


def _store(source: str, document: str, parsed: Parsed, day: date, mark: _Mark) -> Counts:
    now = clock.now()

    def finish(session: Session) -> None:
        if mark.whole:
            store.put_day(session, source, mark.day, at=now, papers=mark.papers, final=mark.final)

    return store_document(source, document, parsed, day=day, known_at=now, finish=finish)

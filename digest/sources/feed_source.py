"""Feeds that administrators add as sources: which of their entries are new, and how many of them are mailed a day.

An entry is new that was never seen, by its identity or, where it has no identifier, by its text and date. At the first
fetch only entries of the last days are new. Of a feed that no administrator has confirmed, only some papers a day are
stored (setting FEED_PAPERS_A_DAY); the others wait in `feed_item`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from digest import clock, logs, settings
from digest.db.core.engine import reading
from digest.db.papers import feed_sources
from digest.db.papers import papers as papers_store
from digest.db.papers.feed_sources import ANNOUNCED, BACKLOG, HELD, LEFT_OUT
from digest.errors import SourceDown
from digest.models import FeedItem, FeedSource
from digest.papers import ListedPaper, ParsedDocument, RejectedItem
from digest.sources import crossref, feed_fetch
from digest.sources.crossref_completion import LOOKED_UP_AGAIN_AFTER, complete_papers
from digest.sources.feed_papers import FeedPaper, FeedReading, LeftOutEntry
from digest.sources.source import PARTIAL, STALE, CurrentFetch, FetchedDocument, FetchResult, Source, each_file

log = logs.get(__name__)

INTERVAL = timedelta(hours=4)
FRESH = timedelta(days=14)  # at the first fetch, older entries are no news
NEVER_NEW_AFTER = timedelta(days=365)  # an entry of that age which was never seen is no news either
MAX_CONFIRMED_A_DAY = 1000  # papers of a confirmed feed; more are an error of the feed
MAX_BACKLOG = 200  # old papers of one fetch after the first; further ones are stored at the next fetches
MAX_HELD = 2000  # of a feed; further ones are refused
SILENT_AFTER = timedelta(days=30)
MAX_REFUSED_LISTED = 700  # of one fetch: all that are left out, then those that wait or came before
CHANGED = "the title, authors and date of an entry that came before, whose address changed"
CHANGED_UNDATED = "the title and authors of an entry that came before, whose address changed; neither has a date"


@dataclass(slots=True)
class FeedPlan:
    """What a fetch stores: papers, entries with their states, and what was left out for the first time."""

    listed: list[ListedPaper] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[RejectedItem] = field(default_factory=list)
    has_abstract: dict[str, bool] = field(default_factory=dict)  # by DOI that Crossref was asked about


def feed_entries() -> list[Source]:
    """The source of each feed that administrators added."""
    with reading() as session:
        return [entry_of(feed) for feed in feed_sources.feeds(session)]


def entry_of(feed: FeedSource) -> Source:
    """The registry's entry of a feed."""
    return Source(
        name=feed.name,
        label=feed.title,
        parser=each_file(_parse_saved),
        pacing=feed_fetch.pacing_of(feed.url),
        settings=crossref.SETTINGS,
        current=(CurrentFetch(feed.name, partial(_fetch, feed.name)),),
        interval=INTERVAL,
        fresh_for=FRESH,
        outlet=feed.title,
    )


def papers_a_day(feed: FeedSource) -> int:
    """The number of papers of a feed that are mailed a day at most."""
    if feed.confirmed_at is None:
        return min(feed.max_a_day or settings.get().feed_papers_a_day, settings.get().feed_papers_a_day)
    return feed.max_a_day or MAX_CONFIRMED_A_DAY


def _parse_saved(data: bytes) -> ParsedDocument:
    read = feed_fetch.feed_of_saved_file(data)
    listed = tuple(ListedPaper(paper.record, announce_type="new") for paper in read.papers)
    rejected = tuple(RejectedItem(item.position, item.reason[:300], item.title[:120]) for item in read.left_out)
    return ParsedDocument(listed, rejected, is_cut=read.is_cut)


def _fetch(name: str) -> FetchResult:
    """Fetch one feed. Where nothing changed, papers that were held yesterday are stored all the same."""
    now = clock.now()
    with reading() as session:
        feed = feed_sources.feed(session, name)
        if feed is None:
            raise SourceDown("the feed was removed", retryable=False)
        newest = feed_sources.newest_item_day(session, name)
    fetched = feed_fetch.fetch_feed(feed.url, etag=feed.etag, last_modified=feed.last_modified)
    plan = _plan(feed, fetched.reading, now, is_first=newest is None)
    is_cut = fetched.reading is not None and fetched.reading.is_cut
    validators = None if fetched.reading is None else ("", "") if is_cut else (fetched.etag, fetched.last_modified)
    moved_to = "" if is_cut else fetched.moved_to
    finish = partial(_finish, name=name, plan=plan, validators=validators, moved_to=moved_to, at=now)
    parsed = ParsedDocument(tuple(plan.listed), tuple(plan.rejected[:MAX_REFUSED_LISTED]))
    document = FetchedDocument("feed", parsed, current_on=now.date(), on_stored=finish)
    outcome, detail = _outcome(fetched.reading, newest, now.date())
    return FetchResult((document,), outcome, detail)


def _outcome(read: FeedReading | None, newest: date | None, today: date) -> tuple[str, str]:
    if read is not None and read.is_cut:
        return PARTIAL, "the feed is cut off"
    if read is not None and not read.papers and not read.left_out and (newest is None or today - newest > SILENT_AFTER):
        return STALE, "the feed has no entries"
    return "", ""


def _finish(
    session: Session, *, name: str, plan: FeedPlan, validators: tuple[str, str] | None, moved_to: str, at: datetime
) -> None:
    planned = [str(item["key"]) for item in plan.items if item["state"] != HELD]
    states = feed_sources.item_states(session, name, planned)
    if any(states.get(key, HELD) != HELD for key in planned):
        raise SourceDown("another process fetched this feed at the same time", retryable=False)
    feed_sources.store_items(session, name, plan.items)
    feed_sources.store_lookups(session, plan.has_abstract, at, LOOKED_UP_AGAIN_AFTER)
    if validators is not None:
        feed_sources.store_validators(session, name, etag=validators[0], last_modified=validators[1])
    if moved_to and feed_sources.move_feed(session, name, address=moved_to, at=at):
        log.info("feed_moved", source=name, address=moved_to)


def _plan(feed: FeedSource, read: FeedReading | None, now: datetime, *, is_first: bool) -> FeedPlan:
    """Decide about each entry; complete by Crossref what is stored as new."""
    today = now.date()
    plan = FeedPlan()
    papers = read.papers if read is not None else ()
    left_out = read.left_out if read is not None else ()
    with reading() as session:
        keys = [*(paper.key for paper in papers), *(item.key for item in left_out)]
        states = feed_sources.item_states(session, feed.name, keys)
        unseen = [paper for paper in papers if paper.key not in states]
        changed_items = changed_entries(session, feed.name, unseen, keys)
        announced = feed_sources.count_items(session, feed.name, ANNOUNCED, since=today)
        held_items = feed_sources.held_items(session, feed.name, limit=MAX_HELD)
    _leave_out(plan, [item for item in left_out if item.key not in states], today)
    changed_texts = {item.key for item in changed_items}
    fresh = [paper for paper in unseen if paper.has_identifier or paper.text_key not in changed_texts]
    old = [paper for paper in fresh if _is_old(paper.record.published, today, is_first=is_first)]
    _add_backlog(plan, old if is_first else old[:MAX_BACKLOG], today)
    new = [paper for paper in fresh if paper not in old]
    waiting_papers = [*(_held_paper(item) for item in held_items), *new]
    allowed = max(papers_a_day(feed) - announced, 0)
    waits_since = {item.key: item.day for item in held_items}
    postponed = _announce(plan, waiting_papers[:allowed], waits_since, today)
    _hold(plan, [*waiting_papers[allowed:], *postponed], waits_since, today)
    plan.rejected += [RejectedItem(0, item.reason, item.title[:120], identity=item.key) for item in changed_items]
    plan.listed = [_of_feed(feed, item) for item in plan.listed]
    return plan


def _of_feed(feed: FeedSource, item: ListedPaper) -> ListedPaper:
    """The item with the feed as its outlet, and with the feed's subject where it has none."""
    categories = item.record.categories or ((feed.subject,) if feed.subject else ())
    return replace(item, record=replace(item.record, outlets=(feed.title,), categories=categories))


def changed_entries(
    session: Session, name: str, unseen: Sequence[FeedPaper], keys: Collection[str]
) -> tuple[LeftOutEntry, ...]:
    """Entries of a feed whose ids and links change: their text was seen, with a key that is gone now.

    `unseen`: papers with keys that are not stored; `keys`: of all entries that the feed has now. Entries of one text
    with links of their own that are in the feed together, such as book reviews, are several. `LeftOutEntry.key`: of the
    text.
    """
    candidates = [paper for paper in unseen if not paper.has_identifier]
    keys_by_text = feed_sources.keys_by_text(session, name, [paper.text_key for paper in candidates])
    return tuple(
        LeftOutEntry(
            0, paper.record.title[:200], CHANGED if paper.record.published else CHANGED_UNDATED, paper.text_key
        )
        for paper in candidates
        if paper.text_key in keys_by_text and keys_by_text[paper.text_key].isdisjoint(keys)
    )


def _is_old(published: date | None, today: date, *, is_first: bool) -> bool:
    return published is not None and today - published > (FRESH if is_first else NEVER_NEW_AFTER)


def _held_paper(item: FeedItem) -> FeedPaper:
    record = papers_store.record_from_json(item.record or {})
    return FeedPaper(record, item.key, item.text_key, has_identifier=bool(record.doi or record.arxiv_id))


def _item(paper: FeedPaper, state: str, today: date) -> dict[str, Any]:
    record = papers_store.record_to_json(paper.record) if state == HELD else None
    text_key = "" if paper.has_identifier else paper.text_key
    return {"key": paper.key, "text_key": text_key, "state": state, "day": today, "record": record}


def _add_backlog(plan: FeedPlan, old: Iterable[FeedPaper], today: date) -> None:
    """Entries that are no news: stored, so that they can be found, but new in no announcement."""
    for paper in old:
        plan.listed.append(ListedPaper(paper.record, announce_type="replace"))
        plan.items.append(_item(paper, BACKLOG, today))


def _announce(
    plan: FeedPlan, papers: Sequence[FeedPaper], waits_since: Mapping[str, date], today: date
) -> list[FeedPaper]:
    """Papers to store as new, completed where Crossref has more.

    Returns those that Crossref is asked about next time; after a day they don't wait for it any more.
    """
    completion = complete_papers(papers)
    plan.has_abstract = completion.has_abstract
    overdue_papers = [paper for paper in completion.postponed if waits_since.get(paper.key, today) < today]
    for paper in (*completion.papers, *overdue_papers):
        plan.listed.append(ListedPaper(paper.record, announce_type="new"))
        plan.items.append(_item(paper, ANNOUNCED, today))
    _leave_out(plan, completion.left_out, today)
    return [paper for paper in completion.postponed if paper not in overdue_papers]


def _hold(plan: FeedPlan, papers: Sequence[FeedPaper], waits_since: Mapping[str, date], today: date) -> None:
    """Papers over the limit of the day, which wait."""
    for number, paper in enumerate(papers, start=1):
        if paper.key in waits_since:
            continue
        if number > MAX_HELD:
            plan.rejected.append(
                RejectedItem(
                    0, f"more than {MAX_HELD} papers of this feed wait", paper.record.title[:120], identity=paper.key
                )
            )
            continue
        plan.items.append(_item(paper, HELD, today))


def _leave_out(plan: FeedPlan, left_out: Iterable[LeftOutEntry], today: date) -> None:
    for item in left_out:
        plan.rejected.append(RejectedItem(item.position, item.reason[:300], item.title[:120], identity=item.key))
        plan.items.append({"key": item.key, "text_key": "", "state": LEFT_OUT, "day": today, "record": None})

"""What a feed would bring: its papers with identity, date and origin of the abstract, and what is left out and why."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import feed_sources
from digest.errors import N_
from digest.papers import ListedPaper
from digest.services.ingestion.dedup import StoredMatches
from digest.sources import feed_fetch, feed_moves
from digest.sources.crossref_completion import complete_papers
from digest.sources.feed_papers import FeedPaper, FeedReading, LeftOutEntry
from digest.sources.feed_source import FRESH, changed_entries, keys_of

# of a preview, which somebody waits for
MAX_LOOKUPS, LOOKUP_SECONDS = 5, 8.0  # at Crossref
TRIES, FEED_SECONDS = 1, 25.0
NEW, STORED, OLD = N_("new"), N_("stored already"), N_("older than 14 days")


@dataclass(frozen=True, slots=True)
class FeedPreviewPaper:
    """A paper. `identifier`: DOI, arXiv id or address; `abstract_from`: `feed`, `Crossref`, or '' for none.

    `outcome`: `new`, `stored already`, or `older than 14 days` (stored, but not mailed as new).
    """

    title: str
    identifier: str
    date: date | None
    authors: str
    abstract_from: str
    outcome: str


@dataclass(frozen=True, slots=True)
class FeedPreview:
    """A feed. `left_out`: (title, reason); `is_cut`: it was cut off."""

    title: str
    papers: tuple[FeedPreviewPaper, ...]
    left_out: tuple[tuple[str, str], ...]
    is_cut: bool = False

    def to_json(self) -> dict[str, Any]:
        """The preview as a JSON object."""
        papers = [{**asdict(paper), "date": str(paper.date) if paper.date else None} for paper in self.papers]
        left_out = [{"title": title, "reason": reason} for title, reason in self.left_out]
        return {"title": self.title, "papers": papers, "left_out": left_out, "is_cut": self.is_cut}


def preview_feed(address: str, *, max_lookups: int = MAX_LOOKUPS) -> FeedPreview:
    """Fetch a feed and say what would be stored; nothing is. Raises BadInput, SourceDown.

    `max_lookups`: papers to ask Crossref about; those that it does not answer in time are shown as the feed has them.
    """
    address = feed_moves.checked_address(address)
    fetched = feed_fetch.fetch_feed(address, tries=TRIES, deadline=time.monotonic() + FEED_SECONDS)
    reading = fetched.reading or FeedReading("", (), ())
    completion = complete_papers(reading.papers, limit=max_lookups, seconds=LOOKUP_SECONDS)
    by_key = {paper.key: paper for paper in (*completion.papers, *completion.postponed)}
    papers = [by_key[paper.key] for paper in reading.papers if paper.key in by_key]
    changed_entries = _changed(address, papers)
    changed_texts = {item.key for item in changed_entries}
    papers = [paper for paper in papers if paper.text_key not in changed_texts]
    stored_keys = _stored(papers)
    today = clock.now().date()
    return FeedPreview(
        reading.title,
        tuple(_preview_paper(paper, paper.key in stored_keys, today) for paper in papers),
        tuple(_left_out(item) for item in (*reading.left_out, *completion.left_out, *changed_entries)),
        reading.is_cut,
    )


def _changed(address: str, papers: list[FeedPaper]) -> tuple[LeftOutEntry, ...]:
    """Entries that a fetch would take for others that it has seen, where this feed is a source already."""
    keys = keys_of(papers)
    with reading() as session:
        feed = feed_sources.feed_at(session, address)
        if feed is None:
            return ()
        states = feed_sources.item_states(session, feed.name, keys)
        unseen = [paper for paper in papers if states.keys().isdisjoint(keys_of([paper]))]
        return changed_entries(session, feed.name, unseen, keys)


def _stored(papers: list[FeedPaper]) -> set[str]:
    """Keys of the papers that are stored already."""
    listed = [ListedPaper(paper.record) for paper in papers]
    with reading() as session:
        matches = StoredMatches(session, listed)
    return {paper.key for index, paper in enumerate(papers) if matches.paper_ids[index] is not None}


def _preview_paper(paper: FeedPaper, is_stored: bool, today: date) -> FeedPreviewPaper:
    record = paper.record
    is_old = record.published is not None and today - record.published > FRESH
    identifier = f"arXiv:{record.arxiv_id}" if record.arxiv_id else record.doi or record.url or ""
    names = ", ".join(record.authors[:3]) + (" et al." if len(record.authors) > 3 else "")
    outcome = STORED if is_stored else OLD if is_old else NEW
    return FeedPreviewPaper(record.title, identifier, record.published, names, paper.abstract_from, outcome)


def _left_out(item: LeftOutEntry) -> tuple[str, str]:
    return item.title, item.reason

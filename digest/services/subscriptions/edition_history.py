"""A subscriber's past editions, and the newest papers of each topic, for the preferences page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from digest import clock
from digest.compose.edition import Content, Entry
from digest.db.core import engine
from digest.db.papers import papers as paper_store
from digest.db.subscribers import feedback as feedback_store
from digest.matching.profile import Profile
from digest.models import Edition, ProfileVersion
from digest.models.types import stored_id
from digest.text.tex import readable

HISTORY_DAYS = 30
MEAN_OF_EDITIONS = 10  # the newest ones, for the expected number of papers
PAPERS_PER_TOPIC = 3


@dataclass(frozen=True, slots=True)
class PastEdition:
    """An edition with its local date and number of papers."""

    edition_id: int
    day: date
    papers: int


@dataclass(frozen=True, slots=True)
class EditionHistory:
    """The editions of the last 30 days, newest first; the newest papers of each topic as (id, title).

    `expected_papers`: the mean number of papers of the newest editions; None without any.
    """

    editions: tuple[PastEdition, ...]
    papers_by_topic: Mapping[str, tuple[tuple[int, str], ...]]
    expected_papers: int | None


def edition_history(subscriber_id: int) -> EditionHistory:
    """The history of a subscriber; empty after erasure."""
    since = clock.now().date() - timedelta(days=HISTORY_DAYS)
    with engine.reading() as session:
        rows = feedback_store.feedback_editions(session, subscriber_id, since)
        rows = sorted(rows, key=lambda row: row[0].day, reverse=True)
        ids_by_topic = _paper_ids_by_topic(rows)
        paper_ids = sorted({paper_id for ids in ids_by_topic.values() for paper_id in ids})
        titles = {
            stored_id(paper): readable(record.title)
            for paper, record in paper_store.newest_versions_chunked(session, paper_ids)
        }
    editions = tuple(PastEdition(stored_id(edition), edition.day, edition.papers) for edition, _ in rows)
    papers_by_topic = {
        topic: tuple((paper_id, titles[paper_id]) for paper_id in ids if paper_id in titles)
        for topic, ids in ids_by_topic.items()
    }
    newest = [edition.papers for edition in editions[:MEAN_OF_EDITIONS]]
    return EditionHistory(editions, papers_by_topic, round(sum(newest) / len(newest)) if newest else None)


def _paper_ids_by_topic(rows: Sequence[tuple[Edition, ProfileVersion]]) -> dict[str, list[int]]:
    """The newest papers of each topic, from editions in that order."""
    ids_by_topic: dict[str, list[int]] = {}
    for edition, version in rows:
        topics = Profile.from_json(version.profile).topics
        for entry in Content.from_json(edition.content).entries:
            index = main_topic(entry)
            if 0 <= index < len(topics):
                ids = ids_by_topic.setdefault(topics[index].text, [])
                if len(ids) < PAPERS_PER_TOPIC:
                    ids.append(entry.paper)
    return ids_by_topic


def main_topic(entry: Entry) -> int:
    """The index of the topic with the largest part of the score; -1 for none."""
    return entry.topic if entry.topic >= 0 else (entry.matched[0][0] if entry.matched else -1)

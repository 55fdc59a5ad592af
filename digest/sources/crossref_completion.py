"""Completes papers of feeds by Crossref: those without abstract that have a DOI, a bounded number at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from digest import clock, logs
from digest.db.core.engine import reading
from digest.db.papers import feed_sources
from digest.errors import SourceDown
from digest.sources import crossref
from digest.sources.feed_dates import MAX_AHEAD
from digest.sources.feed_papers import FeedPaper, LeftOutEntry

log = logs.get(__name__)

MAX_LOOKUPS = 50  # of one fetch of one feed
LOOKED_UP_AGAIN_AFTER = timedelta(days=30)


@dataclass(slots=True)
class Completion:
    """Papers with what Crossref has, those that it knows to be none, and whether it had an abstract by DOI asked.

    `postponed`: papers that it can be asked about later, because it failed or there were too many.
    """

    papers: list[FeedPaper] = field(default_factory=list)
    postponed: list[FeedPaper] = field(default_factory=list)
    left_out: list[LeftOutEntry] = field(default_factory=list)
    has_abstract: dict[str, bool] = field(default_factory=dict)


def complete_papers(
    listed: Sequence[FeedPaper], *, limit: int = MAX_LOOKUPS, seconds: float | None = None
) -> Completion:
    """Complete at most `limit` papers; a DOI is not asked about again for 30 days. A failure ends the requests.

    `seconds`: for all requests together; None for no limit.
    """
    completion = Completion()
    deadline = None if seconds is None else time.monotonic() + seconds
    wanting = [paper.record.doi for paper in listed if paper.needs_abstract and paper.record.doi]
    recent_dois = _recently_looked_up(wanting) if wanting and crossref.is_enabled() else set(wanting)
    is_down = False
    for paper in listed:
        doi = paper.record.doi
        if doi is None or not paper.needs_abstract or doi in recent_dois:
            completion.papers.append(paper)
        elif is_down or len(completion.has_abstract) >= limit or (deadline and time.monotonic() > deadline):
            completion.postponed.append(paper)
        else:
            is_down = not _complete(completion, paper, doi, deadline)
    return completion


def _complete(completion: Completion, paper: FeedPaper, doi: str, deadline: float | None) -> bool:
    """Complete one paper. False where Crossref fails."""
    try:
        work = crossref.fetch_work(doi, deadline=deadline)
    except SourceDown as error:
        log.warning("crossref_failed", reason=str(error))
        completion.postponed.append(paper)
        return False
    completion.has_abstract[doi] = bool(work and work.record.abstract)
    if work is not None and work.left_out:
        completion.left_out.append(LeftOutEntry(0, paper.record.title[:200], f"{work.left_out} (Crossref)", paper.key))
    else:
        completion.papers.append(_with_work(paper, work) if work is not None else paper)
    return True


def _recently_looked_up(dois: Sequence[str]) -> set[str]:
    with reading() as session:
        return feed_sources.recently_looked_up(session, dois, clock.now() - LOOKED_UP_AGAIN_AFTER)


def _with_work(paper: FeedPaper, work: crossref.CrossrefWork) -> FeedPaper:
    record = crossref.complete(paper.record, work)
    if record.published is not None and record.published > clock.now().date() + MAX_AHEAD:
        record = replace(record, published=None)  # the date of an issue to come
    origin = "Crossref" if len(record.abstract) > len(paper.record.abstract) else paper.abstract_from
    return replace(paper, record=record, abstract_from=origin)

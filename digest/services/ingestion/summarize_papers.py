"""Asks the administrator's own endpoint for one line about each newly announced paper that no source has one of.

A background job: no run waits for it, and a paper without a line is mailed as ever. A failure of the endpoint ends the
pass, and the next pass tries again; each paper is asked about once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from digest import clock, logs
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers, source_days, summaries
from digest.errors import Misconfigured, SourceDown
from digest.papers import Record, RefusedSummary, own_source
from digest.sources import summary_endpoint
from digest.sources.source import DOWN

log = logs.get(__name__)

STATE = "own-summary"  # the name of the endpoint among the states of sources
RECENT_ANNOUNCEMENTS = 2
MAX_A_DAY = 1000  # papers in 24 hours
PAPERS_READ = 40  # at once
MAX_REFUSED = 5  # refused answers in a row, after which the endpoint counts as failing
PAUSE_AFTER_FAILURE = timedelta(minutes=15)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class SummaryPass:
    """What a pass did: summaries stored, papers given up. `is_incomplete`: the time limit came first."""

    stored: int = 0
    given_up: int = 0
    is_incomplete: bool = False


def is_due() -> bool:
    """True where an endpoint is configured and did not ask to be left alone until later."""
    try:
        if not summary_endpoint.is_configured():
            return False
    except Misconfigured as error:
        log.warning("summaries_not_configured", reason=str(error))
        return False
    with reading() as session:
        state = source_days.source_state(session, STATE)
    return state is None or state.retry_at is None or state.retry_at <= clock.now()


def summarize_papers(*, seconds: float) -> SummaryPass:
    """Store a line about papers without any, newest announcement first, for about `seconds`. Safe to run twice."""
    deadline = time.monotonic() + seconds
    result = SummaryPass()
    if not is_due():
        return result
    try:
        _summarize_until(deadline, result)
    except (SourceDown, Misconfigured) as error:
        _record_failure(error)
        return result
    if result.stored:
        with transaction() as session:
            source_days.store_source_state(session, STATE, at=clock.now(), outcome="", detail="", retry_at=None)
        log.info("papers_summarized", stored=result.stored, given_up=result.given_up)
    return result


def _summarize_until(deadline: float, result: SummaryPass) -> None:
    """Ask about papers until none is left or the deadline has passed, about each at most once."""
    tried: set[int] = set()
    refused: list[int] = []
    while pairs := [pair for pair in _papers_to_summarize() if pair[0] not in tried]:
        for paper, record in pairs:
            if time.monotonic() > deadline:
                result.is_incomplete = True
                return
            tried.add(paper)
            _summarize(paper, record, refused, result)
    if refused and (result.stored or _worked_lately()):  # it works, so these papers are the reason
        _store([(paper, "") for paper in refused])
        result.given_up += len(refused)


def _worked_lately() -> bool:
    with reading() as session:
        return summaries.count_own_since(session, clock.now() - _DAY) > 0


def _store(texts: Sequence[tuple[int, str]]) -> None:
    """Store summaries by paper; an empty one gives the paper up."""
    now, source = clock.now(), own_source(summary_endpoint.model())
    rows = [{"paper_id": paper, "source": source, "text": text, "taken_at": now} for paper, text in texts]
    with transaction() as session:
        summaries.insert_summaries(session, rows)


def _papers_to_summarize() -> list[tuple[int, Record]]:
    """The next papers, in random order, so that one that always fails does not keep the others waiting."""
    now = clock.now()
    with reading() as session:
        remaining = MAX_A_DAY - summaries.count_own_since(session, now - _DAY)
        current = papers.current_announcement(session, now.astimezone(clock.ARXIV_ZONE).date())
        if remaining <= 0 or not current:
            return []
        window = papers.announcement_window(session, current, RECENT_ANNOUNCEMENTS)
        keys = summaries.papers_without_summary(session, min(window), limit=min(PAPERS_READ, remaining))
        records = papers.versions(session, keys)
    pairs = [(key[0], records[key]) for key in keys if key in records and records[key].abstract]
    random.shuffle(pairs)
    return pairs


def _summarize(paper: int, record: Record, refused: list[int], result: SummaryPass) -> None:
    """Ask about one paper and store the answer. Raises SourceDown, also after MAX_REFUSED useless answers in a row.

    A refused paper is given up once a later answer shows that the endpoint works.
    """
    try:
        text = summary_endpoint.summarize(record)
    except RefusedSummary as error:
        log.info("summary_refused", paper=paper, reason=str(error))
        refused.append(paper)
        if len(refused) >= MAX_REFUSED:
            raise SourceDown(f"{MAX_REFUSED} useless answers in a row, the last: {error}") from error
        return
    _store([(paper, text), *((given_up, "") for given_up in refused)])
    result.stored += 1
    result.given_up += len(refused)
    refused.clear()


def _record_failure(error: SourceDown | Misconfigured) -> None:
    now = clock.now()
    wait_seconds = (error.retry_after if isinstance(error, SourceDown) else None) or 0.0
    retry_at = now + max(timedelta(seconds=wait_seconds), PAUSE_AFTER_FAILURE)
    with transaction() as session:
        source_days.store_source_state(session, STATE, at=now, outcome=DOWN, detail=str(error), retry_at=retry_at)
    log.warning("summaries_stopped", reason=str(error))

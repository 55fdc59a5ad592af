"""Decides whether a feed is complete, stale, partial or late, and which announcement it carries. Pure.

Dates in feeds are unreliable (fresh dates over old content, dates a day behind) but identifiers are not: an
announcement is recognised by the papers in it that were never stored before.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date

from digest.papers import ParsedDocument
from digest.sources import arxiv_calendar
from digest.sources.source import LATE, PARTIAL, STALE
from digest.text.counted import count_of

ANNOUNCED = ("new", "cross")
MAX_STORED_SHARE = 0.2  # of a feed's new papers; a larger share announced earlier means that the feed is partly old

StoredPapers = Mapping[str, tuple[int | None, str | None]]  # arXiv id: announcement (ordinal), announce type


@dataclass(frozen=True, slots=True)
class FeedVerdict:
    """`day`: the announcement to store it under, None to store nothing. `complete`: all of that day is in it."""

    day: date | None
    complete: bool
    outcome: str = ""
    detail: str = ""


def assess_feed(
    parsed: ParsedDocument,
    stored_papers: StoredPapers,
    stored_days: Set[date],
    due: date,
    closed: arxiv_calendar.ClosedEvenings,
    *,
    max_items: int,
) -> FeedVerdict:
    """Assess a feed. `stored_papers`: those of its papers in the database; `stored_days`: complete announcements.

    `due`: the announcement that the feed should carry now. `max_items`: where the server cuts feeds off.
    """
    day = parsed.announced or due
    listed = [p.record.arxiv_id or "" for p in parsed.papers if p.announce_type in ANNOUNCED]
    if not parsed.papers and not parsed.rejected:
        return _assess_empty(due, stored_days)
    unseen = [i for i in listed if i not in stored_papers]
    if day in stored_days and len(unseen) > len(listed) / 2 and arxiv_calendar.following(day, closed) <= due:
        day = arxiv_calendar.following(day, closed)  # the feed's date is a day behind its content
    if listed and not unseen and not any(stored_papers[i][0] == day.toordinal() for i in listed):
        detail = f"the feed of {day} holds an older announcement"
        return FeedVerdict(None, complete=False, outcome=STALE if day >= due else LATE, detail=detail)
    outcome, detail = _defect(parsed, stored_papers, day, max_items)
    if outcome:
        return FeedVerdict(day, complete=False, outcome=outcome, detail=detail)
    if day < due and due not in stored_days:
        return FeedVerdict(day, complete=True, outcome=LATE, detail=f"the feed of {due} is not there yet")
    return FeedVerdict(day, complete=True)


def _defect(parsed: ParsedDocument, stored_papers: StoredPapers, day: date, max_items: int) -> tuple[str, str]:
    """Why the feed is not the complete announcement: outcome and detail, or two empty strings."""
    types = [p.announce_type for p in parsed.papers]
    new = [p.record.arxiv_id or "" for p in parsed.papers if p.announce_type == "new"]
    ordinal = day.toordinal()
    announced_earlier = [
        i
        for i in new
        if i in stored_papers and stored_papers[i][1] == "new" and (stored_papers[i][0] or ordinal) < ordinal
    ]
    if len(announced_earlier) > MAX_STORED_SHARE * len(new):
        return STALE, f"{len(announced_earlier)} of {len(new)} new papers are of older announcements"
    if parsed.rejected:
        return PARTIAL, f"{count_of(len(parsed.rejected), 'entry', 'entries')} could not be read"
    if not set(types) & set(ANNOUNCED):
        return PARTIAL, "the feed lists only replacements"
    if len(parsed.papers) + len(parsed.rejected) >= max_items and types[-1] in ANNOUNCED:
        return PARTIAL, f"the feed was cut off at {count_of(len(types), 'paper')}"
    return "", ""


def _assess_empty(due: date, stored_days: Set[date]) -> FeedVerdict:
    """A feed without papers: a holiday, or an announcement that is not there yet."""
    if due in stored_days:
        return FeedVerdict(None, complete=False)
    return FeedVerdict(None, complete=False, outcome=LATE, detail=f"the feed is empty; {due} was due")

"""What a feed is worth: whole, stale, partial, late, and which announcement it tells of. Pure.

Dates of feeds lie (fresh dates over old content, dates a day behind), identifiers don't: an announcement is one by the
papers in it that were never seen before.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date

from digest.errors import N_
from digest.papers import Parsed
from digest.sources import arxiv_calendar, arxiv_feed

LATE, PARTIAL, STALE, DOWN = N_("late"), N_("partial"), N_("stale"), N_("down")
ANNOUNCED = ("new", "cross")
MOST_SEEN = 0.2  # of a feed's new papers; more were announced before only where a part of the feed is old

Known = Mapping[str, tuple[int | None, str | None]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`day`: the announcement to store it under, None to store nothing. `whole`: all of the day is in it."""

    day: date | None
    whole: bool
    outcome: str = ""
    detail: str = ""


def of_feed(parsed: Parsed, known: Known, stored: Set[date], due: date, closed: arxiv_calendar.Closed) -> Verdict:
    """Judge a feed. `known`: its papers that are stored, with announcement and type; `stored`: days that are whole.

    `due`: the announcement whose feed should stand there now.
    """
    day = parsed.announced or due
    listed = [p.record.arxiv_id or "" for p in parsed.papers if p.announce_type in ANNOUNCED]
    if not parsed.papers and not parsed.bad:
        return _empty(due, stored)
    unseen = [i for i in listed if i not in known]
    if day in stored and len(unseen) > len(listed) / 2 and arxiv_calendar.following(day, closed) <= due:
        day = arxiv_calendar.following(day, closed)  # the feed's date is a day behind its content
    if listed and not unseen and not any(known[i][0] == day.toordinal() for i in listed):
        outcome = STALE if day >= due else LATE
        return Verdict(None, whole=False, outcome=outcome, detail=f"the feed of {day} holds an older announcement")
    outcome, detail = _wrong(parsed, known, day)
    if outcome:
        return Verdict(day, whole=False, outcome=outcome, detail=detail)
    if day < due and due not in stored:
        return Verdict(day, whole=True, outcome=LATE, detail=f"the feed of {due} is not there yet")
    return Verdict(day, whole=True)


def _wrong(parsed: Parsed, known: Known, day: date) -> tuple[str, str]:
    """Why this is not the whole announcement: the state, and a line; two empty texts where it is."""
    kinds = [p.announce_type for p in parsed.papers]
    new = [p.record.arxiv_id or "" for p in parsed.papers if p.announce_type == "new"]
    here = day.toordinal()
    before = [i for i in new if i in known and known[i][1] == "new" and (known[i][0] or here) < here]
    if len(before) > MOST_SEEN * len(new):
        return STALE, f"{len(before)} of {len(new)} new papers are of older announcements"
    if parsed.bad:
        return PARTIAL, f"{len(parsed.bad)} entries could not be read"
    if not set(kinds) & set(ANNOUNCED):
        return PARTIAL, "the feed lists replacements alone"
    if arxiv_feed.overflows(parsed) and kinds[-1] in ANNOUNCED:
        return PARTIAL, f"the feed was cut off at {len(kinds)} papers"
    return "", ""


def _empty(due: date, stored: Set[date]) -> Verdict:
    """A feed without papers: a holiday, or an announcement that is not there yet."""
    if due in stored:
        return Verdict(None, whole=False)
    return Verdict(None, whole=False, outcome=LATE, detail=f"the feed is empty; {due} was due")

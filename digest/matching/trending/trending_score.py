"""Trending: the votes that a paper is expected to gain next, from its signals and its time since listing. Pure.

Order inside a field is by expected votes (by rank where a source only ranks); between fields a percentile decides.
Measured on Hugging Face's votes and ranks (SOURCES: 'Citations and impact', 'Trending formulas'). Predicted counts are
never shown: the reason of a rising paper has facts only. Which papers are rising: `rises` in
`services/catalog/trending_ranks.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from digest.matching.message_catalog import ENGLISH, MessageCatalog

SPARKLINE_POINTS = 8  # counts that a sparkline shows
_BARS = "▁▂▃▄▅▆▇█"
MIN_VOTES = 3  # with fewer, a paper is neither rising nor likely to trend
# Smaller counts are not shown: one vote or a few stars say nothing about a paper; they may be its authors'.
MIN_SHOWN_COUNTS = {"upvotes": 2, "stars": 5, "comments": 2, "citations": 2}
RECENT_DAYS = 3  # whole days since its listing in which a paper may rise without having gained votes since yesterday
LIKELY_PROBABILITY = 0.35  # of the papers at or above it, 40 of 63 entered the trending list within 7 days


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of one paper at one time; None is unknown, not zero.

    `hours`: since its listing (not since its submission). `rank` counts from 1 on a list of `ranked` papers.
    `place`: its place by votes among the `listed` papers listed the same day. `gained`: votes since the last snapshot.
    `age`: days since it was sent to arXiv.
    """

    hours: float | None = None
    votes: int | None = None
    rank: int | None = None
    ranked: int | None = None
    stars: int | None = None
    comments: int | None = None
    code: bool = False
    place: int | None = None
    listed: int | None = None
    gained: int | None = None
    age: float | None = None


def expected_votes(votes: int, hours_since_listing: float) -> float:
    """R = (votes+1)·[((a+24)/a)^0.33 − 1] with a = max(6, hours): the votes expected in the next day. Never shown.

    Orders papers by their votes until the next snapshot as well as anything tried: raw votes reach nDCG@10 .863
    [.843, .883], votes per hour since listing tie; age since submission, z-scores and growth in per cent lose.
    """
    age = max(6.0, hours_since_listing)
    return (max(0, votes) + 1) * (math.pow((age + 24) / age, 0.33) - 1)


def likely_to_trend(votes: int, stars: int, days_since_submission: float) -> float:
    """The probability of entering the trending list within 7 days; the badge is shown from `LIKELY_PROBABILITY` on.

    p = σ(−4.38 + 0.56·ln(1+votes) + 0.76·ln(1+stars) − 0.68·ln(days)); days count as 1 at least. Measured: .796
    against .709 for raw votes (difference +.087 [.018, .157]).
    """
    age = math.log(max(1.0, days_since_submission))
    return _sigmoid(-4.38 + 0.56 * math.log1p(max(0, votes)) + 0.76 * math.log1p(max(0, stars)) - 0.68 * age)


def is_likely_to_trend(signals: Signals) -> bool:
    """Whether to show 'likely to trend': not with few votes, below the upper quarter of its day, or on the list."""
    if signals.votes is None or signals.votes < MIN_VOTES or signals.age is None or signals.rank is not None:
        return False
    if signals.place is not None and signals.listed is not None and 4 * signals.place > signals.listed + 3:
        return False
    return likely_to_trend(signals.votes, signals.stars or 0, signals.age) >= LIKELY_PROBABILITY


def still_rises(signals: Signals) -> bool:
    """True while a paper gains votes, or within RECENT_DAYS of its listing: old votes are no news."""
    return bool(signals.gained and signals.gained > 0) or (signals.hours or 0.0) < 24 * (RECENT_DAYS + 1)


def rank_strength(rank: int, ranked: int | None = None) -> float:
    """How strong a place on a trending page is, above 0 up to 1 for the first; a later place is never stronger.

    Yesterday's order predicts tomorrow's (.934 by persistence), so a place needs no model.
    """
    return 1 / math.sqrt(max(1, min(rank, ranked or rank)))


def strength(signals: Signals) -> float | None:
    """The value by which papers of one field are compared: expected votes, else the rank; None without either.

    Ranks use the scale of a single vote on its first day, so a second vote outweighs any rank.
    """
    if signals.votes is not None:
        return expected_votes(signals.votes, signals.hours or 0.0)
    if signals.rank is not None:
        return rank_strength(signals.rank, signals.ranked)
    return None


def percentiles(values: Mapping[int, tuple[Hashable, float]]) -> dict[int, int]:
    """Each paper's percentile within its field, 0 to 100, from (field, strength) by paper: its share of lower papers.

    Equal papers share the middle of their places, so a field's only paper has 50. Whole numbers, rounded down.
    """
    fields: dict[Hashable, list[float]] = defaultdict(list)
    for kind, value in values.values():
        fields[kind].append(value)
    percentiles_by_field = {kind: _percentile_by_value(strengths) for kind, strengths in fields.items()}
    return {paper: percentiles_by_field[kind][value] for paper, (kind, value) in values.items()}


def explain(signals: Signals, words: MessageCatalog = ENGLISH) -> str:
    """The facts about a rising paper in one line, without small counts; '' where nothing is known.

    '41 votes 10 h after listing, 2nd of 28 listed today; code, 120 stars, likely to trend'
    """
    facts = _vote_facts(signals, words)
    if not facts and signals.rank is not None:
        facts = [_rank_text(signals.rank, signals, words)]
    other_facts = [
        words.localize("code") if signals.code else "",
        words.localize_plural("%(n)s star", "%(n)s stars", stars) if (stars := _shown("stars", signals.stars)) else "",
        words.localize_plural("%(n)s comment", "%(n)s comments", comments)
        if (comments := _shown("comments", signals.comments))
        else "",
        words.localize("likely to trend") if is_likely_to_trend(signals) else "",
    ]
    return "; ".join(part for part in (", ".join(facts), ", ".join(filter(None, other_facts))) if part)


def sparkline(values: Sequence[float]) -> str:
    """The last counts as bars over zero, '▁▂▅▇'; '' for fewer than three, or where nothing was gained."""
    recent = values[-SPARKLINE_POINTS:]
    top = max(recent, default=0)
    if len(recent) < 3 or recent[0] == recent[-1] or top <= 0:
        return ""
    return "".join(_BARS[min(len(_BARS) - 1, int(max(value, 0) * len(_BARS) / top))] for value in recent)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, …, 11th, …, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _vote_facts(signals: Signals, words: MessageCatalog) -> list[str]:
    """Votes, their age, the gain since the last snapshot, and the place among the day's papers; none for few votes."""
    votes = _shown("upvotes", signals.votes)
    if not votes:
        return []
    facts = [_vote_text(votes, signals.hours, words)]
    if _shown("upvotes", signals.gained):
        facts.append(words.localize("+%(gain)s since yesterday", gain=signals.gained))
    if signals.place is not None and signals.listed is not None:
        placement = {"place": ordinal(signals.place), "number": signals.place, "listed": signals.listed}
        if signals.hours is None or signals.hours < 24:
            facts.append(words.localize("%(place)s of %(listed)s listed today", **placement))
        else:
            facts.append(words.localize("%(place)s of %(listed)s listed that day", **placement))
    return facts


def _shown(name: str, count: int | None) -> int:
    """The count, 0 where it is unknown or too small to be shown."""
    return count if count is not None and count >= MIN_SHOWN_COUNTS[name] else 0


def _vote_text(votes: int, hours: float | None, words: MessageCatalog) -> str:
    """The votes and the time since listing: in hours up to two days, then in days."""
    if hours is None:
        return words.localize_plural("%(n)s vote", "%(n)s votes", votes)
    if hours < 48:
        full_hours = max(0, int(hours))
        return words.localize_plural(
            "%(n)s vote %(hours)s h after listing", "%(n)s votes %(hours)s h after listing", votes, hours=full_hours
        )
    days = int(hours // 24)
    return words.localize_plural(
        "%(n)s vote %(days)s days after listing", "%(n)s votes %(days)s days after listing", votes, days=days
    )


def _rank_text(rank: int, signals: Signals, words: MessageCatalog) -> str:
    """The place on which day's trending page, by the hours since listing."""
    days = int((signals.hours or 0) // 24)
    page = (
        words.localize("today's trending page"),
        words.localize("yesterday's trending page"),
        words.localize("the trending page of %(days)s days ago", days=days),
    )[min(days, 2)]
    place = ordinal(rank)
    if signals.ranked:
        return words.localize(
            "%(place)s of %(ranked)s on %(page)s", place=place, number=rank, ranked=signals.ranked, page=page
        )
    return words.localize("%(place)s on %(page)s", place=place, number=rank, page=page)


def _percentile_by_value(values: Iterable[float]) -> dict[float, int]:
    """For each value the percentile of its place: (those below + half of its equals) of all."""
    ordered = sorted(values)
    counts: dict[float, int] = defaultdict(int)
    for value in ordered:
        counts[value] += 1
    percentiles, below = {}, 0
    for value, equal in counts.items():
        percentiles[value] = 100 * (2 * below + equal) // (2 * len(ordered))
        below += equal
    return percentiles


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

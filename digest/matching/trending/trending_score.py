"""Trending: the votes that a paper is expected to gain next, from its signals and its time since listing. Pure.

Order inside a field is by expected votes (by rank where a source only ranks); between fields a percentile decides.
Measured on Hugging Face's votes and ranks (SOURCES: 'Citations and impact', 'Trending formulas'); no count is predicted
to a reader: the reason shown is facts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from digest.matching.query.error_messages import ENGLISH, MessageCatalog

SPARKS = 8  # counts that a sparkline shows
_BARS = "▁▂▃▄▅▆▇█"
LEAST_VOTES = 3  # with fewer, a paper is neither rising nor likely to trend
LIKELY = 0.35  # of the papers at or above it, 40 of 63 entered the trending list within 7 days


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of one paper at one time; None is unknown, not zero.

    `hours`: since its listing (not since its submission). `rank` counts from 1 on a list of `ranked` papers.
    `place`: its place by votes among the `listed` papers listed the same day. `gained`: votes since the last look.
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

    Orders papers by what they gain until the next look as well as anything tried: raw votes reach nDCG@10 .863
    [.843, .883], votes per hour since listing tie; age since submission, z-scores and growth in per cent lose.
    """
    age = max(6.0, hours_since_listing)
    return (max(0, votes) + 1) * (math.pow((age + 24) / age, 0.33) - 1)


def likely_to_trend(votes: int, stars: int, days_since_submission: float) -> float:
    """The probability of entering the trending list within 7 days; the badge stands where it is ≥ `LIKELY`.

    p = σ(−4.38 + 0.56·ln(1+votes) + 0.76·ln(1+stars) − 0.68·ln(days)); days count as 1 at least. Measured: .796
    against .709 for raw votes (difference +.087 [.018, .157]).
    """
    age = math.log(max(1.0, days_since_submission))
    return _sigmoid(-4.38 + 0.56 * math.log1p(max(0, votes)) + 0.76 * math.log1p(max(0, stars)) - 0.68 * age)


def likely(signals: Signals) -> bool:
    """The badge: 'likely to trend'. None with few votes, below the upper quarter of its day, or on the list."""
    if signals.votes is None or signals.votes < LEAST_VOTES or signals.age is None or signals.rank is not None:
        return False
    if signals.place is not None and signals.listed is not None and 4 * signals.place > signals.listed + 3:
        return False
    return likely_to_trend(signals.votes, signals.stars or 0, signals.age) >= LIKELY


def rank_strength(rank: int, ranked: int | None = None) -> float:
    """How strong a place on a trending page is, above 0 up to 1 for the first; a later place is never stronger.

    Yesterday's order is nearly all there is to tomorrow's (.934 by persistence), so a place needs no model.
    """
    return 1 / math.sqrt(max(1, min(rank, ranked or rank)))


def strength(signals: Signals) -> float | None:
    """What papers of one field are compared by: expected votes, else the rank; None without either.

    Ranks stand on the scale of one vote's first day, so that any second vote outweighs a mere place.
    """
    if signals.votes is not None:
        return expected_votes(signals.votes, signals.hours or 0.0)
    if signals.rank is not None:
        return rank_strength(signals.rank, signals.ranked)
    return None


def percentiles(values: Mapping[int, tuple[Hashable, float]]) -> dict[int, int]:
    """Each paper's percentile within its field, 0 to 100, from (field, strength) by paper: the share it stands above.

    Equal papers share the middle of their places, so a field's only paper has 50. Whole numbers, rounded down.
    """
    fields: dict[Hashable, list[float]] = defaultdict(list)
    for kind, value in values.values():
        fields[kind].append(value)
    places = {kind: _places(found) for kind, found in fields.items()}
    return {paper: places[kind][value] for paper, (kind, value) in values.items()}


def explain(signals: Signals, words: MessageCatalog = ENGLISH) -> str:
    """The facts behind a riser in one line; '' where nothing is known.

    '41 votes 10 h after listing, 2nd of 28 listed today; code, 120 stars, likely to trend'
    """
    facts = _votes(signals, words)
    if not facts and signals.rank is not None:
        facts = [_ranked(signals.rank, signals, words)]
    beside = [
        words.translate("code") if signals.code else "",
        words.translate_plural("%(n)s star", "%(n)s stars", signals.stars) if signals.stars else "",
        words.translate_plural("%(n)s comment", "%(n)s comments", signals.comments) if signals.comments else "",
        words.translate("likely to trend") if likely(signals) else "",
    ]
    return "; ".join(part for part in (", ".join(facts), ", ".join(filter(None, beside))) if part)


def sparkline(values: Sequence[float]) -> str:
    """The last counts as bars over zero, '▁▂▅▇'; '' for fewer than three, or where nothing was gained."""
    last = values[-SPARKS:]
    top = max(last, default=0)
    if len(last) < 3 or last[0] == last[-1] or top <= 0:
        return ""
    return "".join(_BARS[min(len(_BARS) - 1, int(max(value, 0) * len(_BARS) / top))] for value in last)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, …, 11th, …, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _votes(signals: Signals, words: MessageCatalog) -> list[str]:
    """Votes, when, the gain since the last look, and the place among the day's papers."""
    if signals.votes is None:
        return []
    facts = [_voted(signals.votes, signals.hours, words)]
    if signals.gained is not None and signals.gained > 0:
        facts.append(words.translate("+%(gain)s since yesterday", gain=signals.gained))
    if signals.place is not None and signals.listed is not None:
        told = {"place": ordinal(signals.place), "number": signals.place, "listed": signals.listed}
        if signals.hours is None or signals.hours < 24:
            facts.append(words.translate("%(place)s of %(listed)s listed today", **told))
        else:
            facts.append(words.translate("%(place)s of %(listed)s listed that day", **told))
    return facts


def _voted(votes: int, hours: float | None, words: MessageCatalog) -> str:
    """So many votes, and how long after listing: in hours up to two days, then in days."""
    if hours is None:
        return words.translate_plural("%(n)s vote", "%(n)s votes", votes)
    if hours < 48:
        time = max(0, int(hours))
        return words.translate_plural(
            "%(n)s vote %(hours)s h after listing", "%(n)s votes %(hours)s h after listing", votes, hours=time
        )
    days = int(hours // 24)
    return words.translate_plural(
        "%(n)s vote %(days)s days after listing", "%(n)s votes %(days)s days after listing", votes, days=days
    )


def _ranked(rank: int, signals: Signals, words: MessageCatalog) -> str:
    """The place on which day's trending page, by the hours since listing."""
    days = int((signals.hours or 0) // 24)
    page = (
        words.translate("today's trending page"),
        words.translate("yesterday's trending page"),
        words.translate("the trending page of %(days)s days ago", days=days),
    )[min(days, 2)]
    place = ordinal(rank)
    if signals.ranked:
        return words.translate(
            "%(place)s of %(ranked)s on %(page)s", place=place, number=rank, ranked=signals.ranked, page=page
        )
    return words.translate("%(place)s on %(page)s", place=place, number=rank, page=page)


def _places(values: Iterable[float]) -> dict[float, int]:
    """For each value the percentile of its place: (those below + half of its equals) of all."""
    ordered = sorted(values)
    count: dict[float, int] = defaultdict(int)
    for value in ordered:
        count[value] += 1
    places, below = {}, 0
    for value, equal in count.items():
        places[value] = 100 * (2 * below + equal) // (2 * len(ordered))
        below += equal
    return places


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

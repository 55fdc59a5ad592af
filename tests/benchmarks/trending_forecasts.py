"""Forecasts that were tried and that the service does not use; `trending` measures them beside the service's formulas.

They know a paper's content, its stars and its earlier ranks. The service orders by `trending_score.strength` and shows
its badge by `trending_score.likely_to_trend`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from digest.matching.trending.content_prior import PaperProperties
from digest.matching.trending.trending_score import expected_votes

STARS_LIMIT = 100  # what any number of stars counts for at most


def trending_entry_log_odds(votes: int, stars: int, days_since_submission: float, content: PaperProperties) -> float:
    """The log-odds of entering the trending list within 7 days, from votes, stars, age, code and project page.

    −4.95 + 0.51·ln(1+votes) + 0.73·ln(1+stars/(1+stars/100)) − 0.91·ln(days) + 0.64·(code + project page); days count
    as 1 at least. Stars have a limit because a repository with thousands of them is older than the paper. A logistic
    regression on the days before 3 June 2026; on those after it nDCG@10 is .768 (`python -m
    tests.benchmarks.trending_entry_fit SHARED`).
    """
    age = math.log(max(1.0, days_since_submission))
    stars = max(0, stars)
    counts = 0.51 * math.log1p(max(0, votes)) + 0.73 * math.log1p(stars / (1 + stars / STARS_LIMIT))
    return -4.95 + counts - 0.91 * age + 0.64 * (content.code + content.project)


def persistence_score(ranks: Sequence[int], gain: float) -> float:
    """Tomorrow's list: −ln(place) + 0.05·(places gained since the look before), ties moved by the votes expected.

    `ranks`: places so far, the latest last. Larger is higher; no rank is below all. The 0.05 is fitted on the first
    half of the days; on the others nDCG@10 is .960 a day ahead and .888 three days ahead, by the order alone .955 and
    .883 (differences +.006 [−.008, .023] and +.005 [−.000, .011]; bench-trending).
    """
    if not ranks:
        return -1000.0
    places_gained = ranks[-2] - ranks[-1] if len(ranks) > 1 else 0
    return -math.log(max(1, ranks[-1])) + 0.05 * places_gained + 0.0001 * math.log1p(max(0.0, gain))


def expected_growth(votes: int, hours_since_listing: float, content: PaperProperties) -> float:
    """R·(1+authors)^0.2: the expected votes until the next snapshot, for evaluation; many authors gain a little more.

    The 0.2 is fitted on the first half of the days; on the others nDCG@10 is .783, raw votes reach .775 (difference
    +.007 [−.004, .017]) and R alone .773: too little to use it for subscribers' lists, which are ordered by R.
    """
    return expected_votes(votes, hours_since_listing) * math.pow(1 + max(0, content.authors), 0.2)

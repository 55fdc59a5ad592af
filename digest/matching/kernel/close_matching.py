"""Close matches, in machine code: papers for which no topic holds, with a relevance above the threshold."""

from __future__ import annotations

from digest.matching.kernel.array_layout import CLOSE, CompiledProfiles, PaperArrays, Requests, Workspace
from digest.matching.kernel.bitsets import CERTAIN, FOLLOWING, POSSIBLY_CLOSE
from digest.matching.kernel.candidate_papers import apply_limits, find_strict
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.profile_decoding import (
    BOUND,
    CLOSE_COUNT,
    FLAGS,
    FLOOR,
    LEAST,
    SERIAL,
    WITH_CLOSE,
    WORDS,
    bounds,
    decode,
)
from digest.matching.kernel.score_accumulation import add_all, add_extras
from digest.matching.kernel.simd import larger_in_block, lowest_bit

CLOSE_A_DAY = 3


@inlined
def may_be_close(book: CompiledProfiles, day: PaperArrays, work: Workspace, tau: int) -> bool:
    """True where all words of the profile together could lift a paper over the threshold."""
    if not (work.s[WITH_CLOSE] and work.s[FLAGS] & CLOSE):
        return False
    bounds(book, day, work)
    work.s[LEAST] = max(tau, work.s[FLOOR] - 1)
    return bool(work.s[FLOOR] > 0 and work.s[BOUND] > work.s[LEAST])


@inlined
def find_close(day: PaperArrays, work: Workspace, tau: int) -> None:
    """Find the close papers by their sums. Without a threshold (−1) the best of each day."""
    work.s[CLOSE_COUNT] = 0
    least = work.s[LEAST]
    for j in range(work.sets.shape[1]):
        bits = work.sets[POSSIBLY_CLOSE, j] & ~work.sets[FOLLOWING, j]
        bits &= larger_in_block(work.sums, j << 6, least) if bits else 0
        while bits:
            work.close_papers[work.s[CLOSE_COUNT]] = (j << 6) + lowest_bit(bits)
            work.s[CLOSE_COUNT] += 1
            bits &= bits - 1
    if tau < 0:
        _best_of_each_day(day, work)


@inlined
def _best_of_each_day(day: PaperArrays, work: Workspace) -> None:
    """Keep the three most relevant of each announcement, ties by id. Each day has one spare entry."""
    days = len(work.days) // (CLOSE_A_DAY + 1)
    for i in range(work.s[CLOSE_COUNT]):
        paper = work.close_papers[i]
        relevance = work.sums[paper]
        base = day.papers[paper].announcement * (CLOSE_A_DAY + 1)
        if work.days[base].stamp != work.s[SERIAL]:
            work.days[base].stamp = work.s[SERIAL]
            work.days[base].count = 0
        place = base + work.days[base].count
        work.days[base].count = min(work.days[base].count + 1, CLOSE_A_DAY)
        while place > base and _less(day, work, place - 1, paper, relevance):
            work.days[place].worth = work.days[place - 1].worth
            work.days[place].paper = work.days[place - 1].paper
            place -= 1
        work.days[place].worth, work.days[place].paper = relevance, paper
    work.s[CLOSE_COUNT] = 0
    for date in range(days):
        base = date * (CLOSE_A_DAY + 1)
        if work.days[base].stamp == work.s[SERIAL]:
            for place in range(base, base + work.days[base].count):
                work.close_papers[work.s[CLOSE_COUNT]] = work.days[place].paper
                work.s[CLOSE_COUNT] += 1


@inlined
def _less(day: PaperArrays, work: Workspace, place: int, paper: int, relevance: int) -> bool:
    """True where a slot's paper is less relevant than another one, or equally relevant and after it by id."""
    other = work.days[place].worth
    return bool(
        other < relevance or (other == relevance and day.papers[work.days[place].paper].tie < day.papers[paper].tie)
    )


@entry
def thresholds(book: CompiledProfiles, day: PaperArrays, ask: Requests, work: Workspace, rank: int) -> None:
    """τ: the `rank`-th largest relevance of allowed papers that no topic matches as written; 0 for fewer papers."""
    for row in range(len(ask.rows) - 1):
        decode(book, work, ask.rows[row].row)
        find_strict(book, day, work)
        apply_limits(book, day, ask, work, row)
        for j in range(work.sets.shape[1]):
            work.sets[CERTAIN, j] = work.sets[POSSIBLY_CLOSE, j]
        add_all(day, work, work.plain, work.s[WORDS], work.sets[CERTAIN], work.sums)
        add_extras(book, day, work)
        for i in range(rank):
            work.best[i] = 0
        for j in range(work.sets.shape[1]):
            bits = work.sets[POSSIBLY_CLOSE, j]
            bits &= larger_in_block(work.sums, j << 6, work.best[rank - 1]) if bits else 0
            while bits:
                _among(work, rank, work.sums[(j << 6) + lowest_bit(bits)])
                bits &= bits - 1
        ask.rows[row].tau = work.best[rank - 1]


@inlined
def _among(work: Workspace, rank: int, value: int) -> None:
    """Insert a value into the sorted list of the best, if it is one of them."""
    place = rank - 1
    if value <= work.best[place]:
        return
    while place > 0 and work.best[place - 1] < value:
        work.best[place] = work.best[place - 1]
        place -= 1
    work.best[place] = value

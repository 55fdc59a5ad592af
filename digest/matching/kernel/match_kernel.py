"""Match many profiles against a set of papers, in machine code: select, order and cap the papers of each.

Sets of papers are bitsets, and relevances are summed for all papers at once; only papers that are returned are
looked at one by one.
"""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import (
    FOLLOWED,
    REASONS_BATCH,
    CompiledProfiles,
    MatchArrays,
    PaperArrays,
    Requests,
    Workspace,
)
from digest.matching.kernel.bitsets import ALREADY_SENT, BLOCKS, CERTAIN, FOLLOWING, POSSIBLY_CLOSE, contains
from digest.matching.kernel.candidate_papers import apply_limits, find_strict
from digest.matching.kernel.close_matching import find_close, may_be_close, thresholds
from digest.matching.kernel.explanations import write_note
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.match_reasons import best_topic, kind_of, load_batch, measure_notes
from digest.matching.kernel.order_keys import ALL, CAPPED, RANKED, TOP, order_key, score_of, sort_keys
from digest.matching.kernel.profile_decoding import (
    BAR,
    BEST_COUNT,
    BEST_LIMIT,
    CAP_AT,
    CLOSE_COUNT,
    FOLLOWS,
    LARGEST,
    LIKE_AT,
    MODE,
    MOST,
    RANKED_MOST,
    TIES,
    WORDS,
    decode,
    prefetch_rows,
)
from digest.matching.kernel.score_accumulation import add_all, add_extras, add_likes, add_phrases
from digest.matching.kernel.simd import bound_of_best, count_bits, larger_in_block, lowest_bit
from digest.matching.kernel.topic_slots import any_topic_left_out, give_slots, is_full

__all__ = ["ALL", "CAPPED", "RANKED", "run", "thresholds"]

_SORTED = 64  # up to this number of papers are kept sorted while they arrive; more are sorted at the end
_MANY = 24  # from this number of papers on, a bound that rules most of them out pays off


@entry
def run(
    book: CompiledProfiles, day: PaperArrays, ask: Requests, work: Workspace, output: MatchArrays, begin: int
) -> int:
    """Match rows from `begin` until all are done or the output is full. Returns the row to continue with."""
    last = len(ask.rows) - 2
    for row in range(begin, last + 1):
        prefetch_rows(book, day, ask.rows[min(row + 1, last)].row, ask.rows[min(row + 2, last)].row)
        decode(book, work, ask.rows[row].row)
        keys = 0
        certain = find_strict(book, day, work)
        close_possible = may_be_close(book, day, work, ask.rows[row].tau)
        if certain or close_possible:
            apply_limits(book, day, ask, work, row)
            keys = _order(book, day, work, ask.rows[row].tau, close_possible)
        if not _tell(book, day, work, output, row, keys):
            return row
    return last + 1


@inlined
def _order(book: CompiledProfiles, day: PaperArrays, work: Workspace, tau: int, close_possible: bool) -> int:
    """Order the strict, followed and close papers that were not sent, best first. Returns their number."""
    s, certain = work.s, work.sets[CERTAIN]
    number = 0
    for j in range(len(certain)):
        number += count_bits(certain[j])
    if not number and not close_possible:
        s[BEST_COUNT] = 0
        return 0
    _add(book, day, work, number, close_possible)
    s[BEST_LIMIT], s[BEST_COUNT], s[BAR] = _wanted(work), 0, -1
    if number:
        _offer_all(day, work, number)
    if close_possible:
        find_close(day, work, tau)
        for i in range(s[CLOSE_COUNT]):
            if not contains(work.sets[ALREADY_SENT], work.close_papers[i]):
                _offer(day, work, work.close_papers[i])
                number += 1
    if s[BEST_LIMIT] > _SORTED:
        sort_keys(work.best, s[BEST_COUNT])
        s[BEST_COUNT] = min(s[BEST_COUNT], s[BEST_LIMIT])
    return int(number)


@inlined
def _add(book: CompiledProfiles, day: PaperArrays, work: Workspace, number: int, close_possible: bool) -> None:
    """Sum the relevances of certain matches and, if close matches are possible, of the other papers."""
    s, certain = work.s, work.sets[CERTAIN]
    for j in range(len(certain)):
        work.sets[BLOCKS, j] = certain[j] | (work.sets[POSSIBLY_CLOSE, j] if close_possible else 0)
    add_all(day, work, work.plain, s[WORDS], work.sets[BLOCKS], work.sums)
    if s[LIKE_AT] >= 0:
        add_likes(book, day, work)
    if number:
        add_phrases(book, day, work)
        add_extras(book, day, work)


@inlined
def _offer_all(day: PaperArrays, work: Workspace, number: int) -> None:
    """Order the certain matches. A lower bound of the best scores rules many of them out at once."""
    s, certain = work.s, work.sets[CERTAIN]
    if number > _MANY and s[BEST_LIMIT] <= REASONS_BATCH and s[MODE] != RANKED and not s[FOLLOWS]:
        s[BAR] = bound_of_best(work.sums, certain, s[BEST_LIMIT]) * (500 if s[LIKE_AT] >= 0 else 1000)
    bar, least = -1, -1
    for j in range(len(certain)):
        bits = certain[j]
        if bits and s[BAR] > 0:
            if s[BAR] != bar:
                bar = s[BAR]
                least = (bar - 1) // s[LARGEST]
            bits &= larger_in_block(work.sums, j << 6, least)
        while bits:
            _offer(day, work, (j << 6) + lowest_bit(bits))
            bits &= bits - 1


@inlined
def _wanted(work: Workspace) -> int:
    """How many of the best papers may be returned."""
    if work.s[MODE] == RANKED:
        return int(work.s[RANKED_MOST])
    if work.s[MODE] == ALL or work.s[CAP_AT] >= 0:
        return TOP
    limit_of_papers = work.s[MOST]
    for j in range(work.sets.shape[1] if work.s[FOLLOWS] else 0):
        limit_of_papers += count_bits(work.sets[CERTAIN, j] & work.sets[FOLLOWING, j])
    return int(limit_of_papers)


@inlined
def _offer(day: PaperArrays, work: Workspace, paper: int) -> None:
    """Insert a paper among the best so far, if it is one of them; long lists are only appended to and sorted later."""
    s, keys = work.s, work.best
    if np.int64(work.sums[paper]) * day.papers[paper].factor < s[BAR]:
        return
    place, key = s[BEST_COUNT], order_key(day, work, paper)
    if s[BEST_LIMIT] > _SORTED:
        keys[place] = key
        s[BEST_COUNT] += 1
        return
    if place == s[BEST_LIMIT]:
        if not place or key < keys[place - 1]:
            return
        place -= 1
    s[BEST_COUNT] = place + 1
    while place > 0 and keys[place - 1] < key:
        keys[place] = keys[place - 1]
        place -= 1
    keys[place] = key
    if s[BEST_COUNT] == s[BEST_LIMIT] and s[MODE] != RANKED and not s[FOLLOWS]:
        s[BAR] = (keys[s[BEST_COUNT] - 1] >> TIES) * (500 if s[LIKE_AT] >= 0 else 1000)


@inlined
def _tell(book: CompiledProfiles, day: PaperArrays, work: Workspace, output: MatchArrays, row: int, keys: int) -> bool:
    """Write the best papers that the caps admit, with a slot for each topic in a title. False if the output is full."""
    s, record = work.s, output.rows[row]
    top = s[BEST_COUNT] if keys else 0
    record.total = keys
    size = measure_notes(book, day, work, record) if top else 0
    if record.first + top > len(output.papers) or record.note_at + top * size > len(output.notes):
        return False
    capped = s[MODE] == CAPPED
    while True:
        behind = _write(book, day, work, output, row, top, size, capped)
        top = behind - record.first
        if not capped or top == keys or not any_topic_left_out(book, day, work, output, record.first, behind):
            break
        if not give_slots(book, day, work, output, record.first, behind):
            break
        capped = False
    output.rows[row + 1].first, output.rows[row + 1].note_at = behind, record.note_at + top * size
    return True


@inlined
def _write(
    book: CompiledProfiles,
    day: PaperArrays,
    work: Workspace,
    output: MatchArrays,
    row: int,
    top: int,
    size: int,
    capped: bool,
) -> int:
    """Write the first `top` papers in order, those that the caps admit. Returns where the next row's papers begin."""
    s, record = work.s, output.rows[row]
    number_of_hits, at, used_places = record.first, record.note_at, 0
    for i in range(top):
        if i % REASONS_BATCH == 0:
            load_batch(book, day, work, i, min(top - i, REASONS_BATCH))
        place = i % REASONS_BATCH
        paper = work.batch[place]
        kind = kind_of(work, place, s[FOLLOWS] and contains(work.sets[FOLLOWING], paper))
        limited = capped and not kind & FOLLOWED
        if limited and used_places >= s[MOST]:
            break
        topic = best_topic(work, place)
        if limited:
            if is_full(book, work, topic):
                continue
            used_places += 1
            work.topics[topic].used += 1
        write_note(book, day, work, place, output, at, record)
        hit = output.papers[number_of_hits]
        hit.paper, hit.kind, hit.topic, hit.relevance = paper, kind, topic, work.sums[paper]
        hit.score = score_of(day, work, paper)
        number_of_hits += 1
        at += size
    return int(number_of_hits)

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
    RowRequests,
    Workspace,
)
from digest.matching.kernel.bitsets import ALREADY_SENT, CERTAIN, FOLLOWED_AUTHORS, POSSIBLY_CLOSE, SUMMED, contains
from digest.matching.kernel.candidate_scan import apply_limits, find_strict
from digest.matching.kernel.close_matching import find_close, find_possibly_close, may_be_close, thresholds
from digest.matching.kernel.example_matching import add_examples
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.match_reasons import best_topic, kind_of, load_batch, measure_notes
from digest.matching.kernel.order_keys import ALL, CAPPED, FOLLOWED_BONUS, RANKED, order_key, sort_descending
from digest.matching.kernel.profile_decoding import (
    BEST_COUNT,
    BEST_LIMIT,
    CAP_AT,
    CLOSE_COUNT,
    EXAMPLE_AT,
    HAS_FOLLOWED,
    LIKE_AT,
    MAX_FACTOR,
    MODE,
    PAPER_LIMIT,
    RANKED_LIMIT,
    SCORE_BOUND,
    TIE_BITS,
    WITH_CONTEXTS,
    WORD_COUNT,
    decode,
    prefetch_rows,
)
from digest.matching.kernel.result_writing import write_paper
from digest.matching.kernel.score_accumulation import add_extras, add_likes, add_phrases, add_word_sums
from digest.matching.kernel.simd import bound_of_best, count_bits, larger_in_block, lowest_bit
from digest.matching.kernel.topic_slots import any_topic_left_out, give_slots, is_full

__all__ = ["ALL", "CAPPED", "RANKED", "match_rows", "thresholds"]

_MAX_INSERTION_SORT = 64  # up to this number of papers are kept sorted while they arrive; more are sorted at the end
_MIN_FOR_BOUND = 24  # from this number of papers on, a bound that rules most of them out pays off


@entry
def match_rows(
    profiles: CompiledProfiles,
    index: PaperArrays,
    requests: RowRequests,
    workspace: Workspace,
    output: MatchArrays,
    begin: int,
) -> int:
    """Match rows from `begin` until all are done or the output is full. Returns the row to continue with."""
    last = len(requests.rows) - 2
    for row in range(begin, last + 1):
        prefetch_rows(profiles, index, requests.rows[min(row + 1, last)].row, requests.rows[min(row + 2, last)].row)
        decode(profiles, workspace, requests.rows[row].row)
        workspace.scalars[WITH_CONTEXTS] = requests.rows[row].with_contexts
        keys = 0
        certain = find_strict(profiles, index, workspace)
        close_possible = may_be_close(profiles, index, workspace, requests.rows[row].tau)
        if certain or close_possible:
            apply_limits(profiles, index, requests, workspace, row)
            keys = _rank_papers(profiles, index, workspace, requests.rows[row].tau, close_possible)
        if not _write_results(profiles, index, workspace, output, row, keys):
            return row
    return last + 1


@inlined
def _rank_papers(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, tau: int, close_possible: bool
) -> int:
    """Order the strict, followed and close papers that were not sent, best first. Returns their number."""
    s, certain = workspace.scalars, workspace.sets[CERTAIN]
    count = 0
    for j in range(len(certain)):
        count += count_bits(certain[j])
    if close_possible:
        close_possible = find_possibly_close(profiles, index, workspace)
    if not count and not close_possible:
        s[BEST_COUNT] = 0
        return 0
    _sum_relevances(profiles, index, workspace, count, close_possible)
    s[BEST_LIMIT], s[BEST_COUNT], s[SCORE_BOUND] = _max_ranked(workspace), 0, -1
    if count:
        _insert_certain(index, workspace, count)
    if close_possible:
        find_close(profiles, index, workspace, tau)
        for i in range(s[CLOSE_COUNT]):
            if not contains(workspace.sets[ALREADY_SENT], workspace.close_papers[i]):
                _insert_paper(index, workspace, workspace.close_papers[i])
                count += 1
    if s[BEST_LIMIT] > _MAX_INSERTION_SORT:
        sort_descending(workspace.best_keys, s[BEST_COUNT])
        s[BEST_COUNT] = min(s[BEST_COUNT], s[BEST_LIMIT])
    return int(count)


@inlined
def _sum_relevances(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, count: int, close_possible: bool
) -> None:
    """Sum the relevances of certain matches and, if close matches are possible, of the other papers."""
    s, certain = workspace.scalars, workspace.sets[CERTAIN]
    for j in range(len(certain)):
        workspace.sets[SUMMED, j] = certain[j] | (workspace.sets[POSSIBLY_CLOSE, j] if close_possible else 0)
    add_word_sums(index, workspace, workspace.plain_words, s[WORD_COUNT], workspace.sets[SUMMED], workspace.sums)
    if s[LIKE_AT] >= 0:
        add_likes(profiles, index, workspace)
    if count:
        add_phrases(profiles, index, workspace)
        add_extras(profiles, index, workspace)
    if s[EXAMPLE_AT] >= 0:
        add_examples(profiles, index, workspace, workspace.sets[SUMMED])


@inlined
def _insert_certain(index: PaperArrays, workspace: Workspace, count: int) -> None:
    """Order the certain matches. A lower bound of the best scores rules many of them out at once."""
    s, certain = workspace.scalars, workspace.sets[CERTAIN]
    if count > _MIN_FOR_BOUND and s[BEST_LIMIT] <= REASONS_BATCH and s[MODE] != RANKED and not s[HAS_FOLLOWED]:
        s[SCORE_BOUND] = bound_of_best(workspace.sums, certain, s[BEST_LIMIT]) * (500 if s[LIKE_AT] >= 0 else 1000)
    bound, minimum = -1, -1
    for j in range(len(certain)):
        bits = certain[j]
        if bits and s[SCORE_BOUND] > 0:
            if s[SCORE_BOUND] != bound:
                bound = s[SCORE_BOUND]
                minimum = (bound - 1) // s[MAX_FACTOR]
            bits &= larger_in_block(workspace.sums, j << 6, minimum)
        while bits:
            _insert_paper(index, workspace, (j << 6) + lowest_bit(bits))
            bits &= bits - 1


@inlined
def _max_ranked(workspace: Workspace) -> int:
    """How many of the best papers may be returned."""
    if workspace.scalars[MODE] == RANKED:
        return int(workspace.scalars[RANKED_LIMIT])
    if workspace.scalars[MODE] == ALL or workspace.scalars[CAP_AT] >= 0:
        return FOLLOWED_BONUS
    max_papers = workspace.scalars[PAPER_LIMIT]
    for j in range(workspace.sets.shape[1] if workspace.scalars[HAS_FOLLOWED] else 0):
        max_papers += count_bits(workspace.sets[CERTAIN, j] & workspace.sets[FOLLOWED_AUTHORS, j])
    return int(max_papers)


@inlined
def _insert_paper(index: PaperArrays, workspace: Workspace, paper: int) -> None:
    """Insert a paper among the best so far, if it is one of them; long lists are only appended to and sorted later."""
    s, keys = workspace.scalars, workspace.best_keys
    if np.int64(workspace.sums[paper]) * index.papers[paper].factor < s[SCORE_BOUND]:
        return
    slot, key = s[BEST_COUNT], order_key(index, workspace, paper)
    if s[BEST_LIMIT] > _MAX_INSERTION_SORT:
        keys[slot] = key
        s[BEST_COUNT] += 1
        return
    if slot == s[BEST_LIMIT]:
        if not slot or key < keys[slot - 1]:
            return
        slot -= 1
    s[BEST_COUNT] = slot + 1
    while slot > 0 and keys[slot - 1] < key:
        keys[slot] = keys[slot - 1]
        slot -= 1
    keys[slot] = key
    if s[BEST_COUNT] == s[BEST_LIMIT] and s[MODE] != RANKED and not s[HAS_FOLLOWED]:
        s[SCORE_BOUND] = (keys[s[BEST_COUNT] - 1] >> TIE_BITS) * (500 if s[LIKE_AT] >= 0 else 1000)


@inlined
def _write_results(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, output: MatchArrays, row: int, keys: int
) -> bool:
    """Write the best papers within the limits, with a slot for each topic in a title. False if the output is full."""
    s, record = workspace.scalars, output.rows[row]
    best_count = s[BEST_COUNT] if keys else 0
    record.total = keys
    size = measure_notes(profiles, index, workspace, record) if best_count else 0
    if record.first + best_count > len(output.papers) or record.note_at + best_count * size > len(output.notes):
        return False
    end = _write_papers(profiles, index, workspace, output, row, best_count)
    is_cut_off = s[MODE] == CAPPED and end - record.first < keys
    if is_cut_off and any_topic_left_out(profiles, index, workspace, output, record.first, end):
        give_slots(profiles, index, workspace, output, row, end)
    output.rows[row + 1].first, output.rows[row + 1].note_at = end, record.note_at + (end - record.first) * size
    return True


@inlined
def _write_papers(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    output: MatchArrays,
    row: int,
    best_count: int,
) -> int:
    """Write the first papers in order, those that the caps admit. Returns where the next row's papers begin."""
    s, record = workspace.scalars, output.rows[row]
    count = 0
    for i in range(best_count):
        if i % REASONS_BATCH == 0:
            load_batch(profiles, index, workspace, i, min(best_count - i, REASONS_BATCH))
        lane = i % REASONS_BATCH
        kind, topic = kind_of(profiles, workspace, lane), best_topic(workspace, lane)
        if s[MODE] == CAPPED and not kind & FOLLOWED:
            if count >= s[PAPER_LIMIT]:
                break
            if is_full(profiles, workspace, topic):
                continue
            workspace.topics[topic].used += 1
        write_paper(profiles, index, workspace, output, record, lane, count, kind, topic)
        count += 1
    return int(record.first + count)

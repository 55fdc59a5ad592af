"""Close matches, in machine code: papers for which no topic holds, with a relevance above the threshold."""

from __future__ import annotations

from digest.matching.kernel.array_layout import CLOSE, CompiledProfiles, PaperArrays, RowRequests, Workspace
from digest.matching.kernel.bitsets import ADMITTED, CERTAIN, FOLLOWED_AUTHORS, POSSIBLY_CLOSE, is_not_empty
from digest.matching.kernel.candidate_scan import apply_limits, find_strict
from digest.matching.kernel.example_matching import add_examples, do_topics_admit, is_similar
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.profile_decoding import (
    CLOSE_COUNT,
    CLOSE_ENABLED,
    EXAMPLE_AT,
    FLAGS,
    FLOOR,
    MAX_WORD_SUM,
    MIN_CLOSE,
    SERIAL,
    WORD_COUNT,
    compute_bounds,
    decode,
)
from digest.matching.kernel.score_accumulation import add_extras, add_word_sums
from digest.matching.kernel.simd import larger_in_block, lowest_bit
from digest.matching.kernel.topic_admission import find_admitted, find_contexts, may_topics_admit
from digest.matching.scoring.parameters import CLOSE_PAPERS_PER_DAY


@inlined
def may_be_close(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, tau: int) -> bool:
    """True where all words of the profile together could lift a paper over the threshold, or it has examples."""
    has_examples = workspace.scalars[EXAMPLE_AT] >= 0
    if has_examples:
        compute_bounds(profiles, index, workspace)
        find_contexts(profiles, index, workspace)
    if not (workspace.scalars[CLOSE_ENABLED] and workspace.scalars[FLAGS] & CLOSE):
        return False
    if has_examples:
        workspace.scalars[MIN_CLOSE] = max(tau, 0)
        return True
    compute_bounds(profiles, index, workspace)
    workspace.scalars[MIN_CLOSE] = max(tau, workspace.scalars[FLOOR] - 1)
    if workspace.scalars[FLOOR] <= 0 or workspace.scalars[MAX_WORD_SUM] <= workspace.scalars[MIN_CLOSE]:
        return False
    find_contexts(profiles, index, workspace)
    return may_topics_admit(profiles, index, workspace)


@inlined
def find_possibly_close(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> bool:
    """Find the papers that topics admit; without examples only these may be close. False if there are none."""
    possible, admitted = workspace.sets[POSSIBLY_CLOSE], workspace.sets[ADMITTED]
    find_admitted(profiles, index, workspace, possible)
    if workspace.scalars[EXAMPLE_AT] >= 0:
        return True
    for j in range(len(possible)):
        possible[j] = admitted[j]
    return is_not_empty(possible)


@inlined
def find_close(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, tau: int) -> None:
    """Find the close papers by their sums. Without a threshold (−1) the best of each day."""
    workspace.scalars[CLOSE_COUNT] = 0
    has_examples, minimum = workspace.scalars[EXAMPLE_AT] >= 0, workspace.scalars[MIN_CLOSE]
    for j in range(workspace.sets.shape[1]):
        bits = workspace.sets[POSSIBLY_CLOSE, j] & ~workspace.sets[FOLLOWED_AUTHORS, j]
        bits &= larger_in_block(workspace.sums, j << 6, minimum) if bits else 0
        while bits:
            paper = (j << 6) + lowest_bit(bits)
            bits &= bits - 1
            if not has_examples or is_similar(profiles, workspace, paper) or do_topics_admit(workspace, paper):
                workspace.close_papers[workspace.scalars[CLOSE_COUNT]] = paper
                workspace.scalars[CLOSE_COUNT] += 1
    if tau < 0:
        _best_of_each_day(index, workspace)


@inlined
def _best_of_each_day(index: PaperArrays, workspace: Workspace) -> None:
    """Keep the three most relevant of each announcement, ties by id. Each day has one spare entry."""
    days = len(workspace.close_by_day) // (CLOSE_PAPERS_PER_DAY + 1)
    for i in range(workspace.scalars[CLOSE_COUNT]):
        paper = workspace.close_papers[i]
        relevance = workspace.sums[paper]
        base = index.papers[paper].announcement * (CLOSE_PAPERS_PER_DAY + 1)
        if workspace.close_by_day[base].stamp != workspace.scalars[SERIAL]:
            workspace.close_by_day[base].stamp = workspace.scalars[SERIAL]
            workspace.close_by_day[base].count = 0
        slot = base + workspace.close_by_day[base].count
        workspace.close_by_day[base].count = min(workspace.close_by_day[base].count + 1, CLOSE_PAPERS_PER_DAY)
        while slot > base and _is_less_relevant(index, workspace, slot - 1, paper, relevance):
            workspace.close_by_day[slot].relevance = workspace.close_by_day[slot - 1].relevance
            workspace.close_by_day[slot].paper = workspace.close_by_day[slot - 1].paper
            slot -= 1
        workspace.close_by_day[slot].relevance, workspace.close_by_day[slot].paper = relevance, paper
    workspace.scalars[CLOSE_COUNT] = 0
    for day in range(days):
        base = day * (CLOSE_PAPERS_PER_DAY + 1)
        if workspace.close_by_day[base].stamp == workspace.scalars[SERIAL]:
            for slot in range(base, base + workspace.close_by_day[base].count):
                workspace.close_papers[workspace.scalars[CLOSE_COUNT]] = workspace.close_by_day[slot].paper
                workspace.scalars[CLOSE_COUNT] += 1


@inlined
def _is_less_relevant(index: PaperArrays, workspace: Workspace, slot: int, paper: int, relevance: int) -> bool:
    """True where a slot's paper is less relevant than another one, or equally relevant and after it by id."""
    other = workspace.close_by_day[slot].relevance
    return bool(
        other < relevance
        or (other == relevance and index.papers[workspace.close_by_day[slot].paper].tie < index.papers[paper].tie)
    )


@entry
def thresholds(
    profiles: CompiledProfiles, index: PaperArrays, requests: RowRequests, workspace: Workspace, rank: int
) -> None:
    """τ: the `rank`-th largest relevance of allowed papers that no topic matches as written; 0 for fewer papers."""
    for row in range(len(requests.rows) - 1):
        decode(profiles, workspace, requests.rows[row].row)
        find_strict(profiles, index, workspace)
        apply_limits(profiles, index, requests, workspace, row)
        for j in range(workspace.sets.shape[1]):
            workspace.sets[CERTAIN, j] = workspace.sets[POSSIBLY_CLOSE, j]
        add_word_sums(
            index,
            workspace,
            workspace.plain_words,
            workspace.scalars[WORD_COUNT],
            workspace.sets[CERTAIN],
            workspace.sums,
        )
        add_extras(profiles, index, workspace)
        if workspace.scalars[EXAMPLE_AT] >= 0:
            add_examples(profiles, index, workspace, workspace.sets[CERTAIN])
        for i in range(rank):
            workspace.best_keys[i] = 0
        for j in range(workspace.sets.shape[1]):
            bits = workspace.sets[POSSIBLY_CLOSE, j]
            bits &= larger_in_block(workspace.sums, j << 6, workspace.best_keys[rank - 1]) if bits else 0
            while bits:
                _insert_value(workspace, rank, workspace.sums[(j << 6) + lowest_bit(bits)])
                bits &= bits - 1
        requests.rows[row].tau = workspace.best_keys[rank - 1]


@inlined
def _insert_value(workspace: Workspace, rank: int, value: int) -> None:
    """Insert a value into the sorted list of the best, if it is one of them."""
    slot = rank - 1
    if value <= workspace.best_keys[slot]:
        return
    while slot > 0 and workspace.best_keys[slot - 1] < value:
        workspace.best_keys[slot] = workspace.best_keys[slot - 1]
        slot -= 1
    workspace.best_keys[slot] = value

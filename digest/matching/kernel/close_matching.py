"""Close matches, in machine code: papers for which no topic holds, with a relevance above the threshold."""

from __future__ import annotations

from digest.matching.kernel.array_layout import CLOSE, CompiledProfiles, PaperArrays, Requests, Workspace
from digest.matching.kernel.bitsets import CERTAIN, FOLLOWED_AUTHORS, POSSIBLY_CLOSE
from digest.matching.kernel.candidate_papers import apply_limits, find_strict
from digest.matching.kernel.jit import entry, inlined
from digest.matching.kernel.profile_decoding import (
    CLOSE_COUNT,
    CLOSE_ENABLED,
    FLAGS,
    FLOOR,
    MAX_WORD_SUM,
    MIN_CLOSE,
    PROFILE_TERMS_AT,
    SERIAL,
    TOPIC_AT,
    TOPIC_COUNT,
    UNIT_WEIGHT,
    WORD_COUNT,
    compute_bounds,
    decode,
    impact_of,
)
from digest.matching.kernel.score_accumulation import add_extras, add_word_sums
from digest.matching.kernel.simd import larger_in_block, lowest_bit
from digest.matching.scoring.parameters import ABSTRACT_TF, CLOSE_PAPERS_PER_DAY, K1_MILLE, WHOLE_TOPIC_WORDS


@inlined
def may_be_close(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, tau: int) -> bool:
    """True where all words of the profile together could lift a paper over the threshold."""
    if not (workspace.scalars[CLOSE_ENABLED] and workspace.scalars[FLAGS] & CLOSE):
        return False
    compute_bounds(profiles, index, workspace)
    workspace.scalars[MIN_CLOSE] = max(tau, workspace.scalars[FLOOR] - 1)
    return bool(workspace.scalars[FLOOR] > 0 and workspace.scalars[MAX_WORD_SUM] > workspace.scalars[MIN_CLOSE])


@inlined
def find_close(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, tau: int) -> None:
    """Find the close papers by their sums and words. Without a threshold (−1) the best of each day."""
    workspace.scalars[CLOSE_COUNT] = 0
    minimum = workspace.scalars[MIN_CLOSE]
    for j in range(workspace.sets.shape[1]):
        bits = workspace.sets[POSSIBLY_CLOSE, j] & ~workspace.sets[FOLLOWED_AUTHORS, j]
        bits &= larger_in_block(workspace.sums, j << 6, minimum) if bits else 0
        while bits:
            paper = (j << 6) + lowest_bit(bits)
            if _has_close_words(profiles, index, workspace, paper):
                workspace.close_papers[workspace.scalars[CLOSE_COUNT]] = paper
                workspace.scalars[CLOSE_COUNT] += 1
            bits &= bits - 1
    if tau < 0:
        _best_of_each_day(index, workspace)


@inlined
def _has_close_words(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int) -> bool:
    """True where a paper has all words of a topic, one of them in its title, or there one that several topics share."""
    s = workspace.scalars
    for i in range(s[WORD_COUNT]):
        word = workspace.plain_words[0, i]
        if workspace.plain_words[1, i] > UNIT_WEIGHT and _is_title_word(
            index, paper, word, impact_of(index, paper, word)
        ):
            return True
    first_term = s[PROFILE_TERMS_AT]
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        head, end = index.query_heads[query], first_term + index.query_heads[query].profile_terms
        may_be_whole = head.plain and end >= first_term + WHOLE_TOPIC_WORDS
        if may_be_whole and _has_whole_topic(profiles, index, workspace, first_term, end, paper):
            return True
        first_term = end
    return False


@inlined
def _has_whole_topic(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, first_term: int, end: int, paper: int
) -> bool:
    """True where a paper has all words of these profile terms, at least one of them in its title."""
    in_title = False
    for i in range(first_term, end):
        word = workspace.plain_words[0, profiles.stream[i] & 0xFFFF]
        word_impact = impact_of(index, paper, word)
        if word_impact < 0:
            return False
        in_title |= _is_title_word(index, paper, word, word_impact)
    return in_title


@inlined
def _is_title_word(index: PaperArrays, paper: int, word: int, word_impact: int) -> bool:
    """`bm25.is_in_title`."""
    in_abstract = (
        index.words[word].idf * ABSTRACT_TF * (1000 + K1_MILLE) // (1000 * ABSTRACT_TF + index.papers[paper].norm)
    )
    return bool(word_impact > in_abstract)


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
    profiles: CompiledProfiles, index: PaperArrays, requests: Requests, workspace: Workspace, rank: int
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

"""The papers that topics admit as close, in machine code: by their contexts and the words that the papers hold."""

from __future__ import annotations

from digest.matching.kernel.array_layout import (
    I64,
    NO_CONTEXT,
    UNKNOWN_CONTEXT,
    CompiledProfiles,
    PaperArrays,
    Workspace,
)
from digest.matching.kernel.bitsets import (
    ADMITTED,
    HOLDING,
    NEAR,
    NEAR_TOPIC,
    NEAR_TWO,
    WITH_RAREST,
    WITH_WORD,
    clear,
    is_not_empty,
    unite,
)
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import PROFILE_TERMS_AT, TOPIC_AT, TOPIC_COUNT, WITH_CONTEXTS, impact_of
from digest.matching.kernel.simd import lowest_bit
from digest.matching.scoring.bm25 import words_needed
from digest.matching.scoring.parameters import COMPLETE_IDF, COMPLETE_WORDS, FLOOR_WORDS, TOPIC_WEIGHT

least_words = inlined(words_needed)


@inlined
def find_contexts(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Clear `WITH_CONTEXTS` where the context of a topic is unknown."""
    s = workspace.scalars
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if s[WITH_CONTEXTS] and query >= 0 and index.query_heads[query].plain:
            is_known = index.near_row[query] != UNKNOWN_CONTEXT
            s[WITH_CONTEXTS] = is_known or not index.query_heads[query].profile_terms


@inlined
def may_topics_admit(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> bool:
    """False where contexts are unknown and no topic has words that are rare together."""
    s = workspace.scalars
    if s[WITH_CONTEXTS]:
        return True
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query >= 0 and index.query_heads[query].plain and _are_words_rare(index, query):
            return True
    return False


@inlined
def _are_words_rare(index: PaperArrays, query: int) -> bool:
    """False where all words of a plain topic weigh less than those that a paper must hold without contexts."""
    return index.query_heads[query].profile_terms > FLOOR_WORDS or _rarely_meet(index, query)


@inlined
def _rarely_meet(index: PaperArrays, query: int) -> bool:
    """True where papers hardly have all of a topic's words by chance; `floor` is the sum of the four heaviest."""
    return bool(index.query_heads[query].floor >= TOPIC_WEIGHT * COMPLETE_IDF)


@inlined
def find_admitted(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, papers: I64) -> None:
    """Of these papers find those that the contexts of topics or the words that they hold admit: the set ADMITTED.

    Such a paper is near the context of a topic and holds its words, or near the contexts of two and holds the rarest
    word of one; of a topic without a context it has all words, if these rarely meet. Where contexts are unknown, it
    holds words of a topic that are rare together.
    """
    s, sets, first_term = workspace.scalars, workspace.sets, workspace.scalars[PROFILE_TERMS_AT]
    clear(sets[ADMITTED])
    if s[WITH_CONTEXTS]:
        clear(sets[NEAR])
        clear(sets[NEAR_TWO])
        clear(sets[WITH_RAREST])
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        words = index.query_heads[query].profile_terms
        if words and index.query_heads[query].plain:
            if s[WITH_CONTEXTS] and index.near_row[query] != NO_CONTEXT:
                _admit_near(profiles, index, workspace, papers, query, first_term)
            elif s[WITH_CONTEXTS]:
                if _rarely_meet(index, query):
                    _hold_all(profiles, index, workspace, papers, first_term, words)
                    unite(sets[ADMITTED], sets[HOLDING])
            elif _are_words_rare(index, query):
                _hold_words(profiles, index, workspace, papers, first_term, words)
                unite(sets[ADMITTED], sets[HOLDING])
        first_term += words
    for j in range(len(papers) if s[WITH_CONTEXTS] else 0):
        sets[ADMITTED, j] |= sets[NEAR_TWO, j] & sets[WITH_RAREST, j]


@inlined
def _admit_near(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, papers: I64, query: int, first_term: int
) -> None:
    """Admit the papers near a topic's context that hold its words; mark those near two, and with the rarest word."""
    sets, near, words = workspace.sets, index.near_sets[index.near_row[query]], index.query_heads[query].profile_terms
    for j in range(len(papers)):
        sets[NEAR_TOPIC, j] = near[j] & papers[j]
        sets[NEAR_TWO, j] |= sets[NEAR, j] & sets[NEAR_TOPIC, j]
        sets[NEAR, j] |= sets[NEAR_TOPIC, j]
    if not is_not_empty(sets[NEAR_TOPIC]):
        return
    _hold_rarest(profiles, index, workspace, sets[NEAR_TOPIC], first_term, words)
    unite(sets[WITH_RAREST], sets[HOLDING])
    _hold_words(profiles, index, workspace, sets[NEAR_TOPIC], first_term, words)
    unite(sets[ADMITTED], sets[HOLDING])


@inlined
def _hold_words(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, papers: I64, first_term: int, words: int
) -> None:
    """Find the papers that hold a topic's words: all of up to three; of more the rarest and enough others."""
    if words <= COMPLETE_WORDS:
        _hold_all(profiles, index, workspace, papers, first_term, words)
        return
    _hold_rarest(profiles, index, workspace, papers, first_term, words)
    holding = workspace.sets[HOLDING]
    for j in range(len(holding)):
        bits = holding[j]
        while bits:
            if not _holds_enough(profiles, index, workspace, (j << 6) + lowest_bit(bits), first_term, words):
                holding[j] &= ~(bits & -bits)
            bits &= bits - 1


@inlined
def _hold_all(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, papers: I64, first_term: int, words: int
) -> None:
    """Find the papers that have all words of a topic."""
    holding, with_word = workspace.sets[HOLDING], workspace.sets[WITH_WORD]
    for j in range(len(papers)):
        holding[j] = papers[j]
    for i in range(first_term, first_term + words):
        word = workspace.plain_words[0, profiles.stream[i] & 0xFFFF]
        row = index.words[word].row
        if not row:
            clear(with_word)
            _add_papers_with(index, with_word, holding, word)
        for j in range(len(holding)):
            holding[j] = holding[j] & index.word_sets[row, j] if row else with_word[j]


@inlined
def _hold_rarest(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, papers: I64, first_term: int, words: int
) -> None:
    """Find the papers that have the rarest word of a topic, or one of the rarest."""
    largest = 0
    for i in range(first_term, first_term + words):
        largest = max(largest, index.words[workspace.plain_words[0, profiles.stream[i] & 0xFFFF]].idf)
    clear(workspace.sets[HOLDING])
    for i in range(first_term, first_term + words):
        word = workspace.plain_words[0, profiles.stream[i] & 0xFFFF]
        if index.words[word].idf == largest:
            _add_papers_with(index, workspace.sets[HOLDING], papers, word)


@inlined
def _add_papers_with(index: PaperArrays, row: I64, papers: I64, word: int) -> None:
    """Add those of some papers that have a word."""
    if index.words[word].row:
        word_set = index.word_sets[index.words[word].row]
        for j in range(len(row)):
            row[j] |= word_set[j] & papers[j]
        return
    for i in range(index.words[word].at, index.words[word + 1].at):
        paper = index.postings[i].paper
        if index.postings[i].impact > 0:
            row[paper >> 6] |= papers[paper >> 6] & 1 << (paper & 63)


@inlined
def _holds_enough(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int, first_term: int, words: int
) -> bool:
    """True where a paper has enough words of a long topic, and without contexts these are rare together."""
    held = held_idf = 0
    for i in range(first_term, first_term + words):
        word = workspace.plain_words[0, profiles.stream[i] & 0xFFFF]
        if impact_of(index, paper, word) > 0:
            held += 1
            held_idf += index.words[word].idf
    return held >= least_words(words) and (workspace.scalars[WITH_CONTEXTS] != 0 or held_idf >= COMPLETE_IDF)

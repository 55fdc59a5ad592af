"""Which papers the topics admit as close ones, in machine code: by contexts and by the words that papers hold."""

from __future__ import annotations

from digest.matching.kernel.array_layout import NO_CONTEXT, UNKNOWN_CONTEXT, CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.bitsets import contains
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.profile_decoding import PROFILE_TERMS_AT, TOPIC_AT, TOPIC_COUNT, WITH_CONTEXTS, impact_of
from digest.matching.scoring.bm25 import words_needed
from digest.matching.scoring.parameters import COMPLETE_IDF, NEAR_TOPICS

least_words = inlined(words_needed)


@inlined
def find_contexts(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Clear `WITH_CONTEXTS` where the context of a topic is unknown."""
    s = workspace.scalars
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query >= 0 and index.query_heads[query].plain and index.query_heads[query].profile_terms:
            s[WITH_CONTEXTS] &= index.near_row[query] != UNKNOWN_CONTEXT


@separate
def has_topic(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int) -> bool:
    """True where the contexts of topics or the words that the paper holds admit it.

    It is near the context of a topic and holds its words, or near the contexts of two and holds the rarest word of one;
    of a topic without a context it has all words. Where contexts are unknown, it holds words of a topic that are rare
    together.
    """
    s, near_topics, has_rarest, first_term = workspace.scalars, 0, False, workspace.scalars[PROFILE_TERMS_AT]
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        words, row = index.query_heads[query].profile_terms, index.near_row[query]
        if words and index.query_heads[query].plain and _may_admit(index, workspace, row, paper):
            held, held_idf, holds_rarest = _held_words(profiles, index, workspace, paper, first_term, words)
            holds_words = holds_rarest and held >= least_words(words)
            if not s[WITH_CONTEXTS]:
                is_admitted = holds_words and held_idf >= COMPLETE_IDF
            elif row == NO_CONTEXT:
                is_admitted = held == words
            else:
                near_topics += 1
                has_rarest |= holds_rarest
                is_admitted = holds_words or (has_rarest and near_topics >= NEAR_TOPICS)
            if is_admitted:
                return True
        first_term += words
    return False


@inlined
def _may_admit(index: PaperArrays, workspace: Workspace, row: int, paper: int) -> bool:
    """False for a paper that is not near the context of a topic; `row`: of its set of near papers."""
    return not workspace.scalars[WITH_CONTEXTS] or row == NO_CONTEXT or contains(index.near_sets[row], paper)


@inlined
def _held_words(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int, first_term: int, words: int
) -> tuple[int, int, bool]:
    """How many of a topic's words a paper has, their idf together, and whether the rarest is one of them."""
    held = held_idf = largest = 0
    largest_held = -1
    for i in range(first_term, first_term + words):
        word = workspace.plain_words[0, profiles.stream[i] & 0xFFFF]
        idf = index.words[word].idf
        largest = max(largest, idf)
        if impact_of(index, paper, word) > 0:
            held += 1
            held_idf += idf
            largest_held = max(largest_held, idf)
    return held, held_idf, largest_held == largest

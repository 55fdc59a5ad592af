"""Which papers the topics admit as close ones, in machine code: by contexts and by the words that papers hold."""

from __future__ import annotations

from digest.matching.kernel.array_layout import NO_CONTEXT, UNKNOWN_CONTEXT, CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.bitsets import contains
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.profile_decoding import PROFILE_TERMS_AT, TOPIC_AT, TOPIC_COUNT, WITH_CONTEXTS, impact_of
from digest.matching.scoring.parameters import COMPLETE_IDF, COMPLETE_WORDS, NEAR_TOPICS


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

    It is near the context of a topic and holds its words, or near the contexts of two; of a topic without a context it
    has all words. Where contexts are unknown, it holds words of a topic that are rare together.
    """
    s, near_topics, first_term = workspace.scalars, 0, workspace.scalars[PROFILE_TERMS_AT]
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        words, row = index.query_heads[query].profile_terms, index.near_row[query]
        if words and index.query_heads[query].plain:
            least_words, least_idf = min(words, COMPLETE_WORDS + max(0, words - COMPLETE_WORDS) // 2), 0
            if not s[WITH_CONTEXTS]:
                least_idf = COMPLETE_IDF
            elif row == NO_CONTEXT:
                least_words = words
            elif contains(index.near_sets[row], paper):
                near_topics += 1
            else:
                least_words = words + 1  # more than it can hold
            if near_topics == NEAR_TOPICS:
                return True
            if least_words <= words and _holds(
                profiles, index, workspace, paper, first_term, words, least_words, least_idf
            ):
                return True
        first_term += words
    return False


@inlined
def _holds(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    paper: int,
    first_term: int,
    words: int,
    least_words: int,
    least_idf: int,
) -> bool:
    """True where a paper has so many of a topic's words, with so much idf together."""
    words_held = total_idf = 0
    for i in range(first_term, first_term + words):
        word = workspace.plain_words[0, profiles.stream[i] & 0xFFFF]
        if impact_of(index, paper, word) > 0:
            words_held += 1
            total_idf += index.words[word].idf
    return words_held >= least_words and total_idf >= least_idf

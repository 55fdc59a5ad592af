"""Which words a close paper must have, in machine code."""

from __future__ import annotations

from digest.matching.kernel.array_layout import CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import (
    FLOOR,
    PROFILE_TERMS_AT,
    TOPIC_AT,
    TOPIC_COUNT,
    UNIT_WEIGHT,
    WORD_COUNT,
    impact_of,
)
from digest.matching.scoring.parameters import ABSTRACT_TF, EXAMPLE_UNIT, K1_MILLE, WHOLE_TOPIC_WORDS


@inlined
def is_close_to_topics(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int) -> bool:
    """True where the topics admit a paper by themselves: without what the example papers add to its sum."""
    floor = workspace.scalars[FLOOR]
    reaches_floor = floor > 0 and workspace.sums[paper] - workspace.example_gains[paper] // EXAMPLE_UNIT >= floor
    return bool(reaches_floor and has_close_words(profiles, index, workspace, paper))


@inlined
def has_close_words(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int) -> bool:
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

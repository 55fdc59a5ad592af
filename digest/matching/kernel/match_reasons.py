"""Reasons of matches, in machine code: the gain of each topic is summed for a batch of papers at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import (
    EXAMPLE,
    FOLLOWED,
    REASONS_BATCH,
    STRICT,
    CompiledProfiles,
    PaperArrays,
    Workspace,
)
from digest.matching.kernel.bitsets import FOLLOWED_AUTHORS, contains
from digest.matching.kernel.example_matching import hide_topics, is_similar
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import (
    BIT_COUNT,
    EXAMPLE_AT,
    EXPLAIN,
    HAS_FOLLOWED,
    KEY_COUNT,
    PROFILE_TERMS_AT,
    SATISFIED_TOPICS,
    TIE_MASK,
    TOPIC_AT,
    TOPIC_COUNT,
    UNIT_WEIGHT,
    WORD_COUNT,
    impact_of,
    position_of,
)
from digest.matching.kernel.simd import add_in_lanes, larger_in_lanes, lowest_bit


@inlined
def measure_notes(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, row: Any) -> int:
    """Compute where each topic's profile terms begin. Returns the bytes of one paper's note."""
    s = workspace.scalars
    first_term = terms = 0
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        workspace.topics[topic].first_term = first_term
        workspace.topics[topic].used = 0
        if query >= 0:
            first_term += index.query_heads[query].profile_terms
            terms += profiles.queries[query + 1].term_at - profiles.queries[query].term_at if s[EXPLAIN] else 0
    workspace.topics[s[TOPIC_COUNT]].first_term = first_term
    workspace.topics[-1].used = 0  # of papers without a topic, which only examples admit
    row.masks = (s[BIT_COUNT] + 7) >> 3
    row.terms = (terms + 7) >> 3
    row.topics = s[TOPIC_COUNT] if s[EXPLAIN] else 0
    return int(row.masks + row.terms + row.topics)


@inlined
def load_batch(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, begin: int, count: int) -> None:
    """Load a batch of the best papers, with the topics that hold for them and the gain of each topic."""
    s = workspace.scalars
    for i in range(count):
        workspace.batch[i] = index.paper_of_tie[workspace.best_keys[begin + i] & TIE_MASK]
        workspace.lane_of_paper[workspace.batch[i]] = i
    for key in range(s[KEY_COUNT]):
        gains = workspace.key_gains[key]
        for i in range(REASONS_BATCH):
            gains[i] = -1
        if key < s[WORD_COUNT]:
            _load_word_gains(index, workspace, count, key)
    for topic in range(s[TOPIC_COUNT]):
        workspace.satisfied_in[topic] = 0
        for i in range(REASONS_BATCH):
            workspace.phrase_gains[topic, i] = 0
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query >= 0 and index.query_heads[query].plain:
            head = index.query_heads[query]
            workspace.satisfied_in[topic] = _papers_with_atom(
                index, workspace, count, head.set, head.at, head.end, topic, -1, head.profile_terms
            )
        elif query >= 0:
            _find_query_terms(profiles, index, workspace, count, topic)
    for topic in range(s[TOPIC_COUNT]):
        _sum_topic_gain(profiles, index, workspace, topic)
    if s[EXAMPLE_AT] >= 0:
        hide_topics(profiles, index, workspace, count)
    for i in range(count):
        workspace.lane_of_paper[workspace.batch[i]] = -1


@inlined
def _load_word_gains(index: PaperArrays, workspace: Workspace, count: int, key: int) -> None:
    """The gain of a word of plain topics in each paper of the batch."""
    word, weight, gains = workspace.plain_words[0, key], workspace.plain_words[1, key], workspace.key_gains[key]
    if index.words[word].row:
        row = index.dense[index.words[word].row]
        for i in range(count):
            impact = row[workspace.batch[i]]
            gains[i] = weight * impact - (impact == 0)
        return
    for posting in range(index.words[word].at, index.words[word + 1].at):
        lane = workspace.lane_of_paper[index.postings[posting].paper]
        if lane >= 0:
            gains[lane] = weight * index.postings[posting].impact


@inlined
def _papers_with_atom(
    index: PaperArrays,
    workspace: Workspace,
    count: int,
    set_row: int,
    begin: int,
    end: int,
    topic: int,
    allowed: int,
    profile_terms: int,
) -> int:
    """The papers of the batch for which an atom holds, as bits. A phrase also adds its extra gain to the topic."""
    bits = np.int64(0)
    if not set_row:
        for position in range(begin, end):
            lane = workspace.lane_of_paper[index.atom_paper[position]]
            if lane >= 0 and allowed >> lane & 1:
                bits |= np.int64(1) << lane
                workspace.phrase_gains[topic, lane] += index.phrase_gain[position]
        return int(bits)
    row = index.sets[set_row]
    for i in range(count):
        bits |= np.int64(contains(row, workspace.batch[i])) << i
    bits &= allowed
    remaining = bits if profile_terms > 1 else 0
    while remaining:
        lane = lowest_bit(remaining)
        remaining &= remaining - 1
        workspace.phrase_gains[topic, lane] += index.phrase_gain[position_of(index, begin, end, workspace.batch[lane])]
    return int(bits)


@inlined
def _find_query_terms(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, count: int, topic: int
) -> None:
    """Find the profile terms of a query in the papers for which both the query and the term match."""
    s, query = workspace.scalars, profiles.stream[workspace.scalars[TOPIC_AT] + topic]
    holds_in = np.int64(0)
    for i in range(count if s[SATISFIED_TOPICS] >> topic & 1 else 0):
        holds_in |= np.int64(contains(workspace.topic_sets[topic], workspace.batch[i])) << i
    workspace.satisfied_in[topic] = holds_in
    first_term = workspace.topics[topic].first_term
    if not holds_in:
        for i in range(first_term, workspace.topics[topic + 1].first_term):
            workspace.found_in[i] = 0
        return
    for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
        first, profile_terms = (
            profiles.terms[term].profile_term_at,
            profiles.terms[term + 1].profile_term_at - profiles.terms[term].profile_term_at,
        )
        atom = profiles.terms[term].atom
        begin, end = index.atom_at[atom], index.atom_at[atom + 1]
        found_in = _papers_with_atom(
            index, workspace, count, index.atom_set[atom], begin, end, topic, int(holds_in), profile_terms
        )
        for i in range(profile_terms):
            workspace.found_in[first_term + i] = found_in
            _load_term_gains(
                profiles,
                index,
                workspace,
                found_in,
                profiles.stream[s[PROFILE_TERMS_AT] + first_term + i] & 0xFFFF,
                profiles.profile_term_ids[first + i],
            )
        first_term += profile_terms


@inlined
def _load_term_gains(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, found_in: int, key: int, profile_term_id: int
) -> None:
    """Set the gain of a profile term in the papers that have it, unless it is set already."""
    profile_term, gains = profiles.profile_terms[profile_term_id], workspace.key_gains[key]
    remaining = found_in & ~larger_in_lanes(gains, 0, -1)
    while remaining:
        lane = lowest_bit(remaining)
        remaining &= remaining - 1
        gains[lane] = UNIT_WEIGHT * (
            profile_term.fixed
            if profile_term.word < 0
            else max(impact_of(index, workspace.batch[lane], profile_term.word), 0)
        )


@inlined
def _sum_topic_gain(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, topic: int) -> None:
    """The gain of a topic in each paper of the batch, each key of a query once; -1 where nothing was found."""
    query, gain, holds_in = (
        profiles.stream[workspace.scalars[TOPIC_AT] + topic],
        workspace.topic_gains[topic],
        workspace.satisfied_in[topic],
    )
    for i in range(REASONS_BATCH):
        gain[i] = -1
    if query < 0:
        return
    plain, first, end = (
        index.query_heads[query].plain,
        workspace.topics[topic].first_term,
        workspace.topics[topic + 1].first_term,
    )
    for position in range(first, end if plain or holds_in else first):
        key = profiles.stream[workspace.scalars[PROFILE_TERMS_AT] + position] & 0xFFFF
        gains = workspace.key_gains[key]
        if plain:
            found_in = workspace.found_in[position] = larger_in_lanes(gains, 0, -1)
        else:
            found_in = workspace.found_in[position]
            for earlier in range(first, position):
                if profiles.stream[workspace.scalars[PROFILE_TERMS_AT] + earlier] & 0xFFFF == key:
                    found_in &= ~workspace.found_in[earlier]
        add_in_lanes(gain, gains, found_in)
    add_in_lanes(gain, workspace.phrase_gains[topic], holds_in)


@inlined
def best_topic(workspace: Workspace, lane: int) -> int:
    """The topic with the largest gain in a paper of the batch, the first of equals; -1 for none."""
    best_topic, largest_gain = -1, np.int32(-1)
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        if workspace.topic_gains[topic, lane] > largest_gain:
            best_topic, largest_gain = topic, workspace.topic_gains[topic, lane]
    return best_topic


@inlined
def kind_of(profiles: CompiledProfiles, workspace: Workspace, lane: int) -> int:
    """The flags of a paper of the batch: STRICT, FOLLOWED and EXAMPLE; 0 for a match that is close to topics."""
    s, paper, kind = workspace.scalars, workspace.batch[lane], 0
    for topic in range(s[TOPIC_COUNT]):
        kind |= STRICT if workspace.satisfied_in[topic] >> lane & 1 else 0
    if s[HAS_FOLLOWED] and contains(workspace.sets[FOLLOWED_AUTHORS], paper):
        kind |= FOLLOWED
    if s[EXAMPLE_AT] >= 0 and is_similar(profiles, workspace, paper):
        kind |= EXAMPLE
    return kind

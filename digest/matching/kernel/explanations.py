"""Notes that explain a match, in machine code: the mask of terms, the topics, and the terms by which they match."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import CompiledProfiles, MatchArrays, PaperArrays, Workspace
from digest.matching.kernel.bitsets import atom_holds
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import PROFILE_TERMS_AT, TOPIC_AT, TOPIC_COUNT


@inlined
def _sort_topics(workspace: Workspace, lane: int) -> int:
    """Sort the topics with a gain in a paper of the batch, best first. Returns their number."""
    count = 0
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        gain = workspace.topic_gains[topic, lane]
        if gain < 0:
            continue
        slot = count
        while slot > 0 and workspace.topics[slot - 1].gain < gain:
            workspace.topics[slot].topic, workspace.topics[slot].gain = (
                workspace.topics[slot - 1].topic,
                workspace.topics[slot - 1].gain,
            )
            slot -= 1
        workspace.topics[slot].topic, workspace.topics[slot].gain = topic, gain
        count += 1
    return count


@inlined
def write_note(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    lane: int,
    output: MatchArrays,
    offset: int,
    row: Any,
) -> None:
    """Write a note: the mask and, with explanations, the terms by which topics hold and the topics.

    After the first, a topic that does not hold is listed only if most of its words match and one of them is new.
    """
    if not row.topics:
        _write_mask(profiles, workspace, lane, output, offset, row.masks)
        return
    topic_at = offset + row.masks + row.terms
    for i in range(offset, topic_at + row.topics):
        output.notes[i] = 0 if i < topic_at else 255
    for i in range(_sort_topics(workspace, lane)):
        topic = workspace.topics[i].topic
        is_satisfied = workspace.satisfied_in[topic] >> lane & 1
        doubled_bits = _mark_topic(profiles, workspace, lane, topic, output, offset)
        if (
            is_satisfied
            or i == 0
            or doubled_bits > workspace.topics[topic + 1].first_term - workspace.topics[topic].first_term
        ):
            output.notes[topic_at] = topic
            topic_at += 1
        if is_satisfied:
            _mark_terms(profiles, index, workspace, workspace.batch[lane], topic, output, offset + row.masks)


@inlined
def _write_mask(
    profiles: CompiledProfiles, workspace: Workspace, lane: int, output: MatchArrays, offset: int, size: int
) -> None:
    """The mask alone, eight bytes at a time."""
    for begin in range(0, size, 8):
        mask = np.int64(0)
        for i in range(workspace.topics[workspace.scalars[TOPIC_COUNT]].first_term):
            bit = (profiles.stream[workspace.scalars[PROFILE_TERMS_AT] + i] >> 16) - (begin << 3)
            mask |= (workspace.found_in[i] >> lane & 1) << bit if 0 <= bit < 64 else 0
        for i in range(begin, min(begin + 8, size)):
            output.notes[offset + i] = mask & 255
            mask >>= 8


@inlined
def _mark_topic(
    profiles: CompiledProfiles, workspace: Workspace, lane: int, topic: int, output: MatchArrays, offset: int
) -> int:
    """Set a topic's bits in the mask. Returns twice their number, 0 if none of them is new."""
    bit_count, has_new_bit = 0, 0
    for i in range(workspace.topics[topic].first_term, workspace.topics[topic + 1].first_term):
        if workspace.found_in[i] >> lane & 1:
            bit = profiles.stream[workspace.scalars[PROFILE_TERMS_AT] + i] >> 16
            byte = offset + (bit >> 3)
            has_new_bit |= ~(output.notes[byte] >> (bit & 7)) & 1
            output.notes[byte] |= 1 << (bit & 7)
            bit_count += 1
    return 2 * bit_count if has_new_bit else 0


@inlined
def _mark_terms(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    paper: int,
    topic: int,
    output: MatchArrays,
    offset: int,
) -> None:
    """Set the bits of the terms by which a topic holds, numbered through the profile."""
    bit = 0
    for earlier_topic in range(topic):
        query = profiles.stream[workspace.scalars[TOPIC_AT] + earlier_topic]
        if query >= 0:
            bit += profiles.queries[query + 1].term_at - profiles.queries[query].term_at
    query = profiles.stream[workspace.scalars[TOPIC_AT] + topic]
    for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
        if atom_holds(index, profiles.terms[term].atom, paper):
            output.notes[offset + (bit >> 3)] |= 1 << (bit & 7)
        bit += 1

"""Example papers, in machine code: similarities, and which papers they admit."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I64, CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.bitsets import ADMITTED, STACK, clear, contains, is_not_empty
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.profile_decoding import EXAMPLE_AT, FLOOR, TOPIC_COUNT
from digest.matching.kernel.score_accumulation import add_word_sums
from digest.matching.kernel.simd import lowest_bit
from digest.matching.kernel.topic_admission import find_admitted
from digest.matching.scoring.parameters import EXAMPLE_UNIT


@separate
def add_examples(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, blocks: I64) -> None:
    """Add the similarities of these papers to their relevances."""
    offset = workspace.scalars[EXAMPLE_AT]
    for i in range(profiles.stream[offset]):
        workspace.liked_words[0, i] = profiles.stream[offset + 2 + 2 * i]
        workspace.liked_words[1, i] = profiles.stream[offset + 3 + 2 * i]
    add_word_sums(index, workspace, workspace.liked_words, profiles.stream[offset], blocks, workspace.example_gains)
    for j in range(len(blocks)):
        bits = blocks[j]
        while bits:
            paper = (j << 6) + lowest_bit(bits)
            bits &= bits - 1
            workspace.sums[paper] += workspace.example_gains[paper] // EXAMPLE_UNIT


@inlined
def is_similar(profiles: CompiledProfiles, workspace: Workspace, paper: int) -> bool:
    """True where the example papers admit the paper."""
    floor = profiles.stream[workspace.scalars[EXAMPLE_AT] + 1]
    return bool(workspace.example_gains[paper] // EXAMPLE_UNIT >= floor)


@inlined
def do_topics_admit(workspace: Workspace, paper: int) -> bool:
    """True for a paper in the set ADMITTED that reaches the floor of close papers by the topics' words alone."""
    floor = workspace.scalars[FLOOR]
    relevance = workspace.sums[paper] - workspace.example_gains[paper] // EXAMPLE_UNIT
    return bool(floor > 0 and relevance >= floor and contains(workspace.sets[ADMITTED], paper))


@separate
def hide_topics(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, count: int) -> None:
    """Remove the topics' gains and terms of the batch's papers that only the examples admit."""
    topics = workspace.scalars[TOPIC_COUNT]
    holds_in = np.int64(0)
    for topic in range(topics):
        holds_in |= workspace.satisfied_in[topic]
    similar = workspace.sets[STACK]
    clear(similar)
    for lane in range(count):
        paper = workspace.batch[lane]
        if not holds_in >> lane & 1 and is_similar(profiles, workspace, paper):
            similar[paper >> 6] |= np.int64(1) << (paper & 63)
    if not is_not_empty(similar):
        return
    find_admitted(profiles, index, workspace, similar)
    for lane in range(count):
        paper = workspace.batch[lane]
        if holds_in >> lane & 1 or not is_similar(profiles, workspace, paper) or do_topics_admit(workspace, paper):
            continue
        for topic in range(topics):
            workspace.topic_gains[topic, lane] = -1
        for i in range(workspace.topics[topics].first_term):
            workspace.found_in[i] &= ~(np.int64(1) << lane)

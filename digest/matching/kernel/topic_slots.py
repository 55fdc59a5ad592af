"""Slots for topics that stand in titles and have too few, in machine code: docs/MATCHING.md, "Selection"."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import FOLLOWED, CompiledProfiles, MatchArrays, PaperArrays, Workspace
from digest.matching.kernel.bitsets import CERTAIN, SELECTED, add_titles, clear, contains
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.match_reasons import best_topic, kind_of, load_batch
from digest.matching.kernel.order_keys import FOLLOWED_BONUS, order_key
from digest.matching.kernel.profile_decoding import CAP_AT, PAPER_LIMIT, SATISFIED_TOPICS, TOPIC_AT, TOPIC_COUNT
from digest.matching.kernel.result_writing import sort_papers, write_paper
from digest.matching.kernel.simd import count_bits, lowest_bit
from digest.matching.scoring.parameters import TITLE_SLOTS

_ANY_TOPIC = -2  # a topic that has room


@inlined
def is_full(profiles: CompiledProfiles, workspace: Workspace, topic: int) -> bool:
    """True where a topic has as many papers as its cap admits; a negative one has no cap."""
    cap = _cap(profiles, workspace, topic)
    return bool(0 <= cap <= workspace.topics[topic].used)


@inlined
def _cap(profiles: CompiledProfiles, workspace: Workspace, topic: int) -> int:
    """A topic's cap, −1 without one."""
    return (
        int(profiles.stream[workspace.scalars[CAP_AT] + topic]) if workspace.scalars[CAP_AT] >= 0 and topic >= 0 else -1
    )


@inlined
def any_topic_left_out(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, output: MatchArrays, first: int, end: int
) -> bool:
    """True where a topic stands in the title of a paper not selected, and of too few selected ones.

    Finds the set of selected papers, and of each topic its papers in the title and how many of them are selected.
    """
    s, selected = workspace.scalars, workspace.sets[SELECTED]
    if s[TOPIC_COUNT] < 2:
        return False
    left_out, slots = False, _title_slots(profiles, workspace)
    clear(selected)
    for i in range(first, end):
        paper = output.papers[i].paper
        selected[paper >> 6] |= np.int64(1) << (paper & 63)
    for topic in range(s[TOPIC_COUNT]):
        _find_titles(profiles, index, workspace, topic)
        count, others = np.int64(0), np.int64(0)
        for j in range(len(selected)):
            count += count_bits(workspace.title_sets[topic, j] & selected[j])
            others |= workspace.title_sets[topic, j] & ~selected[j]
        workspace.topics[topic].titles = count
        left_out |= bool(count < slots and others != 0)
    return left_out


@inlined
def _title_slots(profiles: CompiledProfiles, workspace: Workspace) -> int:
    """How many papers with it in the title each topic gets: two where there is room for two of each, else one."""
    topics = np.int64(0)
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        topics += profiles.stream[workspace.scalars[TOPIC_AT] + topic] >= 0
    return int(max(1, min(TITLE_SLOTS, workspace.scalars[PAPER_LIMIT] // max(1, topics))))


@inlined
def _find_titles(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, topic: int) -> None:
    """Find the matched papers for which a topic holds and that have one of its terms in the title."""
    titles, certain = workspace.title_sets[topic], workspace.sets[CERTAIN]
    query = profiles.stream[workspace.scalars[TOPIC_AT] + topic]
    clear(titles)
    if query < 0:
        return
    head = index.query_heads[query]
    if head.plain:
        add_titles(index, titles, head.set, head.title_at, head.title_end)
        for j in range(len(titles)):
            titles[j] &= certain[j]
    elif workspace.scalars[SATISFIED_TOPICS] >> topic & 1:
        for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
            atom = profiles.terms[term].atom
            add_titles(index, titles, index.atom_set[atom], index.title_at[atom], index.title_at[atom + 1])
        for j in range(len(titles)):
            titles[j] &= certain[j] & workspace.topic_sets[topic, j]


@separate
def give_slots(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, output: MatchArrays, row: int, end: int
) -> None:
    """Exchange selected papers for those of topics with too few. Needs the sets of `any_topic_left_out`."""
    first = output.rows[row].first
    exchanged = False
    for i in range(first, end):
        workspace.titles[i - first] = _title_topics(workspace, output.papers[i].paper)
    for slot in range(1, _title_slots(profiles, workspace) + 1):
        for topic in range(workspace.scalars[TOPIC_COUNT]):
            key = FOLLOWED_BONUS if workspace.topics[topic].titles < slot else -1
            if key >= 0 and _last_that_can_go(profiles, index, workspace, output, first, end, _ANY_TOPIC, slot) < 0:
                key = -1
            while key >= 0:
                key = _next_title(index, workspace, topic, key)
                if key >= 0 and _exchange(profiles, index, workspace, output, row, end, key, slot):
                    exchanged, key = True, -1
    if exchanged:
        sort_papers(index, workspace, output, output.rows[row], end - first)


@inlined
def _title_topics(workspace: Workspace, paper: int) -> int:
    """The topics that hold for a paper and stand in its title, as bits."""
    bits = np.int64(0)
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        bits |= np.int64(contains(workspace.title_sets[topic], paper)) << topic
    return int(bits)


@inlined
def _next_title(index: PaperArrays, workspace: Workspace, topic: int, below: int) -> int:
    """The largest key below another one of the matched papers left out that have the topic in their title; −1: none."""
    largest: Any = np.int64(-1)
    titles, selected = workspace.title_sets[topic], workspace.sets[SELECTED]
    for j in range(len(titles)):
        bits = titles[j] & ~selected[j]
        while bits:
            key = order_key(index, workspace, (j << 6) + lowest_bit(bits))
            bits &= bits - 1
            if largest < key < below:
                largest = key
    return int(largest)


@inlined
def _exchange(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    output: MatchArrays,
    row: int,
    end: int,
    key: int,
    slot: int,
) -> bool:
    """Give a paper the last slot of a topic that has several, if one can go. False if none can."""
    record, last = output.rows[row], len(workspace.best_keys) - 1
    workspace.best_keys[last] = key
    load_batch(profiles, index, workspace, last, 1)
    paper, topic = workspace.batch[0], best_topic(workspace, 0)
    place = _last_that_can_go(profiles, index, workspace, output, record.first, end, topic, slot)
    if place < 0:
        return False
    hit, bits, selected = output.papers[record.first + place], _title_topics(workspace, paper), workspace.sets[SELECTED]
    for other in range(workspace.scalars[TOPIC_COUNT]):
        workspace.topics[other].titles += (bits >> other & 1) - (workspace.titles[place] >> other & 1)
    workspace.titles[place] = bits
    workspace.topics[hit.topic].used -= 1
    workspace.topics[topic].used += 1
    selected[hit.paper >> 6] &= ~(np.int64(1) << (hit.paper & 63))
    selected[paper >> 6] |= np.int64(1) << (paper & 63)
    write_paper(profiles, index, workspace, output, record, 0, place, kind_of(profiles, workspace, 0), topic)
    return True


@inlined
def _scarce_topics(workspace: Workspace, slot: int) -> int:
    """The topics that no paper with them in the title can be taken from, as bits."""
    bits = np.int64(0)
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        bits |= np.int64(workspace.topics[topic].titles <= slot) << topic
    return int(bits)


@inlined
def _last_that_can_go(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    output: MatchArrays,
    first: int,
    end: int,
    topic: int,
    slot: int,
) -> int:
    """The place of the last paper whose slot another topic can have; −1: none."""
    scarce, place = _scarce_topics(workspace, slot), -1
    least: Any = np.int64(FOLLOWED_BONUS)
    for i in range(first, end):
        hit = output.papers[i]
        if hit.kind & FOLLOWED or workspace.topics[hit.topic].used < 2 or workspace.titles[i - first] & scarce:
            continue
        if hit.topic == topic or not is_full(profiles, workspace, topic):
            key = order_key(index, workspace, hit.paper)
            if key < least:
                place, least = i - first, key
    return place

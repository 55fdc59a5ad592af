"""Slots for topics that stand in titles and have too few, in machine code: docs/MATCHING.md, "Selection"."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import FOLLOWED, CompiledProfiles, MatchArrays, PaperArrays, Workspace
from digest.matching.kernel.bitsets import CERTAIN, SELECTED, contains
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.match_reasons import best_topic, load_batch
from digest.matching.kernel.order_keys import FOLLOWED_BONUS, order_key, sort_descending
from digest.matching.kernel.profile_decoding import CAP_AT, PAPER_LIMIT, SATISFIED_TOPICS, TOPIC_AT, TOPIC_COUNT
from digest.matching.scoring.parameters import TITLE_SLOTS


@inlined
def is_full(profiles: CompiledProfiles, workspace: Workspace, topic: int) -> bool:
    """True where a topic has as many papers as its cap admits."""
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

    Of a query with several terms it may be true where `give_slots` has nothing to do. Fills the set of selected papers.
    """
    s, selected = workspace.scalars, workspace.sets[SELECTED]
    left_out, slots = False, _title_slots(profiles, workspace)
    for i in range(first, end):
        paper = output.papers[i].paper
        selected[paper >> 6] |= np.int64(1) << (paper & 63)
    for topic in range(s[TOPIC_COUNT] if s[TOPIC_COUNT] > 1 else 0):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        head = index.query_heads[query]
        if head.plain:
            left_out |= _too_few_selected(index, workspace, head.title_at, head.title_end, slots)
        elif s[SATISFIED_TOPICS] >> topic & 1:
            left_out |= _query_left_out(profiles, index, workspace, topic, query, slots)
    for i in range(first, end):
        selected[output.papers[i].paper >> 6] = 0
    return left_out


@inlined
def _title_slots(profiles: CompiledProfiles, workspace: Workspace) -> int:
    """How many papers with it in the title each topic gets: two where there is room for two of each, else one."""
    topics = np.int64(0)
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        topics += profiles.stream[workspace.scalars[TOPIC_AT] + topic] >= 0
    return int(max(1, min(TITLE_SLOTS, workspace.scalars[PAPER_LIMIT] // max(1, topics))))


@inlined
def _too_few_selected(index: PaperArrays, workspace: Workspace, begin: int, end: int, slots: int) -> bool:
    """True where some of these papers are matched and not selected, and fewer than `slots` are selected."""
    left_out, count = False, np.int64(0)
    for at in range(begin, end):
        if contains(workspace.sets[SELECTED], index.title_paper[at]):
            count += 1
            if count == slots:
                return False
        else:
            left_out |= contains(workspace.sets[CERTAIN], index.title_paper[at])
    return left_out


@inlined
def _query_left_out(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, topic: int, query: int, slots: int
) -> bool:
    """`_too_few_selected` for the papers that a query matches and that have one of its terms in the title.

    Papers of several terms are counted for one term at a time.
    """
    left_out = False
    for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
        atom, count = profiles.terms[term].atom, np.int64(0)
        for at in range(index.title_at[atom], index.title_at[atom + 1]):
            paper = index.title_paper[at]
            if contains(workspace.topic_sets[topic], paper):
                if contains(workspace.sets[SELECTED], paper):
                    count += 1
                    if count == slots:
                        return False
                else:
                    left_out |= contains(workspace.sets[CERTAIN], paper)
    return left_out


@separate
def give_slots(
    profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, output: MatchArrays, first: int, end: int
) -> bool:
    """Exchange selected papers for those of topics with too few. False if there is nothing to exchange.

    Else the keys of the papers selected are in `best`, in order.
    """
    s, hits = workspace.scalars, output.papers
    exchanged = False
    for i in range(first, end):
        workspace.titles[i - first] = _title_topics(profiles, index, workspace, hits[i].paper)
    for topic in range(s[TOPIC_COUNT]):
        workspace.topics[topic].titles = 0
        for i in range(end - first):
            workspace.topics[topic].titles += workspace.titles[i] >> topic & 1
    for slot in range(1, _title_slots(profiles, workspace) + 1):
        for topic in range(s[TOPIC_COUNT]):
            key = FOLLOWED_BONUS if workspace.topics[topic].titles < slot else -1
            while key >= 0:
                key = _next_title(profiles, index, workspace, output, first, end, topic, key)
                if key >= 0 and _exchange(profiles, index, workspace, output, first, end, key, slot):
                    exchanged, key = True, -1
    if exchanged:
        for i in range(first, end):
            workspace.best_keys[i - first] = order_key(index, workspace, hits[i].paper)
        sort_descending(workspace.best_keys, end - first)
    return exchanged


@inlined
def _title_topics(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, paper: int) -> int:
    """The topics that hold for a paper and stand in its title, as bits."""
    bits = np.int64(0)
    for topic in range(workspace.scalars[TOPIC_COUNT]):
        query = profiles.stream[workspace.scalars[TOPIC_AT] + topic]
        if query < 0 or not _holds(index, workspace, topic, query, paper):
            continue
        for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
            atom = profiles.terms[term].atom
            for at in range(index.title_at[atom], index.title_at[atom + 1]):
                if index.title_paper[at] == paper:
                    bits |= np.int64(1) << topic
    return int(bits)


@inlined
def _holds(index: PaperArrays, workspace: Workspace, topic: int, query: int, paper: int) -> bool:
    """True where a topic in whose title one of its terms stands holds for the paper."""
    if index.query_heads[query].plain:
        return True
    return bool(workspace.scalars[SATISFIED_TOPICS] >> topic & 1 and contains(workspace.topic_sets[topic], paper))


@inlined
def _next_title(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    output: MatchArrays,
    first: int,
    end: int,
    topic: int,
    below: int,
) -> int:
    """The largest key below another one of the matched papers left out that have the topic in their title; −1: none."""
    largest: Any = np.int64(-1)
    query = profiles.stream[workspace.scalars[TOPIC_AT] + topic]
    if query < 0:
        return -1
    for term in range(profiles.queries[query].term_at, profiles.queries[query + 1].term_at):
        atom = profiles.terms[term].atom
        for at in range(index.title_at[atom], index.title_at[atom + 1]):
            paper = index.title_paper[at]
            if not contains(workspace.sets[CERTAIN], paper) or not _holds(index, workspace, topic, query, paper):
                continue
            key = order_key(index, workspace, paper)
            if largest < key < below and not _is_selected(output, first, end, paper):
                largest = key
    return int(largest)


@inlined
def _is_selected(output: MatchArrays, first: int, end: int, paper: int) -> bool:
    for i in range(first, end):  # noqa: SIM110 (machine code has no generators)
        if output.papers[i].paper == paper:
            return True
    return False


@inlined
def _exchange(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    output: MatchArrays,
    first: int,
    end: int,
    key: int,
    slot: int,
) -> bool:
    """Give a paper the last slot of a topic that has several, if one can go. False if none can."""
    last = len(workspace.best_keys) - 1
    workspace.best_keys[last] = key
    load_batch(profiles, index, workspace, last, 1)
    paper, topic = workspace.batch[0], best_topic(workspace, 0)
    place = -1
    least: Any = np.int64(FOLLOWED_BONUS)
    for i in range(first, end):
        own = order_key(index, workspace, output.papers[i].paper)
        if own < least and _can_go(profiles, workspace, output.papers[i], workspace.titles[i - first], topic, slot):
            place, least = i, own
    if place < 0:
        return False
    hit, bits = output.papers[place], _title_topics(profiles, index, workspace, paper)
    for other in range(workspace.scalars[TOPIC_COUNT]):
        workspace.topics[other].titles += (bits >> other & 1) - (workspace.titles[place - first] >> other & 1)
    workspace.titles[place - first] = bits
    workspace.topics[hit.topic].used -= 1
    workspace.topics[topic].used += 1
    hit.paper, hit.topic = paper, topic
    return True


@inlined
def _can_go(profiles: CompiledProfiles, workspace: Workspace, hit: Any, titles: int, topic: int, slot: int) -> bool:
    """True where a paper's topic has several, no topic in its title needs it, and the other topic has room."""
    if hit.kind & FOLLOWED or workspace.topics[hit.topic].used < 2:
        return False
    for other in range(workspace.scalars[TOPIC_COUNT]):
        if titles >> other & 1 and workspace.topics[other].titles <= slot:
            return False
    return hit.topic == topic or not is_full(profiles, workspace, topic)

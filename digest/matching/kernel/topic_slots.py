"""A slot for each topic that stands in a title and has none, in machine code: docs/MATCHING.md, "Which papers"."""

from __future__ import annotations

from typing import Any

import numpy as np

from digest.matching.kernel.array_layout import FOLLOWED, CompiledProfiles, MatchArrays, PaperArrays, Workspace
from digest.matching.kernel.bitsets import CERTAIN, SELECTED, contains
from digest.matching.kernel.jit import inlined, separate
from digest.matching.kernel.match_reasons import best_topic, load_batch
from digest.matching.kernel.order_keys import TOP, order_key, sort_keys
from digest.matching.kernel.profile_decoding import CAP_AT, HOLDING, TOPIC_AT, TOPICS


@inlined
def is_full(book: CompiledProfiles, work: Workspace, topic: int) -> bool:
    """True where a topic has as many papers as its cap admits."""
    cap = _cap(book, work, topic)
    return bool(0 <= cap <= work.topics[topic].used)


@inlined
def _cap(book: CompiledProfiles, work: Workspace, topic: int) -> int:
    """A topic's cap, −1 without one."""
    return int(book.stream[work.s[CAP_AT] + topic]) if work.s[CAP_AT] >= 0 and topic >= 0 else -1


@inlined
def any_topic_left_out(
    book: CompiledProfiles, day: PaperArrays, work: Workspace, output: MatchArrays, first: int, behind: int
) -> bool:
    """True where a topic stands in the title of a matched paper and of no selected one. Fills the set of these."""
    s, selected = work.s, work.sets[SELECTED]
    left_out = False
    for i in range(first, behind):
        paper = output.papers[i].paper
        selected[paper >> 6] |= np.int64(1) << (paper & 63)
    for topic in range(s[TOPICS] if s[TOPICS] > 1 else 0):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        head = day.heads[query]
        if head.plain:
            left_out |= _only_unselected(day, work, head.title_at, head.title_behind)
        elif s[HOLDING] >> topic & 1:
            left_out |= _query_left_out(book, day, work, topic, query)
    for i in range(first, behind):
        selected[output.papers[i].paper >> 6] = 0
    return left_out


@inlined
def _only_unselected(day: PaperArrays, work: Workspace, begin: int, behind: int) -> bool:
    """True where some of these papers are matched, and none of them is selected."""
    matched = False
    for at in range(begin, behind):
        if contains(work.sets[SELECTED], day.title_paper[at]):
            return False
        matched |= contains(work.sets[CERTAIN], day.title_paper[at])
    return matched


@inlined
def _query_left_out(book: CompiledProfiles, day: PaperArrays, work: Workspace, topic: int, query: int) -> bool:
    """`_only_unselected` for the papers that a query holds for and that have one of its terms in the title."""
    matched = False
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        atom = book.terms[term].atom
        for at in range(day.title_at[atom], day.title_at[atom + 1]):
            paper = day.title_paper[at]
            if contains(work.of_topic[topic], paper):
                if contains(work.sets[SELECTED], paper):
                    return False
                matched |= contains(work.sets[CERTAIN], paper)
    return matched


@separate
def give_slots(
    book: CompiledProfiles, day: PaperArrays, work: Workspace, output: MatchArrays, first: int, behind: int
) -> bool:
    """Exchange selected papers for those of topics left out. False if there is nothing to exchange.

    Else the keys of the papers selected are in `best`, in order.
    """
    s, hits = work.s, output.papers
    exchanged = False
    for i in range(first, behind):
        work.titles[i - first] = _title_topics(book, day, work, hits[i].paper)
    for topic in range(s[TOPICS]):
        work.topics[topic].titles = 0
        for i in range(behind - first):
            work.topics[topic].titles += work.titles[i] >> topic & 1
    for topic in range(s[TOPICS]):
        key = TOP if work.topics[topic].titles == 0 else -1
        while key >= 0:
            key = _next_title(book, day, work, output, first, behind, topic, key)
            if key >= 0 and _exchange(book, day, work, output, first, behind, key):
                exchanged, key = True, -1
    if exchanged:
        for i in range(first, behind):
            work.best[i - first] = order_key(day, work, hits[i].paper)
        sort_keys(work.best, behind - first)
    return exchanged


@inlined
def _title_topics(book: CompiledProfiles, day: PaperArrays, work: Workspace, paper: int) -> int:
    """The topics that hold for a paper and stand in its title, as bits."""
    bits = np.int64(0)
    for topic in range(work.s[TOPICS]):
        query = book.stream[work.s[TOPIC_AT] + topic]
        if query < 0 or not _holds(day, work, topic, query, paper):
            continue
        for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
            atom = book.terms[term].atom
            for at in range(day.title_at[atom], day.title_at[atom + 1]):
                if day.title_paper[at] == paper:
                    bits |= np.int64(1) << topic
    return int(bits)


@inlined
def _holds(day: PaperArrays, work: Workspace, topic: int, query: int, paper: int) -> bool:
    """True where a topic in whose title one of its terms stands holds for the paper."""
    if day.heads[query].plain:
        return True
    return bool(work.s[HOLDING] >> topic & 1 and contains(work.of_topic[topic], paper))


@inlined
def _next_title(
    book: CompiledProfiles,
    day: PaperArrays,
    work: Workspace,
    output: MatchArrays,
    first: int,
    behind: int,
    topic: int,
    below: int,
) -> int:
    """The largest key below another one of the matched papers left out that have the topic in their title; −1: none."""
    largest: Any = np.int64(-1)
    query = book.stream[work.s[TOPIC_AT] + topic]
    if query < 0:
        return -1
    for term in range(book.queries[query].term_at, book.queries[query + 1].term_at):
        atom = book.terms[term].atom
        for at in range(day.title_at[atom], day.title_at[atom + 1]):
            paper = day.title_paper[at]
            if not contains(work.sets[CERTAIN], paper) or not _holds(day, work, topic, query, paper):
                continue
            key = order_key(day, work, paper)
            if largest < key < below and not _is_selected(output, first, behind, paper):
                largest = key
    return int(largest)


@inlined
def _is_selected(output: MatchArrays, first: int, behind: int, paper: int) -> bool:
    for i in range(first, behind):  # noqa: SIM110 (machine code has no generators)
        if output.papers[i].paper == paper:
            return True
    return False


@inlined
def _exchange(
    book: CompiledProfiles, day: PaperArrays, work: Workspace, output: MatchArrays, first: int, behind: int, key: int
) -> bool:
    """Give a paper the last slot of a topic that has several, if one can go. False if none can."""
    last = len(work.best) - 1
    work.best[last] = key
    load_batch(book, day, work, last, 1)
    paper, topic = work.batch[0], best_topic(work, 0)
    place = -1
    least: Any = np.int64(TOP)
    for i in range(first, behind):
        own = order_key(day, work, output.papers[i].paper)
        if own < least and _can_go(book, work, output.papers[i], work.titles[i - first], topic):
            place, least = i, own
    if place < 0:
        return False
    hit, bits = output.papers[place], _title_topics(book, day, work, paper)
    for other in range(work.s[TOPICS]):
        work.topics[other].titles += (bits >> other & 1) - (work.titles[place - first] >> other & 1)
    work.titles[place - first] = bits
    work.topics[hit.topic].used -= 1
    work.topics[topic].used += 1
    hit.paper, hit.topic = paper, topic
    return True


@inlined
def _can_go(book: CompiledProfiles, work: Workspace, hit: Any, titles: int, topic: int) -> bool:
    """True where a paper's topic has several, no topic has its title alone, and the other topic has room."""
    if hit.kind & FOLLOWED or work.topics[hit.topic].used < 2:
        return False
    for other in range(work.s[TOPICS]):
        if titles >> other & 1 and work.topics[other].titles < 2:
            return False
    return hit.topic == topic or not is_full(book, work, topic)

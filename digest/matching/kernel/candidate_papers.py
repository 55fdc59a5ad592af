"""A profile's candidates, in machine code: strict matches, followed authors, exclusions and categories."""

from __future__ import annotations

from digest.matching.kernel.array_layout import PRIMARY, Ask, Book, Day, Work
from digest.matching.kernel.bitsets import (
    ALLOWED,
    FOLLOWING,
    GONE,
    HELD,
    OPEN,
    REST,
    STACK,
    SURE,
    clear,
    evaluate,
    put,
    unite,
)
from digest.matching.kernel.jit import lean
from digest.matching.kernel.profile_decoding import (
    AUTHOR_AT,
    CATEGORY_AT,
    EXCLUSION_AT,
    FLAGS,
    FOLLOWS,
    HOLDING,
    TOPIC_AT,
    TOPICS,
)


@lean
def strict(book: Book, day: Day, work: Work) -> bool:
    """Find the papers for which a topic holds as written, and those of followed authors. False if there are none."""
    s = work.s
    any_holds = False
    clear(work.sets[HELD])
    s[HOLDING] = s[FOLLOWS] = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        head = day.heads[query]
        if head.plain:
            if head.at < head.behind:
                put(day, work.sets[HELD], head.set, head.at, head.behind)
                any_holds = True
        elif evaluate(book, day, work, query):
            clear(work.of_topic[topic])
            unite(work.of_topic[topic], work.sets[STACK])
            unite(work.sets[HELD], work.sets[STACK])
            s[HOLDING] |= 1 << topic
            any_holds = True
    clear(work.sets[FOLLOWING])
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if at >= 0 else 0):
        atom = book.stream[at + 1 + 2 * i]
        if day.atom_at[atom] < day.atom_at[atom + 1]:
            put(day, work.sets[FOLLOWING], 0, day.atom_at[atom], day.atom_at[atom + 1])
            s[FOLLOWS] = 1
    return bool(any_holds or s[FOLLOWS])


@lean
def limit(book: Book, day: Day, ask: Ask, work: Work, row: int) -> None:
    """Apply exclusions, categories and sent papers: what remains are certain matches and possibly close papers."""
    fresh = ask.fresh[ask.rows[row].fresh]
    sets = work.sets
    clear(sets[OPEN])
    unite(sets[OPEN], fresh)
    at = work.s[EXCLUSION_AT]
    for i in range(book.stream[at] if at >= 0 else 0):
        evaluate(book, day, work, book.stream[at + 1 + i])
        for j in range(len(fresh)):
            sets[OPEN, j] &= ~sets[STACK, j]
    _admit(book, day, work)
    _sent(ask, work, row)
    for j in range(len(fresh)):
        sets[SURE, j] = (sets[HELD, j] & sets[ALLOWED, j] | sets[FOLLOWING, j] & sets[OPEN, j]) & ~sets[GONE, j]
        sets[REST, j] = sets[ALLOWED, j] & ~sets[HELD, j]


@lean
def _admit(book: Book, day: Day, work: Work) -> None:
    """Select the eligible papers that the profile's categories admit."""
    clear(work.sets[ALLOWED])
    at = work.s[CATEGORY_AT]
    if at < 0:
        unite(work.sets[ALLOWED], work.sets[OPEN])
        return
    behind = len(day.category) >> 1 if work.s[FLAGS] & PRIMARY else 0
    for i in range(book.stream[at]):
        unite(work.sets[ALLOWED], day.category[behind + book.stream[at + 1 + i]])
    for j in range(work.sets.shape[1]):
        work.sets[ALLOWED, j] &= work.sets[OPEN, j]


@lean
def _sent(ask: Ask, work: Work, row: int) -> None:
    """The papers that were sent before."""
    clear(work.sets[GONE])
    for at in range(ask.rows[row].sent_at, ask.rows[row + 1].sent_at):
        work.sets[GONE, ask.sent[at] >> 6] |= 1 << (ask.sent[at] & 63)

"""A profile's candidates, in machine code: strict matches, followed authors, exclusions and categories."""

from __future__ import annotations

from digest.matching.kernel.array_layout import PRIMARY, CompiledProfiles, PaperArrays, Requests, Workspace
from digest.matching.kernel.bitsets import (
    ALLOWED,
    ALREADY_SENT,
    CERTAIN,
    FOLLOWING,
    OPEN,
    POSSIBLY_CLOSE,
    STACK,
    STRICT_MATCHES,
    add_papers,
    clear,
    evaluate,
    unite,
)
from digest.matching.kernel.jit import inlined
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


@inlined
def find_strict(book: CompiledProfiles, day: PaperArrays, work: Workspace) -> bool:
    """Find the papers for which a topic holds as written, and those of followed authors. False if there are none."""
    s = work.s
    any_holds = False
    clear(work.sets[STRICT_MATCHES])
    s[HOLDING] = s[FOLLOWS] = 0
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        head = day.heads[query]
        if head.plain:
            if head.at < head.behind:
                add_papers(day, work.sets[STRICT_MATCHES], head.set, head.at, head.behind)
                any_holds = True
        elif evaluate(book, day, work, query):
            clear(work.of_topic[topic])
            unite(work.of_topic[topic], work.sets[STACK])
            unite(work.sets[STRICT_MATCHES], work.sets[STACK])
            s[HOLDING] |= 1 << topic
            any_holds = True
    clear(work.sets[FOLLOWING])
    at = s[AUTHOR_AT]
    for i in range(book.stream[at] if at >= 0 else 0):
        atom = book.stream[at + 1 + 2 * i]
        if day.atom_at[atom] < day.atom_at[atom + 1]:
            add_papers(day, work.sets[FOLLOWING], 0, day.atom_at[atom], day.atom_at[atom + 1])
            s[FOLLOWS] = 1
    return bool(any_holds or s[FOLLOWS])


@inlined
def apply_limits(book: CompiledProfiles, day: PaperArrays, ask: Requests, work: Workspace, row: int) -> None:
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
        sets[CERTAIN, j] = (sets[STRICT_MATCHES, j] & sets[ALLOWED, j] | sets[FOLLOWING, j] & sets[OPEN, j]) & ~sets[
            ALREADY_SENT, j
        ]
        sets[POSSIBLY_CLOSE, j] = sets[ALLOWED, j] & ~sets[STRICT_MATCHES, j]


@inlined
def _admit(book: CompiledProfiles, day: PaperArrays, work: Workspace) -> None:
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


@inlined
def _sent(ask: Requests, work: Workspace, row: int) -> None:
    """The papers that were sent before."""
    clear(work.sets[ALREADY_SENT])
    for at in range(ask.rows[row].sent_at, ask.rows[row + 1].sent_at):
        work.sets[ALREADY_SENT, ask.sent[at] >> 6] |= 1 << (ask.sent[at] & 63)

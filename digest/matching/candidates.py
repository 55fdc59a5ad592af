"""A profile's candidates, in machine code: what holds as written, followed authors, and what shuts papers out."""

from __future__ import annotations

from digest.matching.arrays import FOLLOWED, PRIMARY, Ask, Book, Day, Work
from digest.matching.jit import lean
from digest.matching.profiles import (
    AUTHOR_AT,
    CATEGORY_AT,
    EXCLUSION_AT,
    FLAGS,
    FOUND,
    PLAIN_TOPICS,
    SEEN,
    SERIAL,
    TOPIC_AT,
    TOPICS,
)
from digest.matching.sets import evaluate


@lean
def strict(book: Book, day: Day, work: Work) -> None:
    """Find the papers for which a topic holds as written, and those of followed authors."""
    s = work.s
    for topic in range(s[TOPICS]):
        query = book.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        if s[PLAIN_TOPICS] >> topic & 1:
            atom = book.terms[book.queries[query].term_at].atom
            for at in range(day.atom_at[atom], day.atom_at[atom + 1]):
                _hold(day, work, day.atom_paper[at], topic)
        else:
            for at in range(evaluate(book, day, work, query)):
                _hold(day, work, work.lists[0, at], topic)
    if s[AUTHOR_AT] >= 0:
        for i in range(book.stream[s[AUTHOR_AT]]):
            atom = book.stream[s[AUTHOR_AT] + 1 + 2 * i]
            for at in range(day.atom_at[atom], day.atom_at[atom + 1]):
                paper = day.atom_paper[at]
                if work.papers[paper].stamp == s[SERIAL] or (fresh(day, work, paper) and take(work, paper, 0)):
                    work.papers[paper].kind = FOLLOWED


@lean
def _hold(day: Day, work: Work, paper: int, topic: int) -> None:
    """A topic holds for the paper, if this profile may see it."""
    if work.papers[paper].stamp == work.s[SERIAL] or (fresh(day, work, paper) and take(work, paper, 0)):
        work.papers[paper].held |= 1 << topic


@lean
def fresh(day: Day, work: Work, paper: int) -> bool:
    """True for a paper that the profile may see and that has not been taken up yet."""
    if work.papers[paper].stamp == work.s[SERIAL]:
        return False
    return bool(day.papers[paper].open != 0 and day.papers[paper].batch > work.s[SEEN])


@lean
def take(work: Work, paper: int, worth: int) -> bool:
    """Take a paper up. Always true."""
    work.papers[paper].stamp = work.s[SERIAL]
    work.papers[paper].held = 0
    work.papers[paper].kind = 0
    work.found[work.s[FOUND]].paper = paper
    work.found[work.s[FOUND]].worth = worth
    work.s[FOUND] += 1
    return True


@lean
def exclude(book: Book, day: Day, work: Work) -> None:
    """Mark the papers for which an exclusion holds."""
    at = work.s[EXCLUSION_AT]
    for i in range(book.stream[at] if at >= 0 else 0):
        for j in range(evaluate(book, day, work, book.stream[at + 1 + i])):
            work.papers[work.lists[0, j]].out = work.s[SERIAL]


@lean
def allowed(book: Book, day: Day, work: Work, paper: int) -> bool:
    """True where no exclusion holds and the reader's categories admit the paper."""
    return not shut_out(work, paper) and admitted(book, day, work, paper)


@lean
def shut_out(work: Work, paper: int) -> bool:
    """True where an exclusion holds for the paper."""
    return bool(work.papers[paper].out == work.s[SERIAL])


@lean
def admitted(book: Book, day: Day, work: Work, paper: int) -> bool:
    """True where the reader's categories admit the paper."""
    at = work.s[CATEGORY_AT]
    if at < 0:
        return True
    which = 1 if work.s[FLAGS] & PRIMARY else 0
    for i in range(book.stream[at]):  # noqa: SIM110 (machine code has no generators)
        if day.category[which, paper, book.stream[at + 1 + i]]:
            return True
    return False


@lean
def sent(ask: Ask, work: Work, row: int) -> None:
    """Mark the papers that were sent before."""
    for at in range(ask.rows[row].sent_at, ask.rows[row + 1].sent_at):
        work.papers[ask.sent[at]].sent = work.s[SERIAL]

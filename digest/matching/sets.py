"""Sets of papers as sorted lists, in machine code: queries are evaluated on them."""

from __future__ import annotations

from digest.matching.arrays import AND, I32, OR, Book, Day, Work
from digest.matching.jit import lean


@lean
def holds(day: Day, atom: int, paper: int) -> bool:
    """True where the atom holds for the paper."""
    low, high = day.atom_at[atom], day.atom_at[atom + 1]
    while low < high:
        middle = (low + high) >> 1
        if day.atom_paper[middle] < paper:
            low = middle + 1
        else:
            high = middle
    return bool(low < day.atom_at[atom + 1] and day.atom_paper[low] == paper)


@lean
def kept(mine: I32, length: int, other: I32, size: int, wanted: bool) -> int:
    """Keep of `mine` what is in the other (or with `wanted` False, what is not). Returns how many are left."""
    left = at = 0
    for i in range(length):
        step = 1
        while at + step < size and other[at + step] < mine[i]:  # gallop: lists are often of very different lengths
            at += step
            step <<= 1
        while at < size and other[at] < mine[i]:
            at += 1
        if (at < size and other[at] == mine[i]) == wanted:
            mine[left] = mine[i]
            left += 1
    return left


@lean
def united(mine: I32, length: int, other: I32, size: int, spare: I32) -> int:
    """Add the other's papers to `mine`. Returns how many there are."""
    i = j = n = 0
    while i < length or j < size:
        if j >= size or (i < length and mine[i] <= other[j]):
            if j < size and mine[i] == other[j]:
                j += 1
            spare[n] = mine[i]
            i += 1
        else:
            spare[n] = other[j]
            j += 1
        n += 1
    for i in range(n):
        mine[i] = spare[i]
    return n


@lean
def evaluate(book: Book, day: Day, work: Work, query: int) -> int:
    """The papers for which a query holds, in the first of the desk's lists. Returns how many."""
    top = 0
    for i in range(book.queries[query].program_at, book.queries[query + 1].program_at):
        code = book.program[i]
        if code >= 0:
            begin, end = day.atom_at[code], day.atom_at[code + 1]
            for at in range(begin, end):
                work.lists[top, at - begin] = day.atom_paper[at]
            work.lengths[top] = end - begin
            top += 1
            continue
        top -= 1
        mine, length, other, size = work.lists[top - 1], work.lengths[top - 1], work.lists[top], work.lengths[top]
        if code == OR:
            work.lengths[top - 1] = united(mine, length, other, size, work.lists[len(work.lists) - 1])
        else:
            work.lengths[top - 1] = kept(mine, length, other, size, code == AND)
    return int(work.lengths[0])

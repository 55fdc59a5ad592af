"""Sets of papers as rows of bits, in machine code: queries are evaluated on them."""

from __future__ import annotations

from digest.matching.kernel.array_layout import AND, I64, OR, Book, Day, Work
from digest.matching.kernel.jit import lean

# Rows of the workspace's sets: strict matches; papers of followed authors; eligible papers that no exclusion matches,
# and of these the ones that the categories admit; sent before; certain matches; papers that may match closely; papers
# whose sums are needed; then a stack.
HELD, FOLLOWING, OPEN, ALLOWED, GONE, SURE, REST, BLOCKS, STACK = range(9)


@lean
def holds(day: Day, atom: int, paper: int) -> bool:
    """True where the atom holds for the paper."""
    if day.atom_set[atom]:
        return has(day.sets[day.atom_set[atom]], paper)
    for at in range(day.atom_at[atom], day.atom_at[atom + 1]):  # noqa: SIM110 (machine code has no generators)
        if day.atom_paper[at] == paper:
            return True
    return False


@lean
def has(row: I64, paper: int) -> bool:
    """True where the paper is in the set."""
    return bool(row[paper >> 6] >> (paper & 63) & 1)


@lean
def clear(row: I64) -> None:
    """Empty a set."""
    for i in range(len(row)):
        row[i] = 0


@lean
def unite(row: I64, other: I64) -> None:
    """Add another set."""
    for i in range(len(row)):
        row[i] |= other[i]


@lean
def some(row: I64) -> bool:
    """True where the set is not empty."""
    any_bits = 0
    for i in range(len(row)):
        any_bits |= row[i]
    return any_bits != 0


@lean
def put(day: Day, row: I64, which: int, at: int, behind: int) -> None:
    """Add an atom's papers: its bitset if it has one, else that part of the list."""
    if which:
        unite(row, day.sets[which])
    else:
        for i in range(at, behind):
            paper = day.atom_paper[i]
            row[paper >> 6] |= 1 << (paper & 63)


@lean
def put_atom(day: Day, row: I64, atom: int) -> None:
    """Add the papers for which the atom holds."""
    put(day, row, day.atom_set[atom], day.atom_at[atom], day.atom_at[atom + 1])


@lean
def evaluate(book: Book, day: Day, work: Work, query: int) -> bool:
    """Push the papers for which a query holds on the workspace's stack. False if there are none."""
    top = STACK
    for i in range(book.queries[query].program_at, book.queries[query + 1].program_at):
        code = book.program[i]
        if code >= 0:
            clear(work.sets[top])
            put_atom(day, work.sets[top], code)
            top += 1
            continue
        top -= 1
        mine, other = work.sets[top - 1], work.sets[top]
        if code == OR:
            unite(mine, other)
        elif code == AND:
            for j in range(len(mine)):
                mine[j] &= other[j]
        else:
            for j in range(len(mine)):
                mine[j] &= ~other[j]
    return some(work.sets[STACK])

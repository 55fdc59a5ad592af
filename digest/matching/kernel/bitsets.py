"""Sets of papers as rows of bits, in machine code: queries are evaluated on them."""

from __future__ import annotations

from digest.matching.kernel.array_layout import AND, I64, OR, CompiledProfiles, PaperArrays, Workspace
from digest.matching.kernel.jit import inlined

# Rows of the workspace's sets: strict matches; papers of followed authors; eligible papers that no exclusion matches,
# and of these the ones that the categories admit; sent before; certain matches; papers that may match closely; papers
# whose sums are needed; selected papers; papers that topics admit as close, and what that depends on: those near a
# topic's context, near any, near two, with the rarest word, with one word, with the words; then a stack.
(
    STRICT_MATCHES,
    FOLLOWED_AUTHORS,
    ELIGIBLE,
    ALLOWED,
    ALREADY_SENT,
    CERTAIN,
    POSSIBLY_CLOSE,
    SUMMED,
    SELECTED,
    ADMITTED,
    NEAR_TOPIC,
    NEAR,
    NEAR_TWO,
    WITH_RAREST,
    WITH_WORD,
    HOLDING,
    STACK,
) = range(17)


@inlined
def atom_holds(index: PaperArrays, atom: int, paper: int) -> bool:
    """True where the atom holds for the paper."""
    if index.atom_set[atom]:
        return contains(index.sets[index.atom_set[atom]], paper)
    for i in range(index.atom_at[atom], index.atom_at[atom + 1]):  # noqa: SIM110 (machine code has no generators)
        if index.atom_paper[i] == paper:
            return True
    return False


@inlined
def contains(row: I64, paper: int) -> bool:
    """True where the paper is in the set."""
    return bool(row[paper >> 6] >> (paper & 63) & 1)


@inlined
def clear(row: I64) -> None:
    """Empty a set."""
    for i in range(len(row)):
        row[i] = 0


@inlined
def unite(row: I64, other: I64) -> None:
    """Add another set."""
    for i in range(len(row)):
        row[i] |= other[i]


@inlined
def is_not_empty(row: I64) -> bool:
    """True where the set is not empty."""
    any_bits = 0
    for i in range(len(row)):
        any_bits |= row[i]
    return any_bits != 0


@inlined
def add_papers(index: PaperArrays, row: I64, set_row: int, begin: int, end: int) -> None:
    """Add an atom's papers: its bitset if it has one, else that part of the list."""
    if set_row:
        unite(row, index.sets[set_row])
    else:
        for i in range(begin, end):
            paper = index.atom_paper[i]
            row[paper >> 6] |= 1 << (paper & 63)


@inlined
def add_titles(index: PaperArrays, row: I64, set_row: int, begin: int, end: int) -> None:
    """Add the papers with an atom's words in the title: by the atom's bitset if it has one, else part of the list."""
    if set_row:
        unite(row, index.sets[(len(index.sets) >> 1) + set_row])
    else:
        for i in range(begin, end):
            paper = index.title_paper[i]
            row[paper >> 6] |= 1 << (paper & 63)


@inlined
def add_atom(index: PaperArrays, row: I64, atom: int) -> None:
    """Add the papers for which the atom holds."""
    add_papers(index, row, index.atom_set[atom], index.atom_at[atom], index.atom_at[atom + 1])


@inlined
def evaluate(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace, query: int) -> bool:
    """Push the papers for which a query holds on the workspace's stack. False if there are none."""
    top = STACK
    for i in range(profiles.queries[query].program_at, profiles.queries[query + 1].program_at):
        code = profiles.program[i]
        if code >= 0:
            clear(workspace.sets[top])
            add_atom(index, workspace.sets[top], code)
            top += 1
            continue
        top -= 1
        target, operand = workspace.sets[top - 1], workspace.sets[top]
        if code == OR:
            unite(target, operand)
        elif code == AND:
            for j in range(len(target)):
                target[j] &= operand[j]
        else:
            for j in range(len(target)):
                target[j] &= ~operand[j]
    return is_not_empty(workspace.sets[STACK])

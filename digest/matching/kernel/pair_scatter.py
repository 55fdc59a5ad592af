"""Turn phrases found in papers into pairs of atom and paper, in machine code."""

from __future__ import annotations

import numpy as np

from digest.matching.kernel.array_layout import I32, U8
from digest.matching.kernel.jit import compiled


@compiled
def scatter_pairs(phrase: I32, paper: I32, kinds: U8, atom_at: I32, atom: I32, atom_kinds: I32) -> tuple[I32, I32]:
    """Phrases found in papers as pairs of atom and paper: an atom is a phrase in some kinds of text."""
    size = 0
    for i in range(len(phrase)):
        size += atom_at[phrase[i] + 1] - atom_at[phrase[i]]
    found_atoms, papers = np.empty(size, np.int32), np.empty(size, np.int32)
    size = 0
    for i in range(len(phrase)):
        for j in range(atom_at[phrase[i]], atom_at[phrase[i] + 1]):
            if atom_kinds[atom[j]] & kinds[i]:
                found_atoms[size], papers[size] = atom[j], paper[i]
                size += 1
    return found_atoms[:size], papers[:size]

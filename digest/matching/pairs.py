"""Pairs of words, atoms and papers put where the kernel finds them, in machine code."""

from __future__ import annotations

import numpy as np

from digest.matching.arrays import I32, U8, Rows
from digest.matching.jit import compiled


@compiled
def atoms(phrase: I32, paper: I32, kinds: U8, at: I32, atom: I32, atom_kinds: I32) -> tuple[I32, I32]:
    """Phrases found in papers as pairs of atom and paper: an atom is a phrase in some kinds of text."""
    n = 0
    for i in range(len(phrase)):
        n += at[phrase[i] + 1] - at[phrase[i]]
    found, where = np.empty(n, np.int32), np.empty(n, np.int32)
    n = 0
    for i in range(len(phrase)):
        for j in range(at[phrase[i]], at[phrase[i] + 1]):
            if atom_kinds[atom[j]] & kinds[i]:
                found[n], where[n] = atom[j], paper[i]
                n += 1
    return found[:n], where[:n]


@compiled
def tables(word: I32, paper: I32, impact: I32, at: I32, table: Rows) -> None:
    """Put each paper's words and impacts into its hash table, which begins at `at`; a word of −1 is a free place."""
    for i in range(len(word)):
        begin, mask = at[paper[i]], at[paper[i] + 1] - at[paper[i]] - 1
        slot = (np.int64(word[i]) * 0x9E3779B1 >> 12) & mask
        while table[begin + slot].word >= 0:
            slot = (slot + 1) & mask
        table[begin + slot].word, table[begin + slot].impact = word[i], impact[i]

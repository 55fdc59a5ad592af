"""Search texts for phrases with a trie of words, in machine code; a prefix is a separate edge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from digest.matching.kernel.array_layout import I32, I64, U8, Rows
from digest.matching.kernel.jit import compiled, inlined


class Trie(NamedTuple):
    """A trie of phrases. `root`: the child of the root by word or prefix; other edges in a hash table, −1 is free."""

    root: I32
    step: I64  # node · 2³² + word
    node: I32
    end: I32  # by node: the phrase that ends here, or −1
    forks: U8  # by node: 1 where a prefix edge leaves it


class Texts(NamedTuple):
    """Texts as tokens: `word` of the vocabulary (−1: unknown, or the end of a text) and written `form`.

    Compounds written as one word: `whole` is the compound that begins at a token, or −1; `span` its number of tokens.
    `form_prefix` and `whole_prefix`: the vocabulary's prefixes of each form and of each compound.
    """

    word: I32
    form: I32
    at: I32
    paper: I32
    kind: U8
    whole: I32
    whole_form: I32
    span: I32
    form_prefix_at: I32
    form_prefix: I32
    whole_prefix_at: I32
    whole_prefix: I32


@compiled
def plant(phrase_at: I32, phrase_word: I32, is_prefix: U8) -> Trie:
    """Build the trie of these phrases."""
    size = 16
    while size < 2 * len(phrase_word):
        size <<= 1
    root = np.full(len(is_prefix), -1, np.int32)
    step, node = np.full(size, -1, np.int64), np.zeros(size, np.int32)
    end = np.full(len(phrase_word) + 1, -1, np.int32)
    forks = np.zeros(len(phrase_word) + 1, np.uint8)
    nodes = 0
    for phrase in range(len(phrase_at) - 1):
        at = -1
        for i in range(phrase_at[phrase], phrase_at[phrase + 1]):
            word = phrase_word[i]
            if at < 0:
                if root[word] < 0:
                    root[word] = nodes
                    nodes += 1
                at = root[word]
                continue
            forks[at] |= is_prefix[word]
            slot = _slot(step, at, word)
            if step[slot] < 0:
                step[slot] = (np.int64(at) << 32) + word
                node[slot] = nodes
                nodes += 1
            at = node[slot]
        end[at] = phrase
    return Trie(root, step, node, end[: nodes + 1].copy(), forks[: nodes + 1].copy())


@inlined
def _slot(step: I64, node: int, word: int) -> int:
    """The slot of an edge in the hash table, or the free slot for it."""
    key = (np.int64(node) << 32) + word
    mask = len(step) - 1
    slot = ((key ^ (key >> 29)) * np.int64(0x9E3779B97F4A7C1) >> 17) & mask
    while step[slot] >= 0 and step[slot] != key:
        slot = (slot + 1) & mask
    return int(slot)


@inlined
def _next(trie: Trie, node: int, word: int) -> int:
    """The child of a node, or of the root (−1), for a word; −1 where there is no such edge."""
    if word < 0:
        return -1
    if node < 0:
        return int(trie.root[word])
    slot = _slot(trie.step, node, word)
    return int(trie.node[slot]) if trie.step[slot] >= 0 else -1


@inlined
def _push(stack: I64, top: int, node: int, at: int) -> int:
    """Push a node and the next token on the stack, unless the node is −1. Returns the new size of the stack."""
    if node < 0:
        return top
    stack[top], stack[top + 1] = node, at
    return top + 2


@inlined
def _steps(trie: Trie, texts: Texts, node: int, at: int, stack: I64, top: int) -> int:
    """Push the nodes after a token: by its word, by its form's prefixes, and by those of a compound."""
    top = _push(stack, top, _next(trie, node, texts.word[at]), at + 1)
    form = texts.form[at]
    if form >= 0 and (node < 0 or trie.forks[node]):
        for i in range(texts.form_prefix_at[form], texts.form_prefix_at[form + 1]):
            top = _push(stack, top, _next(trie, node, texts.form_prefix[i]), at + 1)
        whole = texts.whole[at]
        if whole >= 0:
            form = texts.whole_form[whole]
            for i in range(texts.whole_prefix_at[form], texts.whole_prefix_at[form + 1]):
                top = _push(stack, top, _next(trie, node, texts.whole_prefix[i]), at + texts.span[whole])
    return top


@compiled
def walk(trie: Trie, texts: Texts, phrases: int, tokens: I64, stack: I64) -> tuple[I32, I32, U8, int]:
    """Find every phrase that begins at one of these tokens (in order): phrase, paper, bits of the kinds of text.

    Each pair of phrase and paper occurs once. The last value is the number of pairs.
    """
    last = np.full(phrases, -1, np.int32)
    room = 1024
    phrase, paper, kinds = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
    count = text = 0
    for token in tokens:
        while text + 1 < len(texts.at) and texts.at[text + 1] <= token:
            text += 1
        here, bit = texts.paper[text], 1 << texts.kind[text]
        top = _steps(trie, texts, -1, token, stack, 0)
        while top:
            node, at = stack[top - 2], stack[top - 1]
            top = _steps(trie, texts, node, at, stack, top - 2)
            phrase_found = trie.end[node]
            if phrase_found < 0:
                continue
            if last[phrase_found] >= 0 and paper[last[phrase_found]] == here:
                kinds[last[phrase_found]] |= bit
                continue
            if count == room:
                room *= 2
                phrase, paper, kinds = _grown(phrase, room), _grown(paper, room), _grown(kinds, room)
            phrase[count], paper[count], kinds[count] = phrase_found, here, bit
            last[phrase_found] = count
            count += 1
    return phrase, paper, kinds, count


@compiled
def _grown(old: Rows, room: int) -> Rows:
    new = np.empty(room, old.dtype)
    for i in range(len(old)):
        new[i] = old[i]
    return new

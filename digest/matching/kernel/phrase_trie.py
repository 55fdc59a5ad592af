"""Search texts for phrases with a trie of words, in machine code; a prefix is a separate edge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from digest.matching.kernel.array_layout import I32, I64, U8, Rows
from digest.matching.kernel.jit import compiled, inlined


class Trie(NamedTuple):
    """A trie of phrases. `root`: the child of the root by word or prefix; other edges in a hash table, −1 is free."""

    root: I32
    steps: I64  # node · 2³² + word
    targets: I32
    phrase_of_node: I32  # by node: the phrase that ends here, or −1
    has_prefix_edge: U8  # by node: 1 where a prefix edge leaves it


class TokenizedTexts(NamedTuple):
    """Texts as tokens: `word` of the vocabulary (−1: unknown, or the end of a text) and written `form`.

    Compounds written as one word: `whole` is the compound that begins at a token, or −1; `span` its number of tokens.
    `form_prefix` and `whole_prefix`: the vocabulary's prefixes of each form and of each compound.
    """

    word: I32
    form: I32
    text_at: I32
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
def build_trie(phrase_at: I32, phrase_word: I32, is_prefix: U8) -> Trie:
    """Build the trie of these phrases."""
    size = 16
    while size < 2 * len(phrase_word):
        size <<= 1
    root = np.full(len(is_prefix), -1, np.int32)
    steps, targets = np.full(size, -1, np.int64), np.zeros(size, np.int32)
    phrase_of_node = np.full(len(phrase_word) + 1, -1, np.int32)
    has_prefix_edge = np.zeros(len(phrase_word) + 1, np.uint8)
    node_count = 0
    for phrase in range(len(phrase_at) - 1):
        current_node = -1
        for i in range(phrase_at[phrase], phrase_at[phrase + 1]):
            word = phrase_word[i]
            if current_node < 0:
                if root[word] < 0:
                    root[word] = node_count
                    node_count += 1
                current_node = root[word]
                continue
            has_prefix_edge[current_node] |= is_prefix[word]
            slot = _find_slot(steps, current_node, word)
            if steps[slot] < 0:
                steps[slot] = (np.int64(current_node) << 32) + word
                targets[slot] = node_count
                node_count += 1
            current_node = targets[slot]
        phrase_of_node[current_node] = phrase
    return Trie(root, steps, targets, phrase_of_node[: node_count + 1].copy(), has_prefix_edge[: node_count + 1].copy())


@inlined
def _find_slot(steps: I64, node: int, word: int) -> int:
    """The slot of an edge in the hash table, or the free slot for it."""
    key = (np.int64(node) << 32) + word
    mask = len(steps) - 1
    slot = ((key ^ (key >> 29)) * np.int64(0x9E3779B97F4A7C1) >> 17) & mask
    while steps[slot] >= 0 and steps[slot] != key:
        slot = (slot + 1) & mask
    return int(slot)


@inlined
def _next_node(trie: Trie, node: int, word: int) -> int:
    """The child of a node, or of the root (−1), for a word; −1 where there is no such edge."""
    if word < 0:
        return -1
    if node < 0:
        return int(trie.root[word])
    slot = _find_slot(trie.steps, node, word)
    return int(trie.targets[slot]) if trie.steps[slot] >= 0 else -1


@inlined
def _push(stack: I64, top: int, node: int, token: int) -> int:
    """Push a node and the next token on the stack, unless the node is −1. Returns the new size of the stack."""
    if node < 0:
        return top
    stack[top], stack[top + 1] = node, token
    return top + 2


@inlined
def _push_next(trie: Trie, texts: TokenizedTexts, node: int, token: int, stack: I64, top: int) -> int:
    """Push the nodes after a token: by its word, by its form's prefixes, and by those of a compound."""
    top = _push(stack, top, _next_node(trie, node, texts.word[token]), token + 1)
    form = texts.form[token]
    if form >= 0 and (node < 0 or trie.has_prefix_edge[node]):
        for i in range(texts.form_prefix_at[form], texts.form_prefix_at[form + 1]):
            top = _push(stack, top, _next_node(trie, node, texts.form_prefix[i]), token + 1)
        whole = texts.whole[token]
        if whole >= 0:
            form = texts.whole_form[whole]
            for i in range(texts.whole_prefix_at[form], texts.whole_prefix_at[form + 1]):
                top = _push(stack, top, _next_node(trie, node, texts.whole_prefix[i]), token + texts.span[whole])
    return top


@compiled
def find_phrases(trie: Trie, texts: TokenizedTexts, phrases: int, tokens: I64, stack: I64) -> tuple[I32, I32, U8, int]:
    """Find every phrase that begins at one of these tokens (in order): phrase, paper, bits of the kinds of text.

    Each pair of phrase and paper occurs once. The last value is the number of pairs.
    """
    last_pair = np.full(phrases, -1, np.int32)
    capacity = 1024
    phrase, paper, kinds = np.empty(capacity, np.int32), np.empty(capacity, np.int32), np.empty(capacity, np.uint8)
    count = text = 0
    for token in tokens:
        while text + 1 < len(texts.text_at) and texts.text_at[text + 1] <= token:
            text += 1
        text_paper, kind_bit = texts.paper[text], 1 << texts.kind[text]
        top = _push_next(trie, texts, -1, token, stack, 0)
        while top:
            node, next_token = stack[top - 2], stack[top - 1]
            top = _push_next(trie, texts, node, next_token, stack, top - 2)
            phrase_found = trie.phrase_of_node[node]
            if phrase_found < 0:
                continue
            if last_pair[phrase_found] >= 0 and paper[last_pair[phrase_found]] == text_paper:
                kinds[last_pair[phrase_found]] |= kind_bit
                continue
            if count == capacity:
                capacity *= 2
                phrase, paper, kinds = _grow(phrase, capacity), _grow(paper, capacity), _grow(kinds, capacity)
            phrase[count], paper[count], kinds[count] = phrase_found, text_paper, kind_bit
            last_pair[phrase_found] = count
            count += 1
    return phrase, paper, kinds, count


@compiled
def _grow(old: Rows, capacity: int) -> Rows:
    new = np.empty(capacity, old.dtype)
    for i in range(len(old)):
        new[i] = old[i]
    return new

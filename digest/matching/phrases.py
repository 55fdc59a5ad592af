"""Phrases found in texts, in machine code: a trie walked over the tokens, and prefixes from where they may stand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from digest.matching.arrays import I32, I64, U8, Rows
from digest.matching.jit import compiled


class Trie(NamedTuple):
    """Phrases without prefixes. `root`: by word, the node behind it; other steps in a hash table, −1 is free."""

    root: I32
    step: I64  # node · 2³² + word
    node: I32
    end: I32  # by node: the phrase that ends here, or −1


class Texts(NamedTuple):
    """Tokens as words of a lexicon (−1 unknown or behind a text); `form`: as written; compounds written as one."""

    word: I32
    form: I32
    at: I32
    paper: I32
    kind: U8
    whole_token: I32
    whole: I32
    span: I32


@compiled
def plant(phrase_at: I32, phrase_word: I32, plain: U8, words: int) -> Trie:
    """The trie of the phrases marked `plain`."""
    size = 16
    while size < 2 * len(phrase_word):
        size <<= 1
    root = np.full(words, -1, np.int32)
    step, node = np.full(size, -1, np.int64), np.zeros(size, np.int32)
    end = np.full(len(phrase_word) + 1, -1, np.int32)
    nodes = 0
    for phrase in range(len(phrase_at) - 1):
        if not plain[phrase]:
            continue
        at = -1
        for i in range(phrase_at[phrase], phrase_at[phrase + 1]):
            word = phrase_word[i]
            if at < 0:
                if root[word] < 0:
                    root[word] = nodes
                    nodes += 1
                at = root[word]
            else:
                slot = _slot(step, at, word)
                if step[slot] < 0:
                    step[slot] = (np.int64(at) << 32) + word
                    node[slot] = nodes
                    nodes += 1
                at = node[slot]
        end[at] = phrase
    return Trie(root, step, node, end[: nodes + 1].copy())


@compiled
def _slot(step: I64, node: int, word: int) -> int:
    """Where a step is in the table, or would be."""
    key = (np.int64(node) << 32) + word
    mask = len(step) - 1
    slot = ((key ^ (key >> 29)) * np.int64(0x9E3779B97F4A7C1) >> 17) & mask
    while step[slot] >= 0 and step[slot] != key:
        slot = (slot + 1) & mask
    return int(slot)


@compiled
def walk(trie: Trie, texts: Texts, phrases: int, tokens: I64) -> tuple[I32, I32, U8, int]:
    """Every phrase that begins at one of these tokens (in order): phrase, paper, bits of the kinds of text.

    Each pair of phrase and paper once. Lastly, how many.
    """
    last = np.full(phrases, -1, np.int32)
    room = 1024
    phrase, paper, kinds = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
    n = text = 0
    for at in tokens:
        while text + 1 < len(texts.at) and texts.at[text + 1] <= at:
            text += 1
        here, bit = texts.paper[text], 1 << texts.kind[text]
        node, behind = trie.root[texts.word[at]], at
        while node >= 0:
            found = trie.end[node]
            if found >= 0:
                if last[found] >= 0 and paper[last[found]] == here:
                    kinds[last[found]] |= bit
                else:
                    if n == room:
                        room *= 2
                        phrase, paper, kinds = _grown(phrase, room), _grown(paper, room), _grown(kinds, room)
                    phrase[n], paper[n], kinds[n] = found, here, bit
                    last[found] = n
                    n += 1
            behind += 1
            word = texts.word[behind]
            if word < 0:
                break
            slot = _slot(trie.step, node, word)
            node = trie.node[slot] if trie.step[slot] >= 0 else -1
    return phrase, paper, kinds, n


@compiled
def _grown(old: Rows, room: int) -> Rows:
    new = np.empty(room, old.dtype)
    for i in range(len(old)):
        new[i] = old[i]
    return new


@compiled
def stands(texts: Texts, words: I32, first: I32, last: I32, anchor: int, at: int, stack: I64) -> bool:
    """True where a phrase with prefixes stands in the text with its first prefix, the `anchor`, at that token.

    `words`: the phrase; `first` and `last`: for a prefix the ranges of written forms, and of compounds, that begin so.
    """
    for back in range(1, anchor + 1):
        if at < back or texts.form[at - back] < 0 or texts.word[at - back] != words[anchor - back]:
            return False
    stack[0], stack[1] = anchor, at
    top = 2
    while top:
        step, here = stack[top - 2], stack[top - 1]
        top -= 2
        if step == len(words):
            return True
        if texts.form[here] < 0:
            continue
        if last[2 * step] < 0:  # no prefix
            if texts.word[here] == words[step]:
                stack[top], stack[top + 1] = step + 1, here + 1
                top += 2
            continue
        if first[2 * step] <= texts.form[here] < last[2 * step]:
            stack[top], stack[top + 1] = step + 1, here + 1
            top += 2
        whole = np.searchsorted(texts.whole_token, here)
        known = whole < len(texts.whole_token) and texts.whole_token[whole] == here
        if known and first[2 * step + 1] <= texts.whole[whole] < last[2 * step + 1]:
            stack[top], stack[top + 1] = step + 1, here + texts.span[whole]
            top += 2
    return False


@compiled
def standing(texts: Texts, words: I32, first: I32, last: I32, anchor: int, tokens: I32) -> I64:
    """The places, among those tokens, where a phrase with prefixes stands."""
    stack = np.empty(2 * len(words) + 8, np.int64)
    kept = np.empty(len(tokens), np.int64)
    n = 0
    for i in range(len(tokens)):
        if stands(texts, words, first, last, anchor, tokens[i], stack):
            kept[n] = i
            n += 1
    return kept[:n]

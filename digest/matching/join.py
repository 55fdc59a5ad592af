"""Papers joined with profiles: where everything that a lexicon asks for holds, and what each word is worth there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching import names, pairs, phrases
from digest.matching.arrays import I32, I64, U8
from digest.matching.index import ABSTRACT, CODE, WITHDRAWN, Index, begins, ranges
from digest.matching.lexicon import Lexicon
from digest.matching.phrases import Texts, Trie
from digest.matching.rows import as_sets, often


@dataclass(frozen=True, slots=True)
class Joined:
    """Papers of several indexes, numbered through, with what a lexicon asks for. It knows no weights yet.

    `atom_paper`: each atom's papers in order. `word`, `paper`, `tf`: each wanted word of each paper.
    """

    ids: I64
    length: I32
    withdrawn: NDArray[np.bool_]
    atom_at: I32
    atom_paper: I32
    atom_set: I32
    sets: I64
    word: I32
    paper: I32
    tf: I32
    category: I64

    def holds(self, atom: int, paper: int) -> bool:
        """True where the atom holds for the paper."""
        part = self.atom_paper[self.atom_at[atom] : self.atom_at[atom + 1]]
        at = int(np.searchsorted(part, paper))
        return at < len(part) and bool(part[at] == paper)


def join(lexicon: Lexicon, indexes: Sequence[Index]) -> Joined:
    """Everything the lexicon asks for, in the papers of all indexes in their order."""
    total = sum(index.papers for index in indexes)
    asked = _Asked(lexicon)
    atoms: list[I64] = []
    words: list[I64] = []
    at = 0
    for index in indexes:
        if index.papers:
            found = asked.of(index)
            atoms += [atom.astype(np.int64) * total + paper + at for atom, paper in found.atoms]
            words += [(word.astype(np.int64) * total + paper + at) << 3 | tf for word, paper, tf in found.words]
        at += index.papers
    atom, paper = np.divmod(np.unique(_joined(atoms)), max(total, 1))
    keys = np.sort(_joined(words))
    word, word_paper = np.divmod(keys >> 3, max(total, 1))
    flags = _joined([index.flags for index in indexes])
    atom_set, sets = often(atom, paper, len(lexicon.atoms), total)
    category = np.concatenate(_stacked([asked.admitted(index) for index in indexes], len(lexicon.admitting)))
    return Joined(
        ids=_joined([index.ids for index in indexes]),
        length=_joined([index.length for index in indexes]).astype(np.int32),
        withdrawn=(flags & WITHDRAWN) > 0,
        atom_at=begins(atom, len(lexicon.atoms)),
        atom_paper=paper.astype(np.int32),
        atom_set=atom_set,
        sets=sets,
        word=word.astype(np.int32),
        paper=word_paper.astype(np.int32),
        tf=(keys & 7).astype(np.int32),
        category=as_sets(category),
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """Pairs of atom and paper, and triples of word, paper and tf, in pieces."""

    atoms: list[tuple[I32, I32]]
    words: list[tuple[I32, I32, I32]]


class _Asked:
    """A lexicon made ready to look for everything in it at once."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.stems = {text: number for (text, prefix), number in lexicon.words.items() if not prefix}
        self.prefixes = {number: text for (text, prefix), number in lexicon.words.items() if prefix}
        self.weighing = np.zeros(len(lexicon.words) + 1, bool)
        self.weighing[list(lexicon.weighing - {-1})] = True
        self.phrase_at = np.array(lexicon.phrase_at, np.int32)
        self.phrase_word = np.array(lexicon.phrase_word, np.int32)
        self.plain = self._without_prefixes()
        self.trie: Trie = phrases.plant(self.phrase_at, self.phrase_word, self.plain, len(lexicon.words))
        self.atom_kinds = np.array(lexicon.atom_kinds, np.int32)
        phrase = np.array(lexicon.atom_phrase, np.int32)
        self.by_phrase = np.argsort(phrase, kind="stable").astype(np.int32)
        self.by_phrase_at = begins(phrase[self.by_phrase], len(self.phrase_at) - 1)
        self.names = names.Names(lexicon.authors)
        self.categories = names.Categories(lexicon.categories, lexicon.exact)
        self.admitting = names.Categories(lexicon.admitting.items(), ())

    def of(self, index: Index) -> _Hits:
        """What of it one index has."""
        stem = self._stems(index)
        atoms = self._phrases(index, np.append(stem[index.form_stem], np.int32(-1)))
        atoms += [self.names.of(index), self.categories.of(index)]
        if self.lexicon.code >= 0:
            paper = np.flatnonzero(index.flags & CODE).astype(np.int32)
            atoms.append((np.full(len(paper), self.lexicon.code, np.int32), paper))
        return _Hits(atoms, [self._words(index, stem), *self._prefixes(index)])

    def _without_prefixes(self) -> U8:
        is_prefix = np.zeros(len(self.lexicon.words) + 1, np.int64)
        is_prefix[list(self.prefixes)] = 1
        marks = np.concatenate(([0], np.cumsum(is_prefix[self.phrase_word])))
        plain: U8 = (marks[self.phrase_at[1:]] == marks[self.phrase_at[:-1]]).astype(np.uint8)
        return plain

    def _stems(self, index: Index) -> I32:
        """The word of each of the index's stems, −1 for those nobody asks for."""
        found = np.full(len(index.stems), -1, np.int32)
        if len(self.stems) < len(index.stems):
            known = index.stem_number
            pairs = [(known[text], word) for text, word in self.stems.items() if text in known]
        else:
            pairs = [(at, self.stems[text]) for at, text in enumerate(index.stems) if text in self.stems]
        if pairs:
            at, word = np.array(pairs, np.int32).T
            found[at] = word
        return found

    def _words(self, index: Index, stem: I32) -> tuple[I32, I32, I32]:
        """The wanted words of each paper."""
        wanted = np.flatnonzero((stem >= 0) & self.weighing[stem])
        begin, size = index.post_at[wanted], np.diff(index.post_at)[wanted]
        at = ranges(begin, size)
        return np.repeat(stem[wanted], size), index.post_paper[at], index.post_tf[at].astype(np.int32)

    def _prefixes(self, index: Index) -> Iterator[tuple[I32, I32, I32]]:
        """For each wanted prefix the papers with a word of that beginning."""
        for word, text in self.prefixes.items():
            token = _tokens_of(index, text)
            if self.weighing[word] and len(token):
                paper, kind = _where(index, token)
                paper, kind = paper[kind <= ABSTRACT], kind[kind <= ABSTRACT]
                keys = np.unique(paper.astype(np.int64) * 2 + (kind == ABSTRACT))
                first = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
                if len(first):
                    tf = np.add.reduceat(np.where(keys & 1, 1, 3), first)
                    yield np.full(len(first), word, np.int32), (keys[first] >> 1).astype(np.int32), tf.astype(np.int32)

    def _phrases(self, index: Index, form_word: I32) -> list[tuple[I32, I32]]:
        texts = Texts(
            form_word[index.stream], index.stream, index.text_at, index.text_paper, index.text_kind,
            index.whole_token, index.whole_form, index.whole_span,
        )  # fmt: skip
        starting = np.append(self.trie.root, np.int32(-1))[form_word] >= 0  # by form: a phrase may begin with it
        phrase, paper, kinds, n = phrases.walk(
            self.trie, texts, len(self.plain), np.flatnonzero(starting[index.stream])
        )
        found = [(phrase[:n], paper[:n], kinds[:n])]
        found += [self._with_prefix(index, texts, int(one)) for one in np.flatnonzero(self.plain == 0)]
        phrase, paper, kinds = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return [pairs.atoms(phrase, paper, kinds, self.by_phrase_at, self.by_phrase, self.atom_kinds)]

    def _with_prefix(self, index: Index, texts: Texts, phrase: int) -> tuple[I32, I32, U8]:
        """Where a phrase with prefixes stands: tried wherever its first prefix does."""
        words = self.phrase_word[self.phrase_at[phrase] : self.phrase_at[phrase + 1]]
        anchor = next(i for i, word in enumerate(words) if int(word) in self.prefixes)
        token = _tokens_of(index, self.prefixes[int(words[anchor])])
        if len(words) > 1 and len(token):
            ranges = np.array([_both(index, self.prefixes.get(int(word))) for word in words], np.int32)
            first, last = np.ascontiguousarray(ranges[:, :2]).ravel(), np.ascontiguousarray(ranges[:, 2:]).ravel()
            token = token[phrases.standing(texts, words, first, last, anchor, token)]
        paper, kind = _where(index, token)
        return np.full(len(paper), phrase, np.int32), paper, (1 << kind).astype(np.uint8)

    def admitted(self, index: Index) -> U8:
        """Any or primary only × categories wanted × papers: 1 where the paper is in it."""
        by_name = np.zeros((len(index.categories) + 1, len(self.lexicon.admitting)), np.uint8)
        for number, name in enumerate(index.categories):
            by_name[number, self.admitting.numbers(name)] = 1
        size = np.diff(index.category_at)
        found = np.zeros((2, index.papers, by_name.shape[1]), np.uint8)
        np.maximum.at(found[0], np.repeat(np.arange(index.papers), size), by_name[index.category_id])
        found[1][size > 0] = by_name[index.category_id[index.category_at[:-1][size > 0]]]
        return found.transpose(0, 2, 1)


def _joined(parts: Sequence[NDArray[Any]]) -> I64:
    found: I64 = np.concatenate([np.zeros(0, np.int64), *parts])
    return found


def _stacked(parts: Sequence[U8], width: int) -> U8:
    found: U8 = np.concatenate([np.zeros((2, width, 0), np.uint8), *parts], axis=2)
    return found


def _range(words: Sequence[str], beginning: str) -> tuple[int, int]:
    return bisect_left(words, beginning), bisect_left(words, beginning + names.LAST)


def _both(index: Index, beginning: str | None) -> tuple[int, int, int, int]:
    """The ranges of forms and of compounds with that beginning: two firsts, two lasts; −1 for no prefix."""
    if beginning is None:
        return -1, -1, -1, -1
    form, whole = _range(index.forms, beginning), _range(index.wholes, beginning)
    return form[0], whole[0], form[1], whole[1]


def _tokens_of(index: Index, beginning: str) -> I32:
    """Where words of that beginning stand, compounds written as one word included."""
    first, last = _range(index.forms, beginning)
    tokens = index.form_token[index.form_at[first] : index.form_at[last]]
    first, last = _range(index.wholes, beginning)
    if first < last:
        wholes = index.whole_token[(index.whole_form >= first) & (index.whole_form < last)]
        tokens = np.union1d(tokens, wholes).astype(np.int32)
    return tokens


def _where(index: Index, token: I32) -> tuple[I32, I32]:
    """The paper of each token, and the kind of text."""
    text = np.searchsorted(index.text_at, token, side="right") - 1
    return index.text_paper[text], index.text_kind[text].astype(np.int32)

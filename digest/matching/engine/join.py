"""Papers joined with profiles: where everything that they ask for holds, and what each word is worth there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.author_category_lookup import LAST
from digest.matching.engine.compiled_vocabulary import CompiledVocabulary
from digest.matching.engine.dense_rows import frequent_sets, to_bitsets
from digest.matching.engine.paper_index import ABSTRACT, CODE, TITLE, WITHDRAWN, PaperIndex
from digest.matching.engine.segments import concatenated_ranges, distinct, segment_starts
from digest.matching.kernel import pair_scatter, phrase_trie
from digest.matching.kernel.array_layout import I32, I64, U8
from digest.matching.kernel.phrase_trie import Texts


@dataclass(frozen=True, slots=True)
class JoinedPapers:
    """Papers of several indexes, numbered through, with what profiles ask for. It knows no weights yet.

    `atom_paper`: each atom's papers in order; `title_paper`: those in whose title its words stand. `word`, `paper`,
    `tf`: each wanted word of each paper.
    """

    ids: I64
    length: I32
    withdrawn: NDArray[np.bool_]
    atom_at: I32
    atom_paper: I32
    atom_set: I32
    sets: I64
    title_at: I32
    title_paper: I32
    word: I32
    paper: I32
    tf: I32
    category: I64

    def papers_with(self, atom: int) -> I32:
        """The papers for which the atom holds, as places in `ids`."""
        return self.atom_paper[self.atom_at[atom] : self.atom_at[atom + 1]]


def join_papers(asked: CompiledVocabulary, indexes: Sequence[PaperIndex]) -> JoinedPapers:
    """Everything that is asked for, in the papers of all indexes in their order."""
    total = sum(index.papers for index in indexes)
    atoms: list[I64] = []
    titles: list[I64] = []
    words: list[I64] = []
    at = 0
    for index in indexes:
        if index.papers:
            found = _hits(asked, index)
            atoms += [atom.astype(np.int64) * total + paper + at for atom, paper in found.atoms]
            titles += [atom.astype(np.int64) * total + paper + at for atom, paper in found.titles]
            words += [(word.astype(np.int64) * total + paper + at) << 3 | tf for word, paper, tf in found.words]
        at += index.papers
    atom, paper = np.divmod(distinct(_joined(atoms)), max(total, 1))
    title, title_paper = np.divmod(distinct(_joined(titles)), max(total, 1))
    keys = np.sort(_joined(words))
    word, word_paper = np.divmod(keys >> 3, max(total, 1))
    flags = _joined([index.flags for index in indexes])
    atom_set, sets = frequent_sets(atom, paper, asked.atoms, total)
    category = np.concatenate(_stacked([_admitted(asked, index) for index in indexes], asked.admitted))
    return JoinedPapers(
        ids=_joined([index.ids for index in indexes]),
        length=_joined([index.length for index in indexes]).astype(np.int32),
        withdrawn=(flags & WITHDRAWN) > 0,
        atom_at=segment_starts(atom, asked.atoms),
        atom_paper=paper.astype(np.int32),
        atom_set=atom_set,
        sets=sets,
        title_at=segment_starts(title, asked.atoms),
        title_paper=title_paper.astype(np.int32),
        word=word.astype(np.int32),
        paper=word_paper.astype(np.int32),
        tf=(keys & 7).astype(np.int32),
        category=to_bitsets(category),
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """Pairs of atom and paper, those of words in titles, and triples of word, paper and tf, in pieces."""

    atoms: list[tuple[I32, I32]]
    titles: list[tuple[I32, I32]]
    words: list[tuple[I32, I32, I32]]


@dataclass(frozen=True, slots=True)
class _Beginnings:
    """The words wanted that are beginnings of an index's words: by prefix the first and last such word, and by word.

    `size`: how many words begin with each prefix, from `first` on.
    """

    first: I32
    size: I32
    at: I32
    prefix: I32

    @classmethod
    def of(cls, asked: CompiledVocabulary, words: Sequence[str]) -> _Beginnings:
        """Those of some words in alphabetical order."""
        first = np.array([bisect_left(words, text) for text in asked.prefixes], np.int32)
        last = np.array([bisect_left(words, text + LAST) for text in asked.prefixes], np.int32)
        word = concatenated_ranges(first, last - first)
        order = np.argsort(word, kind="stable")
        prefix = np.repeat(asked.prefix_word, last - first)[order]
        return cls(first, last - first, segment_starts(word[order], len(words)), prefix)


def _hits(asked: CompiledVocabulary, index: PaperIndex) -> _Hits:
    """What of it one index has."""
    stem = _stems(asked, index)
    forms, wholes = _Beginnings.of(asked, index.forms), _Beginnings.of(asked, index.wholes)
    phrases, titles = _phrases(asked, index, stem, forms, wholes)
    atoms = [phrases, asked.names.matches(index), asked.categories.matches(index)]
    if asked.code >= 0:
        paper = np.flatnonzero(index.flags & CODE).astype(np.int32)
        atoms.append((np.full(len(paper), asked.code, np.int32), paper))
    return _Hits(atoms, [titles], [_words(asked, index, stem), _prefixes(asked, index, forms, wholes)])


def _stems(asked: CompiledVocabulary, index: PaperIndex) -> I32:
    """The word of each of the index's stems, −1 for those nobody asks for; behind them a −1."""
    found = np.full(len(index.stems) + 1, -1, np.int32)
    if len(asked.stems) < len(index.stems):
        known = index.stem_number
        pairs = [(known[text], word) for text, word in asked.stems.items() if text in known]
    else:
        pairs = [(at, asked.stems[text]) for at, text in enumerate(index.stems) if text in asked.stems]
    if pairs:
        at, word = np.array(pairs, np.int32).T
        found[at] = word
    return found


def _words(asked: CompiledVocabulary, index: PaperIndex, stem: I32) -> tuple[I32, I32, I32]:
    """The wanted words of each paper."""
    wanted = np.flatnonzero((stem >= 0) & asked.weighing[stem])
    begin, size = index.post_at[wanted], np.diff(index.post_at)[wanted]
    at = concatenated_ranges(begin, size)
    return np.repeat(stem[wanted], size), index.post_paper[at], index.post_tf[at].astype(np.int32)


def _prefixes(
    asked: CompiledVocabulary, index: PaperIndex, forms: _Beginnings, wholes: _Beginnings
) -> tuple[I32, I32, I32]:
    """For each wanted prefix the papers with a word of that beginning, compounds written as one word included."""
    wanted = np.flatnonzero(asked.weighing[asked.prefix_word])
    first, last = forms.first[wanted], forms.first[wanted] + forms.size[wanted]
    begin = index.form_at[first]
    size = index.form_at[last] - begin
    order = np.argsort(index.whole_form, kind="stable")
    whole_at = segment_starts(index.whole_form[order], len(index.wholes))
    whole = whole_at[wholes.first[wanted]]
    wholes_size = whole_at[wholes.first[wanted] + wholes.size[wanted]] - whole
    token = np.concatenate(
        (
            index.form_token[concatenated_ranges(begin, size)],
            index.whole_token[order[concatenated_ranges(whole, wholes_size)]],
        )
    )
    word = asked.prefix_word[wanted]
    word = np.concatenate((np.repeat(word, size), np.repeat(word, wholes_size)))
    paper, kind = _where(index, token)
    kept = kind <= ABSTRACT
    keys = distinct((word[kept].astype(np.int64) * index.papers + paper[kept]) * 2 + (kind[kept] == ABSTRACT))
    once = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
    tf = np.add.reduceat(np.where(keys & 1, 1, 3), once) if len(once) else once
    found, where = np.divmod(keys[once] >> 1, index.papers)
    return found.astype(np.int32), where.astype(np.int32), tf.astype(np.int32)


def _phrases(
    asked: CompiledVocabulary, index: PaperIndex, stem: I32, forms: _Beginnings, wholes: _Beginnings
) -> tuple[tuple[I32, I32], tuple[I32, I32]]:
    """The atoms of all phrases that stand somewhere, and of those that stand in a title, with their papers."""
    word = np.append(stem[index.form_stem], np.int32(-1))
    whole = np.full(len(index.stream) + 1, -1, np.int32)
    whole[index.whole_token] = np.arange(len(index.whole_token))
    texts = Texts(
        word[index.stream], index.stream, index.text_at, index.text_paper, index.text_kind,
        whole, index.whole_form, index.whole_span, forms.at, forms.prefix, wholes.at, wholes.prefix,
    )  # fmt: skip
    root = asked.trie.root
    starting = root[word] >= 0  # by form: a phrase may begin with it
    starting[np.repeat(np.arange(len(index.forms)), np.diff(forms.at))[root[forms.prefix] >= 0]] = True
    tokens = starting[index.stream]
    tokens[index.whole_token[np.diff(wholes.at)[index.whole_form] > 0]] = True
    at_once = 1 + int(np.diff(forms.at).max(initial=0)) + int(np.diff(wholes.at).max(initial=0))
    stack = np.zeros(2 * at_once * (asked.longest + 1), np.int64)
    phrase, paper, kinds, n = phrase_trie.walk(asked.trie, texts, asked.phrases, np.flatnonzero(tokens), stack)
    phrase, paper, kinds = phrase[:n], paper[:n], kinds[:n]
    in_title = kinds & 1 << TITLE > 0
    return (
        pair_scatter.atoms(phrase, paper, kinds, asked.by_phrase_at, asked.by_phrase, asked.atom_kinds),
        pair_scatter.atoms(
            phrase[in_title],
            paper[in_title],
            np.full(np.count_nonzero(in_title), 1 << TITLE, np.uint8),
            asked.by_phrase_at,
            asked.by_phrase,
            asked.atom_kinds,
        ),
    )


def _admitted(asked: CompiledVocabulary, index: PaperIndex) -> U8:
    """Any or primary only × categories wanted × papers: 1 where the paper is in it."""
    by_name = np.zeros((len(index.categories) + 1, asked.admitted), np.uint8)
    for number, name in enumerate(index.categories):
        by_name[number, asked.admitting.numbers(name)] = 1
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


def _where(index: PaperIndex, token: I32) -> tuple[I32, I32]:
    """The paper of each token, and the kind of text."""
    text = np.searchsorted(index.text_at, token, side="right") - 1
    return index.text_paper[text], index.text_kind[text].astype(np.int32)

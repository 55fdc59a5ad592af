"""Join papers with a vocabulary: the papers for which each atom holds, and the frequency of each word in each paper."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.author_category_lookup import LAST_CHARACTER
from digest.matching.engine.compiled_vocabulary import CompiledVocabulary
from digest.matching.engine.dense_rows import frequent_sets, to_bitsets
from digest.matching.engine.paper_index import ABSTRACT, CODE, TITLE, WITHDRAWN, PaperIndex
from digest.matching.engine.segments import concatenated_ranges, distinct, segment_starts
from digest.matching.kernel import pair_scatter, phrase_trie
from digest.matching.kernel.array_layout import I32, I64, U8
from digest.matching.kernel.phrase_trie import TokenizedTexts
from digest.matching.scoring.parameters import ABSTRACT_TF, TITLE_TF

PapersByPerson = Mapping[str, Collection[int]]
_NOBODY: PapersByPerson = {}


@dataclass(frozen=True, slots=True)
class JoinedIndex:
    """Papers of several indexes, numbered consecutively, with the vocabulary's atoms and words in them, unweighted.

    `atom_paper`: each atom's papers in order; `title_paper`: those that have its words in the title. `word`, `paper`,
    `tf`: each word of the vocabulary in each paper.
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
        """The papers for which the atom holds, as positions in `ids`."""
        return self.atom_paper[self.atom_at[atom] : self.atom_at[atom + 1]]


def join_papers(
    vocabulary: CompiledVocabulary, indexes: Sequence[PaperIndex], people: PapersByPerson = _NOBODY
) -> JoinedIndex:
    """Find the vocabulary's atoms and words in the papers of all indexes, in their order.

    `people`: ids of the papers of each followed person.
    """
    total = sum(index.paper_count for index in indexes)
    atoms: list[I64] = []
    titles: list[I64] = []
    words: list[I64] = []
    paper_offset = 0
    for index in indexes:
        if index.paper_count:
            hits = _find_hits(vocabulary, index, people)
            atoms += [atom.astype(np.int64) * total + paper + paper_offset for atom, paper in hits.atoms]
            titles += [atom.astype(np.int64) * total + paper + paper_offset for atom, paper in hits.titles]
            words += [
                (word.astype(np.int64) * total + paper + paper_offset) << 3 | tf for word, paper, tf in hits.words
            ]
        paper_offset += index.paper_count
    atom, paper = np.divmod(distinct(_concatenate(atoms)), max(total, 1))
    title, title_paper = np.divmod(distinct(_concatenate(titles)), max(total, 1))
    keys = np.sort(_concatenate(words))
    word, word_paper = np.divmod(keys >> 3, max(total, 1))
    flags = _concatenate([index.flags for index in indexes])
    atom_set, sets = frequent_sets([(atom, paper), (title, title_paper)], vocabulary.atoms, total)
    category = np.concatenate(
        _concatenate_papers([_category_rows(vocabulary, index) for index in indexes], vocabulary.profile_category_count)
    )
    return JoinedIndex(
        ids=_concatenate([index.ids for index in indexes]),
        length=_concatenate([index.length for index in indexes]).astype(np.int32),
        withdrawn=(flags & WITHDRAWN) > 0,
        atom_at=segment_starts(atom, vocabulary.atoms),
        atom_paper=paper.astype(np.int32),
        atom_set=atom_set,
        sets=sets,
        title_at=segment_starts(title, vocabulary.atoms),
        title_paper=title_paper.astype(np.int32),
        word=word.astype(np.int32),
        paper=word_paper.astype(np.int32),
        tf=(keys & 7).astype(np.int32),
        category=to_bitsets(category),
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """Pairs of atom and paper, those of words in titles, and triples of word, paper and tf, as lists of arrays."""

    atoms: list[tuple[I32, I32]]
    titles: list[tuple[I32, I32]]
    words: list[tuple[I32, I32, I32]]


@dataclass(frozen=True, slots=True)
class _PrefixRanges:
    """The vocabulary's prefixes in an index's words: by prefix the range of words, and by word the prefixes.

    `size`: how many words begin with each prefix, from `first` on.
    """

    first: I32
    size: I32
    at: I32
    prefix: I32

    @classmethod
    def for_words(cls, vocabulary: CompiledVocabulary, words: Sequence[str]) -> _PrefixRanges:
        """The prefix ranges in a list of words in alphabetical order."""
        first = np.array([bisect_left(words, text) for text in vocabulary.prefixes], np.int32)
        last = np.array([bisect_left(words, text + LAST_CHARACTER) for text in vocabulary.prefixes], np.int32)
        word = concatenated_ranges(first, last - first)
        order = np.argsort(word, kind="stable")
        prefix = np.repeat(vocabulary.prefix_word, last - first)[order]
        return cls(first, last - first, segment_starts(word[order], len(words)), prefix)


def _find_hits(vocabulary: CompiledVocabulary, index: PaperIndex, people: PapersByPerson) -> _Hits:
    """The vocabulary's hits in one index."""
    stem = _word_of_stem(vocabulary, index)
    forms, wholes = _PrefixRanges.for_words(vocabulary, index.forms), _PrefixRanges.for_words(vocabulary, index.wholes)
    phrases, titles, pairs = _phrase_hits(vocabulary, index, stem, forms, wholes)
    atoms = [phrases, vocabulary.authors.matches(index), vocabulary.categories.matches(index)]
    if vocabulary.people and people:
        atoms.append(_people_hits(vocabulary, index, people))
    if vocabulary.code >= 0:
        paper = np.flatnonzero(index.flags & CODE).astype(np.int32)
        atoms.append((np.full(len(paper), vocabulary.code, np.int32), paper))
    return _Hits(
        atoms,
        [titles],
        [_word_hits(vocabulary, index, stem), _prefix_hits(vocabulary, index, forms, wholes), pairs],
    )


def _people_hits(vocabulary: CompiledVocabulary, index: PaperIndex, people: PapersByPerson) -> tuple[I32, I32]:
    """Pairs of a followed person's atom and a paper of theirs, as two arrays."""
    positions = {paper_id: position for position, paper_id in enumerate(index.ids.tolist())}
    pairs = [
        (atom, positions[paper_id])
        for author, atom in vocabulary.people.items()
        for paper_id in people.get(author, ())
        if paper_id in positions
    ]
    atom, paper = np.array(pairs, np.int32).reshape(-1, 2).T
    return atom, paper


def _word_of_stem(vocabulary: CompiledVocabulary, index: PaperIndex) -> I32:
    """The vocabulary's word of each of the index's stems, −1 for none; the last entry is −1."""
    word_of_stem = np.full(len(index.stems) + 1, -1, np.int32)
    if len(vocabulary.stems) < len(index.stems):
        stem_number = index.stem_number
        pairs = [(stem_number[text], word) for text, word in vocabulary.stems.items() if text in stem_number]
    else:
        pairs = [
            (stem_id, vocabulary.stems[text]) for stem_id, text in enumerate(index.stems) if text in vocabulary.stems
        ]
    if pairs:
        stem_ids, word = np.array(pairs, np.int32).T
        word_of_stem[stem_ids] = word
    return word_of_stem


def _word_hits(vocabulary: CompiledVocabulary, index: PaperIndex, stem: I32) -> tuple[I32, I32, I32]:
    """The vocabulary's words of each paper: word, paper, tf."""
    stems = np.flatnonzero((stem >= 0) & vocabulary.has_impact[stem])
    begin, size = index.post_at[stems], np.diff(index.post_at)[stems]
    postings = concatenated_ranges(begin, size)
    return np.repeat(stem[stems], size), index.post_paper[postings], index.post_tf[postings].astype(np.int32)


def _prefix_hits(
    vocabulary: CompiledVocabulary, index: PaperIndex, forms: _PrefixRanges, wholes: _PrefixRanges
) -> tuple[I32, I32, I32]:
    """The papers with a word that begins with each prefix, including compounds written as one word."""
    prefixes = np.flatnonzero(vocabulary.has_impact[vocabulary.prefix_word])
    first, last = forms.first[prefixes], forms.first[prefixes] + forms.size[prefixes]
    begin = index.form_at[first]
    size = index.form_at[last] - begin
    order = np.argsort(index.whole_form, kind="stable")
    whole_at = segment_starts(index.whole_form[order], len(index.wholes))
    whole = whole_at[wholes.first[prefixes]]
    wholes_size = whole_at[wholes.first[prefixes] + wholes.size[prefixes]] - whole
    token = np.concatenate(
        (
            index.form_token[concatenated_ranges(begin, size)],
            index.whole_token[order[concatenated_ranges(whole, wholes_size)]],
        )
    )
    word = vocabulary.prefix_word[prefixes]
    word = np.concatenate((np.repeat(word, size), np.repeat(word, wholes_size)))
    paper, kind = _token_papers(index, token)
    in_text = kind <= ABSTRACT
    keys = distinct(
        (word[in_text].astype(np.int64) * index.paper_count + paper[in_text]) * 2 + (kind[in_text] == ABSTRACT)
    )
    first_of_pair = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
    tf = (
        np.add.reduceat(np.where(keys & 1, ABSTRACT_TF, TITLE_TF), first_of_pair)
        if len(first_of_pair)
        else first_of_pair
    )
    prefix_word, prefix_paper = np.divmod(keys[first_of_pair] >> 1, index.paper_count)
    return prefix_word.astype(np.int32), prefix_paper.astype(np.int32), tf.astype(np.int32)


def _phrase_hits(
    vocabulary: CompiledVocabulary, index: PaperIndex, stem: I32, forms: _PrefixRanges, wholes: _PrefixRanges
) -> tuple[tuple[I32, I32], tuple[I32, I32], tuple[I32, I32, I32]]:
    """The atoms of all phrases found in the texts with their papers, those found in titles, and adjacent pairs."""
    word = np.append(stem[index.form_stem], np.int32(-1))
    whole = np.full(len(index.stream) + 1, -1, np.int32)
    whole[index.whole_token] = np.arange(len(index.whole_token))
    texts = TokenizedTexts(
        word[index.stream], index.stream, index.text_at, index.text_paper, index.text_kind,
        whole, index.whole_form, index.whole_span, forms.at, forms.prefix, wholes.at, wholes.prefix,
    )  # fmt: skip
    root = vocabulary.trie.root
    can_start = root[word] >= 0  # by form: a phrase may begin with it
    can_start[np.repeat(np.arange(len(index.forms)), np.diff(forms.at))[root[forms.prefix] >= 0]] = True
    tokens = can_start[index.stream]
    tokens[index.whole_token[np.diff(wholes.at)[index.whole_form] > 0]] = True
    max_branching = 1 + int(np.diff(forms.at).max(initial=0)) + int(np.diff(wholes.at).max(initial=0))
    stack = np.zeros(2 * max_branching * (vocabulary.longest_phrase + 1), np.int64)
    phrase, paper, kinds, count = phrase_trie.find_phrases(
        vocabulary.trie, texts, vocabulary.phrases, np.flatnonzero(tokens), stack
    )
    phrase, paper, kinds = phrase[:count], paper[:count], kinds[:count]
    atoms_of = vocabulary.by_phrase_at, vocabulary.atoms_by_phrase, vocabulary.atom_kinds
    in_title = kinds & 1 << TITLE > 0
    title_kinds = np.full(np.count_nonzero(in_title), 1 << TITLE, np.uint8)
    return (
        pair_scatter.scatter_pairs(phrase, paper, kinds, *atoms_of),
        pair_scatter.scatter_pairs(phrase[in_title], paper[in_title], title_kinds, *atoms_of),
        _pair_hits(vocabulary, phrase, paper, kinds),
    )


def _pair_hits(vocabulary: CompiledVocabulary, phrase: I32, paper: I32, kinds: U8) -> tuple[I32, I32, I32]:
    """The adjacent pairs of example papers among the phrases found, as words: word, paper, tf."""
    if not len(vocabulary.pair_of_phrase):
        return (np.zeros(0, np.int32),) * 3
    word = vocabulary.pair_of_phrase[phrase]
    tf = TITLE_TF * (kinds >> TITLE & 1).astype(np.int32) + ABSTRACT_TF * (kinds >> ABSTRACT & 1).astype(np.int32)
    is_hit = (word >= 0) & (tf > 0)
    return word[is_hit], paper[is_hit], tf[is_hit]


def _category_rows(vocabulary: CompiledVocabulary, index: PaperIndex) -> U8:
    """(all or primary only) × categories of profiles × papers: 1 where the paper is in the category."""
    by_name = np.zeros((len(index.categories) + 1, vocabulary.profile_category_count), np.uint8)
    for number, name in enumerate(index.categories):
        by_name[number, vocabulary.profile_categories.numbers(name)] = 1
    size = np.diff(index.category_at)
    in_category = np.zeros((2, index.paper_count, by_name.shape[1]), np.uint8)
    np.maximum.at(in_category[0], np.repeat(np.arange(index.paper_count), size), by_name[index.category_id])
    in_category[1][size > 0] = by_name[index.category_id[index.category_at[:-1][size > 0]]]
    return in_category.transpose(0, 2, 1)


def _concatenate(parts: Sequence[NDArray[Any]]) -> I64:
    result: I64 = np.concatenate([np.zeros(0, np.int64), *parts])
    return result


def _concatenate_papers(parts: Sequence[U8], width: int) -> U8:
    result: U8 = np.concatenate([np.zeros((2, width, 0), np.uint8), *parts], axis=2)
    return result


def _token_papers(index: PaperIndex, token: I32) -> tuple[I32, I32]:
    """The paper and the kind of text of each token."""
    text = np.searchsorted(index.text_at, token, side="right") - 1
    return index.text_paper[text], index.text_kind[text].astype(np.int32)

"""A vocabulary compiled to arrays, to search papers for all of it at once. Independent of papers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.matching.engine.author_category_lookup import AuthorLookup, CategoryLookup
from digest.matching.engine.segments import segment_starts
from digest.matching.engine.vocabulary import Vocabulary
from digest.matching.kernel import phrase_trie
from digest.matching.kernel.array_layout import I32
from digest.matching.kernel.phrase_trie import Trie


@dataclass(frozen=True, slots=True)
class CompiledVocabulary:
    """A compiled vocabulary. Words are numbered as in the vocabulary; `by_phrase`: the atoms of each phrase.

    `prefixes`: prefixes of words in alphabetical order, `prefix_word` their numbers. `has_impact`: by word; its last
    entry, for −1, belongs to no word. `longest_phrase`: in words. `pair_of_phrase`: the number of an adjacent pair of
    example papers, as a word, by its phrase; −1 for other phrases. Empty where there are no pairs.
    `people`: the atom of each followed person.
    """

    stems: dict[str, int]
    prefixes: tuple[str, ...]
    prefix_word: I32
    has_impact: NDArray[np.bool_]
    trie: Trie
    longest_phrase: int
    phrases: int
    pair_of_phrase: I32
    atoms: int
    atom_kinds: I32
    atoms_by_phrase: I32
    by_phrase_at: I32
    authors: AuthorLookup
    people: dict[str, int]
    categories: CategoryLookup
    profile_categories: CategoryLookup
    profile_category_count: int
    code: int


def compile_vocabulary(vocabulary: Vocabulary) -> CompiledVocabulary:
    """Compile the vocabulary's present state."""
    prefixes = sorted((text, word) for (text, prefix), word in vocabulary.words.items() if prefix)
    prefix_word = np.array([word for _, word in prefixes], np.int32)
    has_impact, is_prefix = np.zeros((2, len(vocabulary.words) + 1), bool)
    has_impact[list(vocabulary.words_with_impacts - {-1})] = True
    is_prefix[prefix_word] = True
    phrase_at, phrase_word = np.array(vocabulary.phrase_at, np.int32), np.array(vocabulary.phrase_word, np.int32)
    phrase = np.array(vocabulary.atom_phrase, np.int32)
    atoms_by_phrase = np.argsort(phrase, kind="stable").astype(np.int32)
    pairs = list(vocabulary.pairs())
    pair_of_phrase = np.full(len(phrase_at) - 1 if pairs else 0, -1, np.int32)
    for pair in pairs:
        pair_of_phrase[pair.phrase] = pair.number
    return CompiledVocabulary(
        stems={text: number for (text, prefix), number in vocabulary.words.items() if not prefix},
        prefixes=tuple(text for text, _ in prefixes),
        prefix_word=prefix_word,
        has_impact=has_impact,
        trie=phrase_trie.build_trie(phrase_at, phrase_word, is_prefix.view(np.uint8)),
        longest_phrase=int(np.diff(phrase_at).max(initial=0)),
        phrases=len(phrase_at) - 1,
        pair_of_phrase=pair_of_phrase,
        atoms=len(phrase),
        atom_kinds=np.array(vocabulary.atom_kinds, np.int32),
        atoms_by_phrase=atoms_by_phrase,
        by_phrase_at=segment_starts(phrase[atoms_by_phrase], len(phrase_at) - 1),
        authors=AuthorLookup(vocabulary.authors),
        people=dict(vocabulary.people),
        categories=CategoryLookup(vocabulary.categories, vocabulary.exact_categories),
        profile_categories=CategoryLookup(vocabulary.category_numbers.items(), ()),
        profile_category_count=len(vocabulary.category_numbers),
        code=vocabulary.code,
    )

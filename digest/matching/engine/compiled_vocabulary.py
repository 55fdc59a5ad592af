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
    entry, for −1, belongs to no word. `longest_phrase`: in words.
    """

    stems: dict[str, int]
    prefixes: tuple[str, ...]
    prefix_word: I32
    weighing: NDArray[np.bool_]
    trie: Trie
    longest: int
    phrases: int
    atoms: int
    atom_kinds: I32
    by_phrase: I32
    by_phrase_at: I32
    names: AuthorLookup
    categories: CategoryLookup
    admitting: CategoryLookup
    admitted: int
    code: int


def compile_vocabulary(lexicon: Vocabulary) -> CompiledVocabulary:
    """Compile the vocabulary's present state."""
    prefixes = sorted((text, number) for (text, prefix), number in lexicon.words.items() if prefix)
    prefix_word = np.array([number for _, number in prefixes], np.int32)
    weighing, is_prefix = np.zeros((2, len(lexicon.words) + 1), bool)
    weighing[list(lexicon.weighing - {-1})] = True
    is_prefix[prefix_word] = True
    phrase_at, phrase_word = np.array(lexicon.phrase_at, np.int32), np.array(lexicon.phrase_word, np.int32)
    phrase = np.array(lexicon.atom_phrase, np.int32)
    by_phrase = np.argsort(phrase, kind="stable").astype(np.int32)
    return CompiledVocabulary(
        stems={text: number for (text, prefix), number in lexicon.words.items() if not prefix},
        prefixes=tuple(text for text, _ in prefixes),
        prefix_word=prefix_word,
        weighing=weighing,
        trie=phrase_trie.plant(phrase_at, phrase_word, is_prefix.view(np.uint8)),
        longest=int(np.diff(phrase_at).max(initial=0)),
        phrases=len(phrase_at) - 1,
        atoms=len(phrase),
        atom_kinds=np.array(lexicon.atom_kinds, np.int32),
        by_phrase=by_phrase,
        by_phrase_at=segment_starts(phrase[by_phrase], len(phrase_at) - 1),
        names=AuthorLookup(lexicon.authors),
        categories=CategoryLookup(lexicon.categories, lexicon.exact),
        admitting=CategoryLookup(lexicon.admitting.items(), ()),
        admitted=len(lexicon.admitting),
        code=lexicon.code,
    )

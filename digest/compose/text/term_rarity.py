"""How rare matched terms are: an excerpt shows the rarest one, which tells most about why the paper was found."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from digest.compose.text.highlighting import term_words
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.word_counts import prior


def rarest_first(terms: Iterable[str]) -> list[str]:
    """Terms as typed, the rarest first; those that are equally rare stay in order."""
    return sorted(terms, key=term_idf, reverse=True)


@lru_cache(maxsize=8192)
def term_idf(term: str) -> int:
    """The idf of a term's rarest word by the counts in the package, 0 without words that count."""
    words = [word for word in term_words(term) if word.is_weighted]
    return max([_weights().idf(word.text, prefix=word.prefix) for word in words], default=0)


@lru_cache(maxsize=1)
def _weights() -> Weights:
    return Weights(prior())

"""Decides whether two records are of one paper. A wrong merge is worse than a missed one, so doubt means no."""

from __future__ import annotations

import re

from digest.papers.identity import arxiv_identity, doi_identity, shingles, surname, title_key, title_words
from digest.papers.record import Record

# Shares of common three-word runs. Among 128,558 papers with different arXiv ids some abstracts reuse the words of
# another paper (docs/SEEDS.md), so abstracts alone must be nearly equal. With equal titles and first authors a
# rewritten abstract is still the same paper, but an abstract with almost nothing in common is not.
MIN_SIMILARITY = 0.9
MIN_SIMILARITY_SAME_TITLE = 0.35
MIN_SIMILARITY_OTHER_AUTHORS = 0.15
MIN_TITLE_SIMILARITY = 0.6
_NUMBERED = re.compile(r"\b(?:\w*\d\w*|[ivx]+)\b")


def similarity(a: str, b: str) -> float:
    """The Jaccard similarity of two abstracts' three-word runs, 0 to 1; 0 where one is too short to compare."""
    runs, other_runs = shingles(a), shingles(b)
    if not runs or not other_runs:
        return 0.0
    common = len(runs & other_runs)
    return common / (len(runs) + len(other_runs) - common)


def is_same_paper(a: Record, b: Record) -> bool:
    """True where both are surely one paper. Symmetric.

    Two arXiv ids decide, else two DOIs; else equal titles and first authors, unless the abstracts have almost nothing
    in common; else near-identical abstracts.
    """
    for identity in (arxiv_identity, doi_identity):
        own, other = identity(a), identity(b)
        if own and other:
            return own == other
    if not _authors_agree(a, b):
        return False
    key = title_key(a)
    if key is not None and key == title_key(b):
        return not _have_unrelated_abstracts(a, b)
    return is_near_duplicate(a, b)


def is_near_duplicate(a: Record, b: Record) -> bool:
    """True where the abstracts are near-identical and titles and authors do not contradict. Symmetric.

    Equal titles need less similarity. Of different titles one must be the beginning of the other, without an additional
    number ('Part I' and 'Part II', '2D' and '3D' are different works, and so is the 'double' series).
    """
    if not _authors_agree(a, b):
        return False
    threshold = MIN_SIMILARITY
    if not (a.title_derived or b.title_derived):
        words, other_words = title_words(a.title), title_words(b.title)
        if "".join(words) == "".join(other_words):
            threshold = MIN_SIMILARITY_SAME_TITLE
        elif not _are_titles_similar(words, other_words):
            return False
    return similarity(a.abstract, b.abstract) >= threshold


def _are_titles_similar(a: list[str], b: list[str]) -> bool:
    """True where one title is the beginning of the other, and most of it. `a`, `b`: their words."""
    short, long = sorted((a, b), key=len)
    if long[: len(short)] != short or len(short) < MIN_TITLE_SIMILARITY * len(long):
        return False
    return _NUMBERED.findall(" ".join(a)) == _NUMBERED.findall(" ".join(b))


def _authors_agree(a: Record, b: Record) -> bool:
    """True where the first authors' surnames are equal, or one side has no authors."""
    return not a.authors or not b.authors or surname(a.authors[0]) == surname(b.authors[0])


def _have_unrelated_abstracts(a: Record, b: Record) -> bool:
    """True where both abstracts are long enough to compare and have almost nothing in common."""
    return (
        bool(shingles(a.abstract) and shingles(b.abstract))
        and similarity(a.abstract, b.abstract) < MIN_SIMILARITY_OTHER_AUTHORS
    )

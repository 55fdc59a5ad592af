"""Decides whether two records are of one paper. A wrong merge is worse than a missed one, so doubt means no."""

from __future__ import annotations

import re

from digest.papers.identity import arxiv_identity, fold_title, shingles, surname, title_key, title_words, version_dois
from digest.papers.preprint_dois import is_preprint_doi, preprint_registrant
from digest.papers.record import Record

# Shares of common three-word runs. Among 128,558 papers with different arXiv ids some abstracts reuse the words of
# another paper (docs/SEEDS.md), so abstracts alone must be nearly equal. With equal titles and first authors a
# rewritten abstract is still the same paper, but an abstract with almost nothing in common is not.
MIN_SIMILARITY = 0.9
MIN_SIMILARITY_SAME_TITLE = 0.35
MIN_SIMILARITY_OTHER_AUTHORS = 0.15
MIN_TITLE_SIMILARITY = 0.6
# Of a preprint and a published version (docs/SEEDS.md, "Preprints and published versions").
MIN_COMMON_AUTHORS = 0.5  # share of the shorter list of surnames
MIN_VERSION_TITLE_WORDS = 4
MIN_COMMON_TITLE_WORDS = 0.4
MIN_COMMON_AUTHORS_REVISED = 0.8
MIN_AUTHORS_REVISED = 2
MIN_SIMILARITY_REVISED = 0.9
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

    Identifiers decide; else equal titles and first authors, unless the abstracts have almost nothing in common; else
    near-identical abstracts. A preprint and a published version with DOIs of their own need more of it.
    """
    if (has_one_identity := _have_one_identity(a, b)) is not None:
        return has_one_identity
    if version_dois(a) and version_dois(b):
        return _are_surely_versions(a, b)
    if not _authors_agree(a, b):
        return False
    key = title_key(a)
    if key is not None and key == title_key(b):
        return not _have_unrelated_abstracts(a, b)
    return is_near_duplicate(a, b)


def _have_one_identity(a: Record, b: Record) -> bool | None:
    """What the identifiers say, None where they leave it open.

    Two arXiv ids decide, else equal PMIDs, else two DOIs that cannot be of a preprint and its published version.
    """
    own, other = arxiv_identity(a), arxiv_identity(b)
    if own and other:
        return own == other
    if a.pmid and a.pmid == b.pmid:
        return True
    own_dois, other_dois = version_dois(a), version_dois(b)
    if own_dois & other_dois:
        return True
    return False if own_dois and other_dois and not _may_be_versions(own_dois, other_dois) else None


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


def do_authors_overlap(a: Record, b: Record, share: float = MIN_COMMON_AUTHORS) -> bool:
    """True where at least that share of the shorter list's surnames is in the other; False without authors."""
    own, other = ({surname(name) for name in record.authors} - {""} for record in (a, b))
    return bool(own and other) and len(own & other) >= share * min(len(own), len(other))


def is_plausible_version(a: Record, b: Record) -> bool:
    """True where nothing contradicts that two records that a source relates are versions of one paper."""
    if not a.title or not b.title or not a.authors or not b.authors:
        return True
    return do_authors_overlap(a, b) or title_words(a.title) == title_words(b.title)


def _may_be_versions(own: frozenset[str], other: frozenset[str]) -> bool:
    """True for the DOIs of a preprint and of a published version, or of preprints of two servers."""
    is_own_published, is_other_published = (not all(map(is_preprint_doi, dois)) for dois in (own, other))
    if is_own_published and is_other_published:
        return False
    if is_own_published or is_other_published:
        return True
    return not {*map(preprint_registrant, own)} & {*map(preprint_registrant, other)}


def _are_surely_versions(a: Record, b: Record) -> bool:
    """True for a preprint and its published version, by titles, authors and abstracts.

    Equal titles need common authors, and abstracts that are not unrelated or the same authors; short titles similar
    abstracts. A revised title needs nearly the same authors and abstract.
    """
    if a.title_derived or b.title_derived or not do_authors_overlap(a, b):
        return False
    words, other_words = title_words(a.title), title_words(b.title)
    if words != other_words:
        return _is_title_revised(words, other_words) and _has_nearly_same_text(a, b)
    if len(words) < MIN_VERSION_TITLE_WORDS:
        return similarity(a.abstract, b.abstract) >= MIN_SIMILARITY_SAME_TITLE
    return not _have_unrelated_abstracts(a, b) or _have_same_authors(a, b)


def _is_title_revised(words: list[str], other_words: list[str]) -> bool:
    """True where the titles have many words in common and the same numbers."""
    common = len({*words} & {*other_words})
    return common >= MIN_COMMON_TITLE_WORDS * len({*words} | {*other_words}) and _NUMBERED.findall(
        " ".join(words)
    ) == _NUMBERED.findall(" ".join(other_words))


def _has_nearly_same_text(a: Record, b: Record) -> bool:
    return (
        min(len(a.authors), len(b.authors)) >= MIN_AUTHORS_REVISED
        and do_authors_overlap(a, b, MIN_COMMON_AUTHORS_REVISED)
        and similarity(a.abstract, b.abstract) >= MIN_SIMILARITY_REVISED
    )


def _have_same_authors(a: Record, b: Record) -> bool:
    """True where two or more authors of both have the same surnames and initials in the same order."""
    return len(a.authors) > 1 and [*map(_surname_and_initial, a.authors)] == [*map(_surname_and_initial, b.authors)]


def _surname_and_initial(name: str) -> tuple[str, str]:
    return surname(name), fold_title(name.rpartition(",")[2])[:1]


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

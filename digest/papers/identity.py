"""Identity of papers: arXiv id without version, else DOI, else title and first author; and keys for finding duplicates.

Keys only find candidates; `same_paper.is_same_paper` decides.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

from digest.papers.preprint_dois import without_version
from digest.papers.record import Record
from digest.text.tex import readable

_ARXIV_DOI = "10.48550/arxiv."
_VERSION = re.compile(r"v\d+$")
_MIN_TITLE_WORDS = 3  # a shorter title ('Introduction', 'Reply to comments') does not identify a paper
_TEX_WORDS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda rho varrho sigma tau upsilon "
    "phi varphi chi psi omega mathcal mathbb mathbf mathrm mathsf mathfrak boldsymbol operatorname text textbf textit "
    "textsf emph tilde widetilde hat widehat bar overline left right frac sqrt cdot times sum prod log leq geq approx "
    "sim infty langle rangle vert citep citet cite"
)
_TEX = frozenset(_TEX_WORDS.split())
_LETTERS = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[a-z]{3,}|\d{4,}")
_ASCII_CLASSES = "".join(
    c if c.isalpha() and c.islower() else "0" if c.isdigit() else " " for c in map(chr, range(128))
)
_DIGIT_RUN = "0000"
_SHINGLE_WORDS = 3
_KEY_SHINGLE_WORDS = 5
_MIN_ABSTRACT_WORDS = 20  # shorter abstracts ('This paper has been withdrawn') are no evidence
_SKETCH_SIZE = 6
_LONG_WORD_LETTERS = 7  # about a third of the words have as many letters, but few words of common phrases


def _fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def fold_title(text: str) -> str:
    """Words of lower-case letters and digits without accents, separated by single spaces."""
    return " ".join(_LETTERS.findall(_fold(text)))


def arxiv_identity(record: Record) -> str | None:
    """The arXiv id without version, also from arXiv's own DOIs."""
    if record.arxiv_id:
        return _VERSION.sub("", record.arxiv_id)
    doi = (record.doi or "").lower()
    return _VERSION.sub("", doi.removeprefix(_ARXIV_DOI)) if doi.startswith(_ARXIV_DOI) else None


def version_dois(record: Record) -> frozenset[str]:
    """The DOIs of all versions of the paper in lower case, without those that repeat an arXiv id.

    Those of preprints are without their version number.
    """
    dois = [doi.lower().strip() for doi in (record.doi, *record.preprint_dois) if doi]
    return frozenset(without_version(doi) for doi in dois if doi and not doi.startswith(_ARXIV_DOI))


def surname(author: str) -> str:
    """The folded last word of a name, ignoring 'Jr.' and the like; in 'Wei, Li' the surname comes first."""
    before_comma, comma, _ = author.partition(",")
    words = [
        word
        for word in fold_title(readable(before_comma if comma else author)).split()
        if word not in {"jr", "sr", "ii", "iii"}
    ]
    return words[-1] if words else ""


def title_words(title: str) -> list[str]:
    """A title's words, folded and without TeX, which many sources remove."""
    return fold_title(readable(title)).split()


def title_key(record: Record) -> str | None:
    """32 hexadecimal digits from the title's letters and digits without spaces, and the first author's surname.

    None for a title derived from the abstract, a title of fewer than three words, and a paper without authors.
    """
    if record.title_derived or not record.authors:
        return None
    words = title_words(record.title)
    if len(words) < _MIN_TITLE_WORDS:
        return None
    return hashlib.blake2b(f"{''.join(words)}\n{surname(record.authors[0])}".encode(), digest_size=16).hexdigest()


def abstract_words(abstract: str) -> tuple[str, ...]:
    """The words of an abstract that do not depend on its markup: three letters or more, no TeX, no symbols.

    Numbers of four digits or more count as words. Without such numbers a faster way splits at all non-letters.
    """
    folded = _fold(abstract)
    classes = folded.translate(_ASCII_CLASSES) if folded.isascii() else _DIGIT_RUN
    if _DIGIT_RUN in classes:
        words = _WORD.findall(folded)
    else:
        words = [word for word in classes.replace("0", " ").split() if len(word) > 2]
    return tuple(words if _TEX.isdisjoint(words) else [word for word in words if word not in _TEX])


@lru_cache(maxsize=1024)
def shingles(abstract: str, size: int = _SHINGLE_WORDS) -> frozenset[tuple[str, ...]]:
    """All runs of `size` words; empty for an abstract that is too short to compare."""
    words = abstract_words(abstract)
    if len(words) < _MIN_ABSTRACT_WORDS:
        return frozenset()
    return frozenset(words[start : start + size] for start in range(len(words) - size + 1))


def abstract_keys(record: Record) -> tuple[str, ...]:
    """At most six keys of 16 hexadecimal digits, of which near-duplicates share at least one. Empty: too short.

    Of the runs of five words that begin with a long word (of all, where these are few), the six with the least check
    sums (a bottom-k sketch, Cohen 2007): of two abstracts whose runs overlap by the share J, none of the six least of
    both together is common with probability (1 - J)^6 at most.
    """
    return _sketch(record.abstract)


@lru_cache(maxsize=8192)
def _sketch(abstract: str) -> tuple[str, ...]:
    words = abstract_words(abstract)
    if len(words) < _MIN_ABSTRACT_WORDS:
        return ()
    runs = _shingle_runs(words, _LONG_WORD_LETTERS)
    if len(runs) < _SKETCH_SIZE:
        runs = _shingle_runs(words, 1)
    smallest = sorted(set(runs), key=crc32)[:_SKETCH_SIZE]
    return tuple(hashlib.blake2b(run, digest_size=8).hexdigest() for run in smallest)


def _shingle_runs(words: Sequence[str], min_letters: int) -> list[bytes]:
    """The runs of five words whose first word has at least `min_letters` letters."""
    runs = zip(*(words[offset:] for offset in range(_KEY_SHINGLE_WORDS)), strict=False)
    return [" ".join(run).encode() for run in runs if len(run[0]) >= min_letters]

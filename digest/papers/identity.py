"""Identity. arXiv id without version, else DOI, else title and first author; and keys by which likely twins are found.

Keys only propose: `likeness.same` decides.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from digest.papers.record import Record

_ARXIV_DOI = "10.48550/arxiv."
_VERSION = re.compile(r"v\d+$")
_GENERIC = 3  # a title of fewer words ('Introduction', 'Reply to comments') names no one paper
_TEX_WORDS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda rho varrho sigma tau upsilon "
    "phi varphi chi psi omega mathcal mathbb mathbf mathrm mathsf mathfrak boldsymbol operatorname text textbf textit "
    "textsf emph tilde widetilde hat widehat bar overline left right frac sqrt cdot times sum prod log leq geq approx "
    "sim infty langle rangle vert citep citet cite"
)
_TEX = frozenset(_TEX_WORDS.split())
_WORD = re.compile(r"[a-z]{3,}|\d{4,}")
_SHINGLE = 3
_KEY_SHINGLE = 5
_FEWEST = 20  # shorter abstracts ('This paper has been withdrawn') are no evidence
_MASK = (1 << 64) - 1
# Fixed for ever: what follows from them is kept in databases.
_MULTIPLIERS = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
    0xE7037ED1A0B428DB,
)


def _bare(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def fold(text: str) -> str:
    """Lower case, without accents, letters and digits parted by single blanks."""
    return " ".join(re.findall(r"[^\W_]+", _bare(text)))


def arxiv_identity(record: Record) -> str | None:
    """The arXiv id without version, also from arXiv's own DOIs."""
    if record.arxiv_id:
        return _VERSION.sub("", record.arxiv_id)
    doi = (record.doi or "").lower()
    return _VERSION.sub("", doi.removeprefix(_ARXIV_DOI)) if doi.startswith(_ARXIV_DOI) else None


def doi_identity(record: Record) -> str | None:
    """The DOI in lower case, unless it only repeats an arXiv id."""
    doi = (record.doi or "").lower().strip()
    return doi if doi and not doi.startswith(_ARXIV_DOI) else None


def surname(author: str) -> str:
    """The folded last word of a name, behind 'Jr.' and the like; 'Wei, Li' is read as surname first."""
    last, comma, _ = author.partition(",")
    words = [word for word in fold(last if comma else author).split() if word not in {"jr", "sr", "ii", "iii"}]
    return words[-1] if words else ""


def title_key(record: Record) -> str | None:
    """32 hexadecimal digits from the folded title and the first author's surname.

    None for a title made from the abstract, a title of fewer than three words, and a paper without authors.
    """
    title = fold(record.title)
    if record.title_derived or not record.authors or len(title.split()) < _GENERIC:
        return None
    return hashlib.blake2b(f"{title}\n{surname(record.authors[0])}".encode(), digest_size=16).hexdigest()


def words_of(abstract: str) -> tuple[str, ...]:
    """The words of an abstract that survive every way of writing it: three letters or more, no TeX, no symbols."""
    return tuple(word for word in _WORD.findall(_bare(abstract)) if word not in _TEX)


@lru_cache(maxsize=1024)
def shingles(abstract: str, size: int = _SHINGLE) -> frozenset[tuple[str, ...]]:
    """All runs of `size` words; empty for an abstract too short to be evidence."""
    words = words_of(abstract)
    if len(words) < _FEWEST:
        return frozenset()
    return frozenset(words[at : at + size] for at in range(len(words) - size + 1))


def abstract_keys(record: Record) -> tuple[str, ...]:
    """Six keys of 16 hexadecimal digits; twins share at least one, strangers nearly never do. Empty: too short.

    Key i is the digit i and the least value of the i-th hash function over all runs of five words (min-wise hashing,
    Broder 1997; the functions multiply one 64-bit hash by odd numbers): two abstracts whose runs overlap by the
    share J have a key in common with probability 1 - (1 - J)^6.
    """
    runs = shingles(record.abstract, _KEY_SHINGLE)
    if not runs:
        return ()
    hashes = [int.from_bytes(hashlib.blake2b(" ".join(run).encode(), digest_size=8).digest(), "big") for run in runs]
    return tuple(f"{i}{min([h * m & _MASK for h in hashes]) >> 4:015x}" for i, m in enumerate(_MULTIPLIERS))

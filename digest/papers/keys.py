"""Keys to find a stored paper by another source's record or by an author's name. Pure.

Keys only find candidates; `same_paper.is_same_paper` decides.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from digest.papers.identity import abstract_keys, arxiv_identity, title_key
from digest.papers.record import PaperKeys, ParsedDocument, Record
from digest.papers.record_cleaning import to_storable
from digest.text.folding import fold_text

_WITHOUT_ID = "n:"


def author_key(name: str) -> str:
    """The key to find an author's papers."""
    return f"au:{_folded_name(name)}"[:70]


def author_page_key(name: str) -> str:
    """The key to find the papers that an author's own page lists, although their lists of authors are cut."""
    return f"ap:{_folded_name(name)}"[:70]


@lru_cache(maxsize=65536)
def _folded_name(name: str) -> str:
    return " ".join(fold_text(name).split())


def keys_of(record: Record) -> PaperKeys:
    """All keys of a record: of title and first author, of the abstract, and of each author."""
    title_digest = title_key(record)
    similarity_keys = (*([f"t:{title_digest}"] if title_digest else []), *(f"a:{key}" for key in abstract_keys(record)))
    return PaperKeys(similarity_keys, tuple([author_key(name) for name in record.authors]))


def stored_keys(record: Record, keys: PaperKeys) -> list[str]:
    """The keys that a paper is stored under.

    A paper without arXiv id has a second set of keys, so that papers with one can search among only those without.
    """
    keys_without_id = [] if arxiv_identity(record) else [f"{_WITHOUT_ID}{key}" for key in keys.similarity_keys]
    return [*keys.similarity_keys, *keys_without_id, *keys.author_keys]


def lookup_keys(record: Record, keys: PaperKeys) -> list[str]:
    """The keys to search for a duplicate without a shared identifier. Two arXiv ids are always two papers."""
    return (
        [f"{_WITHOUT_ID}{key}" for key in keys.similarity_keys]
        if arxiv_identity(record)
        else list(keys.similarity_keys)
    )


def with_keys(parsed: ParsedDocument) -> ParsedDocument:
    """The document, storable and with the keys of its records, which is most of the computation of storing papers."""
    parsed = to_storable(parsed)
    return replace(parsed, papers=tuple([replace(item, keys=keys_of(item.record)) for item in parsed.papers]))

"""Recognising papers: which records are stored already, and the keys under which they are found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlmodel import Session

from digest import papers
from digest.db import papers as store
from digest.papers import Record
from digest.text.fold import fold

_WITHOUT_ID = "n:"


class Known:
    """Which records of a chunk are stored already: by identifier, else by a shared key and comparison.

    One DOI may stand in two papers of arXiv (two parts, printed as one): the first keeps it.
    """

    def __init__(self, session: Session, records: Sequence[Record]) -> None:
        ids = [papers.arxiv_identity(record) for record in records]
        dois = [record.doi for record in records if record.doi]
        by_id, self._by_doi = store.find_by_identifiers(session, [i for i in ids if i], dois)
        self._given: set[str] = set()
        self.numbers: dict[int, int | None] = {
            at: by_id.get(arxiv_id or "") or self._of_doi(record, arxiv_id)
            for at, (arxiv_id, record) in enumerate(zip(ids, records, strict=True))
        }
        missing = {at: records[at] for at, number in self.numbers.items() if number is None and records[at].title}
        self.stored = store.stored(session, {n for n in self.numbers.values() if n is not None})
        self._find_alike(session, missing)

    def free(self, doi: str | None) -> bool:
        """True, once, for a DOI that no paper has."""
        if not doi or doi in self._by_doi or doi in self._given:
            return False
        self._given.add(doi)
        return True

    def _of_doi(self, record: Record, arxiv_id: str | None) -> int | None:
        number, other = self._by_doi.get(record.doi or "", (None, None))
        return number if not (arxiv_id and other) or arxiv_id == other else None

    def _find_alike(self, session: Session, missing: Mapping[int, Record]) -> None:
        self.keys = {at: _alike_keys(record) for at, record in missing.items()}
        keys = {at: _lookup(missing[at], some) for at, some in self.keys.items()}
        by_key = store.find_by_keys(session, {key for some in keys.values() for key in some})
        if not by_key:
            return
        alike = store.stored(session, {n for some in by_key.values() for n in some})
        for at, some in keys.items():
            numbers = sorted({n for key in some for n in by_key.get(key, ())})
            self.numbers[at] = next((n for n in numbers if papers.same(alike[n].record, missing[at])), None)
        self.stored |= {n: alike[n] for n in self.numbers.values() if n in alike}


def author_key(name: str) -> str:
    """The key under which an author's papers are kept."""
    return f"au:{_folded(name)}"[:70]


@lru_cache(maxsize=65536)
def _folded(name: str) -> str:
    return " ".join(fold(name).split())


def keys_of(record: Record) -> list[str]:
    """Everything under which a paper may be found again: title and author, fingerprints of the abstract, authors.

    A paper without arXiv id stands under its keys a second time, so that those with one can look among these alone.
    """
    return kept(record, _alike_keys(record))


def kept(record: Record, alike: Sequence[str]) -> list[str]:
    """Like `keys_of`, with the keys of title and abstract known."""
    apart = [] if papers.arxiv_identity(record) else [f"{_WITHOUT_ID}{key}" for key in alike]
    return [*alike, *apart, *(author_key(name) for name in record.authors)]


def _lookup(record: Record, alike: Sequence[str]) -> Sequence[str]:
    """Where a paper without shared identifier may be found. Two arXiv ids are two papers."""
    return [f"{_WITHOUT_ID}{key}" for key in alike] if papers.arxiv_identity(record) else alike


def _alike_keys(record: Record) -> list[str]:
    title = papers.title_key(record)
    return [*([f"t:{title}"] if title else []), *(f"a:{key}" for key in papers.abstract_keys(record))]

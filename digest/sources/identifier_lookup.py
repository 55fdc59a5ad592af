"""Looks up single papers by arXiv id, DOI or PMID at the sources that answer such requests, politely and in batches.

A source that fails leaves its papers unanswered; what the others know is returned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from digest import logs
from digest.errors import SourceDown
from digest.papers import Record
from digest.sources import registry
from digest.sources.source import PaperLookup

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """The records that were found, with title and mostly abstract, and the identifiers that must be looked up again.

    `postponed`: those of them that no source failed for, but that were too many for one call. `failures`: the error of
    each source that failed; `failed`: these sources.
    """

    records: dict[str, Record]
    unanswered: tuple[str, ...] = ()
    postponed: tuple[str, ...] = ()
    failures: tuple[SourceDown, ...] = ()
    failed: frozenset[PaperLookup] = frozenset()

    @property
    def failure(self) -> SourceDown | None:
        """The last error of a source; None where all answered."""
        return self.failures[-1] if self.failures else None


def is_lookable(identifier: str) -> bool:
    """True for an arXiv id, a DOI in lower case, or a PMID with its prefix (`PMID:12345678`)."""
    return any(lookup.accepts(identifier) for lookup in registry.LOOKUPS)


def look_up(identifiers: Iterable[str], *, without: Collection[PaperLookup] = ()) -> LookupAnswer:
    """The records of those that the sources know. A later source is asked for what the earlier ones lack.

    `without`: sources that are not asked.
    """
    distinct = [identifier for identifier in dict.fromkeys(identifiers) if is_lookable(identifier)]
    records: dict[str, Record] = {}
    unanswered: set[str] = set()
    postponed: set[str] = set()
    failures: dict[PaperLookup, SourceDown] = {}
    for lookup in (lookup for lookup in registry.LOOKUPS if lookup not in without):
        lacking = [i for i in distinct if lookup.accepts(i) and not (i in records and records[i].abstract)]
        missed, error = _look_up_at(lookup, lacking, records)
        unanswered |= missed
        if error is None:
            postponed |= missed
        else:
            failures[lookup] = error
    missing = [identifier for identifier in distinct if identifier in unanswered and identifier not in records]
    return LookupAnswer(
        records,
        tuple(missing),
        tuple(identifier for identifier in missing if identifier in postponed),
        tuple(failures.values()),
        frozenset(failures),
    )


def _look_up_at(
    lookup: PaperLookup, identifiers: list[str], records: dict[str, Record]
) -> tuple[set[str], SourceDown | None]:
    """Add what one source knows to `records`; the identifiers that it did not answer, and its error."""
    missed = set(identifiers)
    try:
        for batch, batch_records in lookup.look_up(list(islice(identifiers, lookup.max_papers))):
            missed -= set(batch)
            for identifier in set(batch) & batch_records.keys():
                if identifier not in records or batch_records[identifier].abstract:
                    records[identifier] = batch_records[identifier]
    except SourceDown as error:
        log.warning("lookup_failed", papers=len(missed), reason=str(error))
        return missed, error
    return missed, None

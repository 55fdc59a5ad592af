"""Looks up the example papers of which only an identifier is known, in the background.

What the sources know gets its title and abstract and finds papers from then on; what they don't know is named to the
subscriber. While a source does not answer, its papers wait, and are tried again with the next call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import clock, logs
from digest.db.core.engine import reading, transaction
from digest.db.subscribers import example_papers as example_store
from digest.db.subscribers import subscribers
from digest.errors import SourceDown
from digest.models.subscriber import UNKNOWN
from digest.papers import Record
from digest.services.subscriptions import example_papers
from digest.services.subscriptions.example_papers import MAX_ABSTRACT, MAX_TITLE, ExampleEntry
from digest.services.subscriptions.library_resolution import MAX_LOOKED_UP, ResolvedLibrary
from digest.sources import identifier_lookup

log = logs.get(__name__)
GIVEN_UP_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LookupResult:
    """How many identifiers were looked up, and how many of them were found. `is_incomplete`: more are waiting."""

    looked_up: int = 0
    found_count: int = 0
    is_incomplete: bool = False


def is_due() -> bool:
    """True where an example paper is waiting."""
    with reading() as session:
        return bool(example_store.waiting_identifiers(session, 1))


def look_up_examples() -> LookupResult:
    """Look up the next 200 waiting identifiers. Safe to run twice. Raises SourceDown where no source answers."""
    with reading() as session:
        identifiers = example_store.waiting_identifiers(session, MAX_LOOKED_UP + 1)
    batch = identifiers[:MAX_LOOKED_UP]
    if not batch:
        return LookupResult()
    answer = identifier_lookup.look_up(batch)
    if answer.failure is not None:
        log.warning("lookup_postponed", papers=len(answer.unanswered), reason=str(answer.failure))
        _give_up(answer.unanswered, before=clock.now() - GIVEN_UP_AFTER)
    answered = sorted(set(batch) - set(answer.unanswered))
    if answer.failure is not None and not answered:
        raise answer.failure
    _store_answers(answered, answer.records)
    is_incomplete = answer.failure is None and (len(identifiers) > len(batch) or bool(answer.unanswered))
    return LookupResult(len(answered), len(answer.records), is_incomplete)


def _store_answers(identifiers: Sequence[str], records: Mapping[str, Record]) -> None:
    """Store titles and abstracts of these examples, or that they are unknown, and update their subscribers."""
    with transaction() as session:
        examples = example_store.waiting_examples(session, identifiers)
        for example in examples:
            record = records.get(example.identifier or "")
            example.lookup = "" if record else UNKNOWN
            if record:
                example.title, example.abstract = record.title[:MAX_TITLE], record.abstract[:MAX_ABSTRACT]
        session.flush()
        for subscriber_id in sorted({example.subscriber_id for example in examples}):
            subscriber = subscribers.by_id(session, subscriber_id, lock=True)
            if subscriber is not None:
                example_papers.update_examples(session, subscriber)


def with_looked_up(library: ResolvedLibrary) -> tuple[ResolvedLibrary, SourceDown | None]:
    """The library with the unknown papers that the sources know, asked at once; and the error of a source, if any."""
    identifiers = tuple(entry.identifier for entry in library.awaited)
    while identifiers:
        answer = identifier_lookup.look_up(identifiers)
        records = answer.records.items()
        library = library.with_examples(
            tuple(ExampleEntry(r.title, r.abstract, identifier) for identifier, r in records)
        )
        if answer.failure is not None:
            return library, answer.failure
        identifiers = answer.unanswered
    return library, None


def _give_up(identifiers: Sequence[str], *, before: datetime) -> None:
    """Stop waiting for papers that were imported before then."""
    with transaction() as session:
        for example in example_store.waiting_examples(session, identifiers):
            if example.added_at < before:
                example.lookup = UNKNOWN

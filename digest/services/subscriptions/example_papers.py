"""Papers that a subscriber starts from: import, list, remove, undo. Each change is a new version of the profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.papers import papers as paper_store
from digest.db.runs import owned_papers, runs
from digest.db.subscribers import example_papers as example_store
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.i18n import localize
from digest.matching.profile import Examples
from digest.matching.scoring.example_vectors import MAX_EXAMPLES_READ, example_terms
from digest.models import ExamplePaper, SignUpRequest, Subscriber
from digest.models.subscriber import WAITING
from digest.models.types import stored_id
from digest.papers import Record
from digest.services.catalog import epochs
from digest.services.subscriptions import feedback
from digest.text.folding import fold_text

_IMPORTS_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)  # their numbers are seconds since then
MAX_EXAMPLES = 5000  # of one subscriber
MAX_TITLE, MAX_ABSTRACT, MAX_IDENTIFIER = 500, 4000, 250  # characters that are stored


@dataclass(frozen=True, slots=True)
class ExampleEntry:
    """A paper to start from. `paper_id`: of a stored paper; else `title` and `abstract` are those of the import.

    Without both it has only its `identifier`, and is looked up at the sources (`pending_example_lookup`).

    `identifier`: an arXiv id, DOI or other id, as imported.
    """

    title: str
    abstract: str = ""
    identifier: str = ""
    paper_id: int | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import. `import_id`: to undo it; 0 where nothing was added.

    `already_listed`: entries that are examples already, or twice in the import; `over_limit`: entries left out because
    a subscriber has at most 5,000.
    """

    import_id: int
    added: int
    already_listed: int
    over_limit: int


@dataclass(frozen=True, slots=True)
class ListedExample:
    """An example paper as the preferences list it."""

    id: int
    title: str
    identifier: str
    paper_id: int | None
    import_id: int
    added_at: datetime
    lookup: str = ""


def add_examples(subscriber_id: int, entries: Iterable[ExampleEntry]) -> ImportResult:
    """Add papers to a subscriber's examples, as one import that can be undone. Raises NotFound after erasure."""
    with engine.transaction() as session:
        subscriber = _require_subscriber(session, subscriber_id)
        import_id = _next_import_id(session, subscriber_id)
        existing = example_store.examples_of(session, subscriber_id)
        result = _add(session, subscriber, entries, existing, import_id=import_id)
        update_examples(session, subscriber)
        return result


def add_request_examples(session: Session, request: SignUpRequest, entries: Iterable[ExampleEntry]) -> ImportResult:
    """Keep the papers of a sign-up until it is confirmed; until then they have no effect."""
    subscriber = subscribers.by_id(session, request.subscriber_id)
    if subscriber is None:
        raise NotFound(localize("this subscription no longer exists"))
    return _add(session, subscriber, entries, (), import_id=1, request_id=stored_id(request))


def adopt_request_examples(session: Session, subscriber: Subscriber, request: SignUpRequest) -> None:
    """Make the papers of a confirmed sign-up the subscriber's examples, without those that are examples already."""
    subscriber_id, request_id = stored_id(subscriber), stored_id(request)
    pending = example_store.examples_of(session, subscriber_id, request_id=request_id)
    if not pending:
        return
    existing = example_store.examples_of(session, subscriber_id)
    keys = {_key(example) for example in existing}
    room = MAX_EXAMPLES - len(existing)
    for example in pending:
        room -= _key(example) not in keys
        if _key(example) in keys or room < 0:
            example_store.delete_pending(session, example)
    session.flush()
    import_id = _next_import_id(session, subscriber_id)
    example_store.adopt_examples(session, subscriber_id, request_id, import_id=import_id)
    update_examples(session, subscriber)


def undo_import(subscriber_id: int, import_id: int) -> int:
    """Remove all examples of an import; returns how many. Raises NotFound after erasure."""
    with engine.transaction() as session:
        subscriber = _require_subscriber(session, subscriber_id)
        removed_count = example_store.delete_examples(session, subscriber_id, import_id=import_id)
        update_examples(session, subscriber)
        return removed_count


def remove_example(subscriber_id: int, example_id: int | None = None) -> int:
    """Remove one example, or all; returns how many. Raises NotFound after erasure."""
    with engine.transaction() as session:
        subscriber = _require_subscriber(session, subscriber_id)
        removed_count = example_store.delete_examples(session, subscriber_id, example_id=example_id)
        update_examples(session, subscriber)
        return removed_count


def update_examples(session: Session, subscriber: Subscriber) -> None:
    """Compute the terms of the subscriber's examples again, and store a new version of the profile if they changed."""
    terms = terms_of(session, example_store.examples_of(session, stored_id(subscriber)))
    profile = replace(subscribers.profile_of(session, subscriber), examples=terms)
    feedback.store_profile(session, subscriber, profile, now=clock.now())


def terms_of(session: Session, examples: Sequence[ExampleEntry | ExamplePaper]) -> Examples | None:
    """The terms of these examples, newest first, by the word counts of the newest epoch; None without words.

    Withdrawn papers do not count. For a preview, too: nothing is stored.
    """
    titled = [example for example in examples if example.paper_id is not None or example.title]
    newest = titled[:MAX_EXAMPLES_READ]
    stored_ids = [example.paper_id for example in newest if example.paper_id is not None]
    records = {paper.id: record for paper, record in paper_store.newest_versions_chunked(session, stored_ids)}
    example_records = [
        records.get(example.paper_id) if example.paper_id is not None else Record(example.title, example.abstract)
        for example in newest
    ]
    usable = [record for record in example_records if record is not None and not record.withdrawn]
    return example_terms(usable, epochs.weights(runs.newest_epoch(session))) if usable else None


def terms_of_entries(examples: Sequence[ExampleEntry]) -> Examples | None:
    """`terms_of` for papers that are nobody's examples yet."""
    with engine.reading() as session:
        return terms_of(session, examples)


def list_examples(subscriber_id: int) -> list[ListedExample]:
    """A subscriber's examples, newest first."""
    with engine.reading() as session:
        return [
            ListedExample(
                example.id or 0,
                example.title or example.identifier or "",
                example.identifier or "",
                example.paper_id,
                example.import_id,
                example.added_at,
                example.lookup,
            )
            for example in example_store.examples_of(session, subscriber_id)
        ]


def stored_examples(subscriber_id: int) -> frozenset[int]:
    """The ids of a subscriber's examples that are stored papers; no mail brings them."""
    with engine.reading() as session:
        return frozenset(owned_papers.stored_examples(session, [subscriber_id]).get(subscriber_id, ()))


def _next_import_id(session: Session, subscriber_id: int) -> int:
    """A number above those of all imports, also of those undone: an old page must not undo another import."""
    seconds = int((clock.now() - _IMPORTS_BEGAN).total_seconds())
    return max(example_store.newest_import(session, subscriber_id) + 1, seconds)


def _add(
    session: Session,
    subscriber: Subscriber,
    entries: Iterable[ExampleEntry],
    existing: Sequence[ExamplePaper],
    *,
    import_id: int,
    request_id: int | None = None,
) -> ImportResult:
    keys = {_key(example) for example in existing}
    entry_list = list(entries)
    new = {key: entry for entry in reversed(entry_list) if (key := _key(entry)) not in keys}
    admitted = list(reversed(new.values()))[: MAX_EXAMPLES - len(existing)]
    common = {
        "subscriber_id": stored_id(subscriber),
        "request_id": request_id,
        "import_id": import_id,
        "added_at": clock.now(),
    }
    newest_last = reversed(admitted)  # the first of the file gets the newest id
    example_store.add_examples(session, (_row(entry) | common for entry in newest_last))
    return ImportResult(
        import_id if admitted else 0, len(admitted), len(entry_list) - len(new), len(new) - len(admitted)
    )


def _row(entry: ExampleEntry) -> dict[str, object]:
    """The columns of an entry; NUL, which PostgreSQL can't store, is left out."""
    is_stored = entry.paper_id is not None
    return {
        "paper_id": entry.paper_id,
        "identifier": _bounded(entry.identifier, MAX_IDENTIFIER) or None,
        "title": _bounded(entry.title, MAX_TITLE),
        "abstract": "" if is_stored else _bounded(entry.abstract, MAX_ABSTRACT),
        "lookup": "" if is_stored or entry.title.strip() else WAITING,
    }


def _bounded(text: str, length: int) -> str:
    return " ".join(text.replace("\0", " ").split())[:length]


def _key(entry: ExampleEntry | ExamplePaper) -> tuple[str, str]:
    """Entries with the same key are the same paper."""
    if entry.paper_id is not None:
        return "paper", str(entry.paper_id)
    if entry.identifier:
        return "identifier", _bounded(entry.identifier, MAX_IDENTIFIER).casefold()
    return "title", fold_text(_bounded(entry.title, MAX_TITLE))


def _require_subscriber(session: Session, subscriber_id: int) -> Subscriber:
    subscriber = subscribers.by_id(session, subscriber_id, lock=True)
    if subscriber is None:
        raise NotFound(localize("this subscription no longer exists"))
    return subscriber

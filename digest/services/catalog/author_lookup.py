"""Looks up the people of a name at a source while a form is answered: rarely, for a short time, and stored for a month.

A source that does not answer is left alone for some minutes, so that no page waits for it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

from digest import clock, logs
from digest.db.core.engine import reading
from digest.db.core.retry_transaction import retry_transaction
from digest.db.papers import author_lookups
from digest.errors import SourceDown, Transient
from digest.papers import AuthorCandidate
from digest.sources import registry
from digest.text.folding import fold_text
from digest.text.person_names import parse_name

log = logs.get(__name__)

MAX_LOOKED_UP = 2  # names of one form that are looked up
SECONDS, STORING_SECONDS = 3.0, 1.0  # for all of them; for one answer
STORED_FOR = timedelta(days=30)
PAUSE_AFTER_FAILURE = timedelta(minutes=5)
MAX_A_DAY = 300  # names, each two requests; without a key the source answers about 1,000 a day
_MAX_NAME = 200

PeopleByName = dict[str, tuple[AuthorCandidate, ...]]


def folded_name(name: str) -> str:
    """The form of a name by which people are stored and compared."""
    return " ".join(fold_text(name).split())


def stored_people(names: Iterable[str]) -> PeopleByName:
    """The people of each name as they were looked up before, by folded name."""
    keys = {folded_name(name) for name in names}
    with reading() as session:
        return author_lookups.stored_people(session, keys, clock.now() - STORED_FOR)


def find_people(names: Iterable[str]) -> PeopleByName:
    """`stored_people`, after at most two names that are not stored were looked up; in some three seconds."""
    name_list = list(names)
    people = stored_people(name_list)
    missing = {folded_name(name): name for name in name_list if folded_name(name) not in people and _is_full(name)}
    deadline = time.monotonic() + SECONDS
    for key, name in list(missing.items())[:MAX_LOOKED_UP]:
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 or not _may_ask():
            break
        answer = _ask(name, seconds_left)
        if answer is not None:
            people[key] = answer
        if not _store(key, answer) or answer is None:
            break
    return people


def _is_full(name: str) -> bool:
    """True for a name with a given name: of a family name alone there are too many."""
    return 0 < len(folded_name(name)) <= _MAX_NAME and any(len(part) > 1 for part in parse_name(name).given_names)


def _may_ask() -> bool:
    if not registry.can_find_people():
        return False
    with reading() as session:
        now = clock.now()
        has_failed = author_lookups.count_since(session, now - PAUSE_AFTER_FAILURE, failed=True)
        return not has_failed and author_lookups.count_since(session, now - timedelta(days=1)) < MAX_A_DAY


def _ask(name: str, seconds: float) -> tuple[AuthorCandidate, ...] | None:
    """The people of a name; None where the source does not answer in time."""
    try:
        return registry.find_people(name, seconds=seconds)
    except SourceDown as error:
        log.warning("people_not_found", reason=str(error))
        return None


def _store(key: str, people: tuple[AuthorCandidate, ...] | None) -> bool:
    """Store an answer. False where the database can't take it now, which must not cost the page."""
    try:
        retry_transaction(
            lambda session: author_lookups.store_answer(session, key, people, clock.now()), seconds=STORING_SECONDS
        )
    except Transient as error:
        log.warning("people_not_stored", reason=str(error))
        return False
    return True

"""The people of a name as a source answered, for some time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, func, select

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import NameLookup
from digest.papers import AuthorCandidate


def stored_people(session: Session, names: Iterable[str], since: datetime) -> dict[str, tuple[AuthorCandidate, ...]]:
    """The people of each of these folded names that was answered since then."""
    statement = select(NameLookup).where(
        in_values(session, col(NameLookup.name), sorted(set(names))),
        col(NameLookup.looked_up_at) >= since,
        col(NameLookup.failed).is_(False),
    )
    return {row.name: tuple(map(_candidate, row.people)) for row in session.exec(statement)}


def count_since(session: Session, instant: datetime, *, failed: bool | None = None) -> int:
    """How many names were looked up since then; with `failed` only those without, or with, an answer."""
    statement = select(func.count()).where(col(NameLookup.looked_up_at) >= instant)
    if failed is not None:
        statement = statement.where(col(NameLookup.failed).is_(failed))
    return session.exec(statement).one()


def store_answer(session: Session, name: str, people: Sequence[AuthorCandidate] | None, at: datetime) -> None:
    """Store the answer about a folded name in place of an earlier one; None for no answer."""
    session.execute(delete(NameLookup).where(col(NameLookup.name) == name))
    rows = [asdict(person) for person in people or ()]
    insert_ignore(session, NameLookup, [{"name": name, "looked_up_at": at, "failed": people is None, "people": rows}])


def delete_older_than(session: Session, instant: datetime) -> None:
    """Delete the answers from before then."""
    session.execute(delete(NameLookup).where(col(NameLookup.looked_up_at) < instant))


def _candidate(row: dict[str, Any]) -> AuthorCandidate:
    ids = tuple((str(scheme), str(value)) for scheme, value in row["ids"])
    return AuthorCandidate(row["name"], ids, row["institution"], row["papers"], tuple(row["titles"]))

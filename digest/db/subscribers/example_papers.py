"""Example papers of subscribers, and those of sign-ups that are not confirmed yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, func, insert, select, update

from digest.models import ExamplePaper
from digest.models.subscriber import WAITING


def examples_of(session: Session, subscriber_id: int, *, request_id: int | None = None) -> Sequence[ExamplePaper]:
    """A subscriber's example papers, newest first; with `request_id` those of that unconfirmed sign-up."""
    statement = select(ExamplePaper).where(*_theirs(subscriber_id, request_id))
    return session.exec(statement.order_by(col(ExamplePaper.id).desc())).all()


def all_examples_of(session: Session, subscriber_id: int) -> Sequence[ExamplePaper]:
    """A subscriber's example papers by id, also those of sign-ups that are not confirmed."""
    query = select(ExamplePaper).where(ExamplePaper.subscriber_id == subscriber_id).order_by(col(ExamplePaper.id))
    return session.exec(query).all()


def count_examples(session: Session, subscriber_id: int) -> int:
    """The number of a subscriber's example papers, without those of unconfirmed sign-ups."""
    return session.exec(select(func.count()).where(*_theirs(subscriber_id, None))).one()


def newest_import(session: Session, subscriber_id: int) -> int:
    """The number of the newest import that still has papers, 0 for none."""
    return session.exec(select(func.max(ExamplePaper.import_id)).where(*_theirs(subscriber_id, None))).one() or 0


def add_examples(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Insert example papers, given as values of columns."""
    if values := list(rows):
        session.execute(insert(ExamplePaper), values)


def waiting_identifiers(session: Session, limit: int) -> list[str]:
    """The identifiers of confirmed examples that are still to be looked up, those that wait longest first."""
    example = ExamplePaper
    statement = (
        select(col(example.identifier))
        .where(col(example.lookup) == WAITING, col(example.request_id).is_(None), col(example.identifier).is_not(None))
        .group_by(col(example.identifier))
        .order_by(func.min(col(example.id)))
        .limit(limit)
    )
    return [str(identifier) for identifier in session.exec(statement)]


def waiting_examples(session: Session, identifiers: Collection[str]) -> Sequence[ExamplePaper]:
    """The confirmed examples with these identifiers that are still to be looked up."""
    example = ExamplePaper
    statement = select(example).where(
        col(example.lookup) == WAITING, col(example.request_id).is_(None), col(example.identifier).in_(identifiers)
    )
    return session.exec(statement).all()


def adopt_examples(session: Session, subscriber_id: int, request_id: int, *, import_id: int) -> None:
    """Make the examples of a sign-up those of the subscriber, as one import."""
    statement = update(ExamplePaper).where(*_theirs(subscriber_id, request_id))
    session.execute(statement.values(request_id=None, import_id=import_id))


def delete_pending(session: Session, example: ExamplePaper) -> None:
    """Delete one example of a sign-up that is not confirmed yet."""
    session.delete(example)


def delete_examples(
    session: Session, subscriber_id: int, *, import_id: int | None = None, example_id: int | None = None
) -> int:
    """Delete the examples of an import, one example, or all; returns how many."""
    conditions = _theirs(subscriber_id, None)
    if import_id is not None:
        conditions.append(col(ExamplePaper.import_id) == import_id)
    if example_id is not None:
        conditions.append(col(ExamplePaper.id) == example_id)
    return int(session.execute(delete(ExamplePaper).where(*conditions)).rowcount)  # type: ignore[attr-defined]


def _theirs(subscriber_id: int, request_id: int | None) -> list[ColumnElement[bool]]:
    request = col(ExamplePaper.request_id)
    of_request: ColumnElement[bool] = request.is_(None) if request_id is None else request == request_id
    return [col(ExamplePaper.subscriber_id) == subscriber_id, of_request]

"""Figures for administrators and monitoring: counts by state, ages, the newest rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Batch, Bounce, Delivery, Edition, Paper, Run, Suppression
from digest.models.delivery import DEFERRED, QUEUED, UNCERTAIN


def deliveries_by_state(session: Session) -> dict[str, int]:
    """How many mails are in each state."""
    return dict(session.exec(select(Delivery.state, func.count()).group_by(Delivery.state)).all())


def oldest_due(session: Session, *, now: datetime) -> datetime | None:
    """The earliest due time of a mail that is due; None where none is."""
    is_waiting = col(Delivery.state).in_((QUEUED, DEFERRED, UNCERTAIN))
    return session.exec(select(func.min(Delivery.due_at)).where(is_waiting, col(Delivery.due_at) <= now)).one()


def oldest_waiting(session: Session) -> datetime | None:
    """The earliest creation time of a mail that waits, due or not; None where none waits."""
    is_waiting = col(Delivery.state).in_((QUEUED, DEFERRED, UNCERTAIN)), col(Delivery.due_at).is_not(None)
    return session.exec(select(func.min(Delivery.created_at)).where(*is_waiting)).one()


def count_held(session: Session) -> int:
    """How many mails may have arrived and are held for a person's decision."""
    query = select(func.count()).select_from(Delivery).where(Delivery.state == UNCERTAIN)
    return session.exec(query.where(col(Delivery.due_at).is_(None))).one()


def run_of_held(session: Session) -> int | None:
    """The run of the oldest held mail; None without one."""
    query = select(Delivery.run_id).where(Delivery.state == UNCERTAIN, col(Delivery.due_at).is_(None))
    return session.exec(query.where(col(Delivery.run_id).is_not(None)).order_by(col(Delivery.id)).limit(1)).first()


def count_papers(session: Session) -> int:
    """How many papers are stored."""
    return session.exec(select(func.count()).select_from(Paper)).one()


def bounces_since(session: Session, since: datetime) -> dict[str, int]:
    """Bounces by kind."""
    query = select(Bounce.kind, func.count()).where(col(Bounce.at) > since).group_by(Bounce.kind)
    return dict(session.exec(query).all())


def count_suppressed(session: Session) -> int:
    """How many addresses are suppressed."""
    return session.exec(select(func.count()).select_from(Suppression)).one()


def newest_batches(session: Session) -> Sequence[Batch]:
    """The last ingest of each source, by the source's name."""
    newest = select(func.max(Batch.id)).group_by(Batch.source)
    return session.exec(select(Batch).where(col(Batch.id).in_(newest)).order_by(col(Batch.source))).all()


def runs(session: Session, *, before_id: int | None, limit: int) -> Sequence[Run]:
    """Runs, the newest first, with ids below `before_id`."""
    query = select(Run).order_by(col(Run.id).desc()).limit(limit)
    return session.exec(query.where(col(Run.id) < before_id) if before_id else query).all()


def deliveries_of_runs(session: Session, run_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Numbers of mails by state, for each of those runs."""
    query = (
        select(Delivery.run_id, Delivery.state, func.count())
        .where(col(Delivery.run_id).in_(run_ids))
        .group_by(col(Delivery.run_id), Delivery.state)
    )
    counts_by_run: dict[int, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, count in session.exec(query).all():
        if run_id is not None:
            counts_by_run[run_id][state] = count
    return counts_by_run


def deliveries(
    session: Session,
    *,
    state: str | None,
    kind: str | None,
    run_id: int | None,
    before_id: int | None,
    limit: int,
    subscriber_id: int | None = None,
    text: str = "",
) -> Sequence[Delivery]:
    """Mails, the newest first, with ids below `before_id`: of that state, kind, run and subscriber where given.

    `text`: part of the address.
    """
    query = select(Delivery).order_by(col(Delivery.id).desc()).limit(limit)
    values = {"state": state, "kind": kind, "run_id": run_id, "subscriber_id": subscriber_id}
    query = query.filter_by(**{name: value for name, value in values.items() if value is not None})
    if text:
        query = query.where(col(Delivery.address).icontains(text, autoescape=True))
    if before_id is not None:
        query = query.where(col(Delivery.id) < before_id)
    return session.exec(query).all()


def editions(
    session: Session, *, run_id: int | None, before_id: int | None, limit: int, subscriber_id: int | None = None
) -> Sequence[Edition]:
    """Editions, the newest first, with ids below `before_id`: of that run and subscriber where given."""
    query = select(Edition).order_by(col(Edition.id).desc()).limit(limit)
    values = {"run_id": run_id, "subscriber_id": subscriber_id}
    query = query.filter_by(**{name: value for name, value in values.items() if value is not None})
    if before_id is not None:
        query = query.where(col(Edition.id) < before_id)
    return session.exec(query).all()

"""Keeping house in the outbox: runs stopped, paused and resumed; mails in doubt; what is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from digest.db.deliveries import UNASKED
from digest.models import Delivery, Run, Shard
from digest.models.delivery import CANCELLED, REJECTED, SENT, SUPPRESSED, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import COMPLETE, PAUSED, PLANNED


def held(session: Session, run_id: int | None = None, *, limit: int = 1000) -> Sequence[Delivery]:
    """Mails that may or may not have arrived and that are not sent again by themselves."""
    query = select(Delivery).where(Delivery.state == UNCERTAIN, col(Delivery.due_at).is_(None))
    chosen = query if run_id is None else query.where(Delivery.run_id == run_id)
    return session.exec(chosen.order_by(col(Delivery.id)).limit(limit)).all()


def release(session: Session, delivery_ids: Sequence[int], now: datetime) -> int:
    """Send held mails after all, with their old Message-ID. Returns how many were held."""
    chosen = col(Delivery.id).in_(delivery_ids), col(Delivery.state) == UNCERTAIN, col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*chosen).values(due_at=now, doubts=0)).rowcount


def cancel_run(session: Session, run_id: int) -> int:
    """Stop a run for good: what nobody can have got is cancelled, what is in doubt is held. Returns how many."""
    _set_run(session, run_id, RUN_CANCELLED)
    of_run = col(Delivery.run_id) == run_id
    session.exec(update(Delivery).where(of_run, col(Delivery.state) == UNCERTAIN).values(due_at=None))
    stopped = update(Delivery).where(of_run, col(Delivery.state).in_(UNASKED))
    return session.exec(stopped.values(state=CANCELLED, due_at=None)).rowcount


def pause_run(session: Session, run_id: int) -> int:
    """Hold a run's mails that wait, until `resume_run`. Returns how many."""
    _set_run(session, run_id, PAUSED)
    waiting = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNASKED)
    return session.exec(update(Delivery).where(*waiting).values(due_at=None)).rowcount


def resume_run(session: Session, run_id: int, now: datetime) -> int:
    """Let a paused run's mails go. Returns how many."""
    unfrozen = session.exec(select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1))
    _set_run(session, run_id, PLANNED if unfrozen.first() is not None else COMPLETE)
    waiting = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNASKED), col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*waiting).values(due_at=now)).rowcount


def unfrozen(session: Session, *, limit: int) -> list[tuple[int, int]]:
    """Shards of planned runs that are not done, oldest first: (run, number)."""
    query = select(Shard.run_id, Shard.number).where(col(Shard.done_at).is_(None))
    planned = query.where(col(Shard.run_id).in_(select(Run.id).where(Run.state == PLANNED)))
    return list(session.exec(planned.order_by(col(Shard.id)).limit(limit)).all())


def retire(session: Session, before: datetime, *, limit: int = 10_000) -> int:
    """Forget deliveries that were over by then, the oldest first. Returns how many; call again while it is `limit`."""
    over = col(Delivery.state).in_((SENT, REJECTED, CANCELLED, SUPPRESSED))
    oldest = select(Delivery.id).where(over, col(Delivery.created_at) < before).order_by(col(Delivery.id)).limit(limit)
    return session.exec(delete(Delivery).where(col(Delivery.id).in_(oldest))).rowcount


def _set_run(session: Session, run_id: int, state: str) -> None:
    """A cancelled run stays cancelled."""
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) != RUN_CANCELLED).values(state=state))

"""The deliveries of one run, and the newest runs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Delivery, Run
from digest.models.delivery import SENDING


def deliveries_of_run(session: Session, run_id: int) -> Sequence[Delivery]:
    """A run's deliveries by id."""
    return session.exec(select(Delivery).where(col(Delivery.run_id) == run_id).order_by(col(Delivery.id))).all()


def count_sending(session: Session, run_id: int) -> int:
    """How many of a run's mails are being sent."""
    query = select(func.count()).select_from(Delivery)
    return session.exec(query.where(col(Delivery.run_id) == run_id, col(Delivery.state) == SENDING)).one()


def newest_runs(session: Session, limit: int) -> Sequence[Run]:
    """The newest runs by slot."""
    return session.exec(select(Run).order_by(col(Run.slot).desc()).limit(limit)).all()

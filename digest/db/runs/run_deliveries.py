"""The mails of one run: listing, pausing, resuming and sending them again. Cancelling: `run_cancellation.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from digest.db.outbox.deliveries import ROWS_PER_STATEMENT, UNSENT_STATES
from digest.models import Delivery, Edition, Run, Shard, Subscriber, Suppression
from digest.models.delivery import CANCELLED, FIRST_EDITION_KINDS, QUEUED, REJECTED, SENDING, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import COMPLETE, PAUSED, PLANNED
from digest.models.subscriber import ACTIVE


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


def pause_run(session: Session, run_id: int) -> int:
    """Hold a run's unsent mails until `resume_run`. Returns how many."""
    set_run_state(session, run_id, PAUSED)
    is_unsent = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT_STATES)
    return session.exec(update(Delivery).where(*is_unsent).values(due_at=None)).rowcount


def resume_run(session: Session, run_id: int, now: datetime) -> int:
    """Make a paused run's mails due again. Returns how many."""
    set_run_state(session, run_id, state_by_shards(session, run_id))
    is_held = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT_STATES), col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*is_held).values(due_at=now)).rowcount


def missed_deliveries(session: Session, run_id: int, *, uncertain: bool) -> list[int]:
    """Unsent mails of a run to active subscribers who may be mailed; `uncertain`: also held ones."""
    never_sent = col(Delivery.state).in_((REJECTED, CANCELLED))
    held_back = (col(Delivery.state) == UNCERTAIN) & col(Delivery.due_at).is_(None)
    query = (
        select(Delivery.id)
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .join(Edition, col(Edition.id) == col(Delivery.subject_id))
        .where(
            Delivery.run_id == run_id,
            col(Delivery.kind).in_(FIRST_EDITION_KINDS),
            never_sent | held_back if uncertain else never_sent,
        )
        .where(Subscriber.state == ACTIVE, col(Edition.cancelled).is_(False))
        .where(col(Subscriber.address_key).not_in(select(Suppression.address_key)))
        .order_by(col(Delivery.id))
    )
    return [delivery_id for delivery_id in session.exec(query) if delivery_id]


def requeue(session: Session, delivery_ids: Sequence[int], now: datetime) -> int:
    """Queue rejected and cancelled mails again; they keep their Message-ID. Returns how many."""
    requeued = 0
    for start in range(0, len(delivery_ids), ROWS_PER_STATEMENT):
        in_batch = col(Delivery.id).in_(delivery_ids[start : start + ROWS_PER_STATEMENT])
        is_final = col(Delivery.state).in_((REJECTED, CANCELLED))
        requeued += session.exec(
            update(Delivery).where(in_batch, is_final).values(state=QUEUED, due_at=now, attempts=0, doubts=0)
        ).rowcount
    return requeued


def state_by_shards(session: Session, run_id: int) -> str:
    """Planned while the run has a shard that is not done, else complete."""
    open_shards = select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1)
    return PLANNED if session.exec(open_shards).first() is not None else COMPLETE


def set_run_state(session: Session, run_id: int, state: str) -> None:
    """Set the state of a run; a cancelled one stays cancelled."""
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) != RUN_CANCELLED).values(state=state))

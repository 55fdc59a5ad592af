"""The mails and editions of one run: listing, cancelling, pausing, resuming and sending them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select, update

from digest.db.outbox.deliveries import ROWS_PER_STATEMENT, UNSENT_STATES
from digest.models import Delivery, Edition, Run, Shard, Subscriber, Suppression
from digest.models.delivery import CANCELLED, FIRST_EDITION_KINDS, QUEUED, REJECTED, SENDING, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import COMPLETE, PAUSED, PLANNED
from digest.models.subscriber import ACTIVE

_SUBSCRIBERS = SQLModel.metadata.tables["subscriber"]


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


def cancel_run(session: Session, run_id: int) -> int:
    """Cancel a run: unsent mails are cancelled, uncertain ones are held. Returns how many were cancelled."""
    _set_run(session, run_id, RUN_CANCELLED)
    of_run = col(Delivery.run_id) == run_id
    session.exec(update(Delivery).where(of_run, col(Delivery.state) == UNCERTAIN).values(due_at=None))
    stopped = update(Delivery).where(of_run, col(Delivery.state).in_(UNSENT_STATES))
    return session.exec(stopped.values(state=CANCELLED, due_at=None)).rowcount


def pause_run(session: Session, run_id: int) -> int:
    """Hold a run's unsent mails until `resume_run`. Returns how many."""
    _set_run(session, run_id, PAUSED)
    is_unsent = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT_STATES)
    return session.exec(update(Delivery).where(*is_unsent).values(due_at=None)).rowcount


def resume_run(session: Session, run_id: int, now: datetime) -> int:
    """Make a paused run's mails due again. Returns how many."""
    _set_run(session, run_id, _state_by_shards(session, run_id))
    is_held = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT_STATES), col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*is_held).values(due_at=now)).rowcount


def editions_with_cancelled_mail(session: Session, run_id: int) -> list[tuple[int, int, int | None]]:
    """Editions of a run whose mail is cancelled, as (edition, subscriber, the subscriber's `seen_through` before it).

    The last is None where the subscriber has a later edition: then it must not be restored.
    """
    later = aliased(Edition)
    newer = select(later.id).where(later.subscriber_id == Edition.subscriber_id, col(later.day) > col(Edition.day))
    mail = select(Delivery.id).where(
        col(Delivery.kind).in_(FIRST_EDITION_KINDS),
        col(Delivery.subject_id) == col(Edition.id),
        Delivery.state == CANCELLED,
    )
    query = select(col(Edition.id), col(Edition.subscriber_id), col(Edition.previous_seen), newer.exists()).where(
        col(Edition.run_id) == run_id, col(Edition.cancelled).is_(False), mail.exists()
    )
    query = query.order_by(col(Edition.subscriber_id))  # the order in which a shard locks them
    return [
        (edition_id, subscriber_id, None if has_newer else previous_seen)
        for edition_id, subscriber_id, previous_seen, has_newer in session.execute(query)
    ]


def cancel_editions(session: Session, editions: Sequence[tuple[int, int, int | None]]) -> int:
    """Mark editions as cancelled and restore `seen_through` of subscribers whose newest they are. Returns how many."""
    for start in range(0, len(editions), ROWS_PER_STATEMENT):
        edition_ids = [edition_id for edition_id, _, _ in editions[start : start + ROWS_PER_STATEMENT]]
        session.exec(update(Edition).where(col(Edition.id).in_(edition_ids)).values(cancelled=True))
    restored = [
        {"reader": subscriber_id, "seen": previous_seen}
        for _, subscriber_id, previous_seen in editions
        if previous_seen is not None
    ]
    if restored:
        restore = update(_SUBSCRIBERS).where(
            _SUBSCRIBERS.c.id == bindparam("reader"), _SUBSCRIBERS.c.seen_through > bindparam("seen")
        )
        session.connection().execute(restore.values(seen_through=bindparam("seen")), restored)
    return len(restored)


def restore_editions(session: Session, run: Run) -> int:
    """Undo the cancellation of a run's editions, where the subscriber has no later one. Returns how many."""
    later = aliased(Edition)
    newer = select(later.id).where(later.subscriber_id == Edition.subscriber_id, col(later.day) > col(Edition.day))
    query = select(Edition.id, Edition.subscriber_id).where(
        Edition.run_id == run.id, col(Edition.cancelled).is_(True), ~newer.exists()
    )
    cancelled = list(session.exec(query))
    for start in range(0, len(cancelled), ROWS_PER_STATEMENT):
        batch = cancelled[start : start + ROWS_PER_STATEMENT]
        session.exec(
            update(Edition).where(col(Edition.id).in_([edition_id for edition_id, _ in batch])).values(cancelled=False)
        )
        needs_progress = (
            col(Subscriber.id).in_([subscriber_id for _, subscriber_id in batch]),
            col(Subscriber.seen_through) < run.batch_through,
        )
        session.exec(update(Subscriber).where(*needs_progress).values(seen_through=run.batch_through))
    return len(cancelled)


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


def reopen_run(session: Session, run_id: int) -> None:
    """Reopen a cancelled run."""
    state = _state_by_shards(session, run_id)
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) == RUN_CANCELLED).values(state=state))


def _state_by_shards(session: Session, run_id: int) -> str:
    """Planned while the run has a shard that is not done, else complete."""
    open_shards = select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1)
    return PLANNED if session.exec(open_shards).first() is not None else COMPLETE


def _set_run(session: Session, run_id: int, state: str) -> None:
    """A cancelled run stays cancelled."""
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) != RUN_CANCELLED).values(state=state))

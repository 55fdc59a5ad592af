"""A run is cancelled: its mails are stopped and its papers become new again; and both undone when it is resent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select, update

from digest.db.outbox.deliveries import ROWS_PER_STATEMENT, UNSENT_STATES
from digest.db.runs.run_deliveries import set_run_state, state_by_shards
from digest.models import Delivery, Edition, Run, Subscriber
from digest.models.delivery import CANCELLED, FIRST_EDITION_KINDS, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED

_SUBSCRIBERS = SQLModel.metadata.tables["subscriber"]


def cancel_run(session: Session, run_id: int) -> int:
    """Cancel a run: unsent mails are cancelled, uncertain ones are held. Returns how many were cancelled."""
    set_run_state(session, run_id, RUN_CANCELLED)
    of_run = col(Delivery.run_id) == run_id
    session.exec(update(Delivery).where(of_run, col(Delivery.state) == UNCERTAIN).values(due_at=None))
    stopped = update(Delivery).where(of_run, col(Delivery.state).in_(UNSENT_STATES))
    return session.exec(stopped.values(state=CANCELLED, due_at=None)).rowcount


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


def reopen_run(session: Session, run_id: int) -> None:
    """Reopen a cancelled run."""
    state = state_by_shards(session, run_id)
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) == RUN_CANCELLED).values(state=state))

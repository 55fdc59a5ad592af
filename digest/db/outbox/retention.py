"""Maintenance of the outbox: cancelling, pausing and resuming runs, releasing held mails, deleting old rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from digest.db.outbox import session_replies
from digest.db.outbox.deliveries import ROWS_PER_STATEMENT, UNSENT_STATES
from digest.db.security import rate_limit_counters
from digest.models import (
    AdminLogin,
    Attempt,
    Bounce,
    Delivery,
    DomainPause,
    Edition,
    Run,
    Shard,
    Subscriber,
    Suppression,
)
from digest.models.delivery import CANCELLED, DIGEST, NOTICE, QUEUED, REJECTED, SENT, SUPPRESSED, UNCERTAIN, WELCOME
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import COMPLETE, PAUSED, PLANNED
from digest.models.subscriber import ACTIVE

ACCOUNT_KINDS = (DIGEST, NOTICE, WELCOME)  # the first mail of an edition, not a resend
_SUBSCRIBERS = SQLModel.metadata.tables["subscriber"]


def held_deliveries(session: Session, run_id: int | None = None, *, limit: int = 1000) -> Sequence[Delivery]:
    """Mails that may or may not have arrived and are held for a person's decision."""
    query = select(Delivery).where(Delivery.state == UNCERTAIN, col(Delivery.due_at).is_(None))
    filtered = query if run_id is None else query.where(Delivery.run_id == run_id)
    return session.exec(filtered.order_by(col(Delivery.id)).limit(limit)).all()


def release_held(session: Session, delivery_ids: Sequence[int], now: datetime) -> int:
    """Send held mails again, with their old Message-ID. Returns how many were held."""
    is_held = col(Delivery.id).in_(delivery_ids), col(Delivery.state) == UNCERTAIN, col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*is_held).values(due_at=now, doubts=0)).rowcount


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
    waiting = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT_STATES)
    return session.exec(update(Delivery).where(*waiting).values(due_at=None)).rowcount


def resume_run(session: Session, run_id: int, now: datetime) -> int:
    """Make a paused run's mails due again. Returns how many."""
    open_shards = session.exec(select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1))
    _set_run(session, run_id, PLANNED if open_shards.first() is not None else COMPLETE)
    waiting = col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT_STATES), col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*waiting).values(due_at=now)).rowcount


def unfinished_shards(session: Session, *, limit: int) -> list[tuple[int, int]]:
    """Shards of planned runs that are not done, oldest first: (run, number)."""
    query = select(Shard.run_id, Shard.number).where(col(Shard.done_at).is_(None))
    planned = query.where(col(Shard.run_id).in_(select(Run.id).where(Run.state == PLANNED)))
    return list(session.exec(planned.order_by(col(Shard.id)).limit(limit)).all())


def editions_with_cancelled_mail(session: Session, run_id: int) -> list[tuple[int, int, int | None]]:
    """Editions of a run whose mail is cancelled, as (edition, subscriber, the subscriber's `seen_through` before it).

    The last is None where the subscriber has a later edition: then it must not be restored.
    """
    later = aliased(Edition)
    newer = select(later.id).where(later.subscriber_id == Edition.subscriber_id, col(later.day) > col(Edition.day))
    mail = select(Delivery.id).where(
        col(Delivery.kind).in_(ACCOUNT_KINDS), col(Delivery.subject_id) == col(Edition.id), Delivery.state == CANCELLED
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
            col(Delivery.kind).in_(ACCOUNT_KINDS),
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
    open_shards = session.exec(select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1))
    state = PLANNED if open_shards.first() is not None else COMPLETE
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) == RUN_CANCELLED).values(state=state))


def delete_finished(session: Session, before: datetime, *, limit: int = 10_000) -> int:
    """Delete finished deliveries created before then, oldest first. Returns how many; repeat while it is `limit`."""
    is_final = col(Delivery.state).in_((SENT, REJECTED, CANCELLED, SUPPRESSED))
    oldest = (
        select(Delivery.id).where(is_final, col(Delivery.created_at) < before).order_by(col(Delivery.id)).limit(limit)
    )
    return session.exec(delete(Delivery).where(col(Delivery.id).in_(oldest))).rowcount


def delete_old_records(session: Session, *, reports_before: datetime, attempts_before: datetime) -> int:
    """Delete bounces older than `reports_before`; attempts, sign-ins, replies and pauses before `attempts_before`.

    Returns how many. `attempts_before` must lie further back than an administrator's session lasts.
    """
    deleted = session.exec(delete(Bounce).where(col(Bounce.at) < reports_before)).rowcount
    deleted += session.exec(delete(Attempt).where(col(Attempt.at) < attempts_before)).rowcount
    deleted += session_replies.delete_older_than(session, attempts_before)
    deleted += rate_limit_counters.delete_older_than(session, attempts_before)
    deleted += session.exec(delete(AdminLogin).where(col(AdminLogin.asked_at) < attempts_before)).rowcount
    return deleted + session.exec(delete(DomainPause).where(col(DomainPause.until) < attempts_before)).rowcount


def _set_run(session: Session, run_id: int, state: str) -> None:
    """A cancelled run stays cancelled."""
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) != RUN_CANCELLED).values(state=state))

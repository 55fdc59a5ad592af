"""Maintenance of the outbox: cancelling, pausing and resuming runs, releasing held mails, deleting old rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from digest.db.outbox import session_replies
from digest.db.outbox.deliveries import ROWS_PER_STATEMENT, UNSENT_STATES
from digest.db.security import rate_limit_counters
from digest.models import (
    AdminLogin,
    Attempt,
    Audit,
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
_READERS = SQLModel.metadata.tables["subscriber"]


def held_deliveries(session: Session, run_id: int | None = None, *, limit: int = 1000) -> Sequence[Delivery]:
    """Mails that may or may not have arrived and are held for a person's decision."""
    query = select(Delivery).where(Delivery.state == UNCERTAIN, col(Delivery.due_at).is_(None))
    chosen = query if run_id is None else query.where(Delivery.run_id == run_id)
    return session.exec(chosen.order_by(col(Delivery.id)).limit(limit)).all()


def release_held(session: Session, delivery_ids: Sequence[int], now: datetime) -> int:
    """Send held mails again, with their old Message-ID. Returns how many were held."""
    chosen = col(Delivery.id).in_(delivery_ids), col(Delivery.state) == UNCERTAIN, col(Delivery.due_at).is_(None)
    return session.exec(update(Delivery).where(*chosen).values(due_at=now, doubts=0)).rowcount


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
    unfrozen = session.exec(select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1))
    _set_run(session, run_id, PLANNED if unfrozen.first() is not None else COMPLETE)
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
    return [(number, reader, None if has else seen) for number, reader, seen, has in session.execute(query)]


def cancel_editions(session: Session, called: Sequence[tuple[int, int, int | None]]) -> int:
    """Mark editions as cancelled and restore `seen_through` of subscribers whose newest they are. Returns how many."""
    for start in range(0, len(called), ROWS_PER_STATEMENT):
        numbers = [number for number, _, _ in called[start : start + ROWS_PER_STATEMENT]]
        session.exec(update(Edition).where(col(Edition.id).in_(numbers)).values(cancelled=True))
    restored = [{"reader": reader, "seen": seen} for _, reader, seen in called if seen is not None]
    if restored:
        back = update(_READERS).where(_READERS.c.id == bindparam("reader"), _READERS.c.seen_through > bindparam("seen"))
        session.connection().execute(back.values(seen_through=bindparam("seen")), restored)
    return len(restored)


def restore_editions(session: Session, run: Run) -> int:
    """Undo the cancellation of a run's editions, where the subscriber has no later one. Returns how many."""
    later = aliased(Edition)
    newer = select(later.id).where(later.subscriber_id == Edition.subscriber_id, col(later.day) > col(Edition.day))
    query = select(Edition.id, Edition.subscriber_id).where(
        Edition.run_id == run.id, col(Edition.cancelled).is_(True), ~newer.exists()
    )
    found = list(session.exec(query))
    for start in range(0, len(found), ROWS_PER_STATEMENT):
        part = found[start : start + ROWS_PER_STATEMENT]
        session.exec(update(Edition).where(col(Edition.id).in_([number for number, _ in part])).values(cancelled=False))
        behind = (
            col(Subscriber.id).in_([reader for _, reader in part]),
            col(Subscriber.seen_through) < run.batch_through,
        )
        session.exec(update(Subscriber).where(*behind).values(seen_through=run.batch_through))
    return len(found)


def missed_deliveries(session: Session, run_id: int, *, uncertain: bool) -> list[int]:
    """Unsent mails of a run to active subscribers who may be mailed; `uncertain`: also held ones."""
    lost = col(Delivery.state).in_((REJECTED, CANCELLED))
    held_back = (col(Delivery.state) == UNCERTAIN) & col(Delivery.due_at).is_(None)
    query = (
        select(Delivery.id)
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .join(Edition, col(Edition.id) == col(Delivery.subject_id))
        .where(
            Delivery.run_id == run_id, col(Delivery.kind).in_(ACCOUNT_KINDS), lost | held_back if uncertain else lost
        )
        .where(Subscriber.state == ACTIVE, col(Edition.cancelled).is_(False))
        .where(col(Subscriber.address_key).not_in(select(Suppression.address_key)))
        .order_by(col(Delivery.id))
    )
    return [number for number in session.exec(query) if number]


def requeue(session: Session, delivery_ids: Sequence[int], now: datetime) -> int:
    """Queue rejected and cancelled mails again; they keep their Message-ID. Returns how many."""
    done = 0
    for start in range(0, len(delivery_ids), ROWS_PER_STATEMENT):
        chosen = col(Delivery.id).in_(delivery_ids[start : start + ROWS_PER_STATEMENT])
        over = col(Delivery.state).in_((REJECTED, CANCELLED))
        done += session.exec(
            update(Delivery).where(chosen, over).values(state=QUEUED, due_at=now, attempts=0, doubts=0)
        ).rowcount
    return done


def reopen_run(session: Session, run_id: int) -> None:
    """Reopen a cancelled run."""
    unfrozen = session.exec(select(Shard.id).where(Shard.run_id == run_id, col(Shard.done_at).is_(None)).limit(1))
    state = PLANNED if unfrozen.first() is not None else COMPLETE
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) == RUN_CANCELLED).values(state=state))


def delete_finished(session: Session, before: datetime, *, limit: int = 10_000) -> int:
    """Delete finished deliveries created before then, oldest first. Returns how many; repeat while it is `limit`."""
    over = col(Delivery.state).in_((SENT, REJECTED, CANCELLED, SUPPRESSED))
    oldest = select(Delivery.id).where(over, col(Delivery.created_at) < before).order_by(col(Delivery.id)).limit(limit)
    return session.exec(delete(Delivery).where(col(Delivery.id).in_(oldest))).rowcount


def delete_old_records(session: Session, *, reports: datetime, tries: datetime) -> int:
    """Delete bounces older than `reports_before`; attempts, sign-ins, replies and pauses before `attempts_before`.

    Returns how many. `attempts_before` must lie further back than an administrator's session lasts.
    """
    gone = session.exec(delete(Bounce).where(col(Bounce.at) < reports)).rowcount
    gone += session.exec(delete(Attempt).where(col(Attempt.at) < tries)).rowcount
    gone += session_replies.delete_older_than(session, tries)
    gone += rate_limit_counters.delete_older_than(session, tries)
    gone += session.exec(delete(AdminLogin).where(col(AdminLogin.asked_at) < tries)).rowcount
    return gone + session.exec(delete(DomainPause).where(col(DomainPause.until) < tries)).rowcount


def delete_old_audit(session: Session, before: datetime) -> int:
    """Delete audit rows older than that. Returns how many.

    The newest row stays: SQLite assigns ids after the largest existing one, and serials of mails derive from them.
    """
    newest = select(func.max(Audit.id)).scalar_subquery()
    return session.exec(delete(Audit).where(col(Audit.at) < before, col(Audit.id) < newest)).rowcount


def _set_run(session: Session, run_id: int, state: str) -> None:
    """A cancelled run stays cancelled."""
    session.exec(update(Run).where(col(Run.id) == run_id, col(Run.state) != RUN_CANCELLED).values(state=state))

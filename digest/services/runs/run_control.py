"""An administrator's hand on a run: see who got it, hold it, let it go, stop it, send only the rest. Audited."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import retention
from digest.errors import NotFound, Refused
from digest.interfaces import Enqueue
from digest.models import Audit, Delivery, Run
from digest.models.delivery import CANCELLED, REJECTED, SENDING, SENT, SUPPRESSED, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import PAUSED
from digest.models.types import stored_id

Row = dict[str, object]
YES, NO, PERHAPS, NOT_YET = "yes", "no", "perhaps", "not yet"
_GOT = {SENT: YES, REJECTED: NO, CANCELLED: NO, SUPPRESSED: NO, UNCERTAIN: PERHAPS}


@dataclass(frozen=True, slots=True)
class Stopped:
    """What cancelling did. `restored`: readers to whom the papers are new again; `sending`: still under way."""

    cancelled: int
    held: int
    restored: int
    sending: int


@dataclass(frozen=True, slots=True)
class Again:
    """What goes out again, and the mails that may have arrived: (delivery, address)."""

    queued: int
    held: tuple[tuple[int, str], ...]


def show(run_id: int) -> list[Row]:
    """Each delivery of a run: to whom, whether they got it, its state, the last reply. Raises NotFound."""
    with reading() as session:
        _run(session, run_id)
        found = session.execute(select(Delivery).where(col(Delivery.run_id) == run_id).order_by(col(Delivery.id)))
        return [_row(delivery) for delivery in found.scalars()]


def _row(delivery: Delivery) -> Row:
    held = delivery.state == UNCERTAIN and delivery.due_at is None
    return {
        "delivery": delivery.id,
        "address": delivery.address,
        "got it": _GOT.get(delivery.state, NOT_YET),
        "kind": delivery.kind,
        "state": f"{delivery.state}, held" if held else delivery.state,
        "tries": delivery.attempts,
        "reply": delivery.reply,
    }


def pause(run_id: int, *, actor: str) -> int:
    """Hold what waits. Returns how many mails. Raises NotFound, Refused."""
    with transaction() as session:
        _not_cancelled(_run(session, run_id))
        count = retention.pause_run(session, run_id)
        _audit(session, actor, "pause run", run=run_id, deliveries=count)
    return count


def resume(run_id: int, *, actor: str, enqueue: Enqueue) -> int:
    """Let a paused run go. Returns how many mails waited. Raises NotFound, Refused."""
    with transaction() as session:
        run = _run(session, run_id)
        if run.state != PAUSED:
            raise Refused(f"run {run_id} is not paused (state: {run.state})")
        count = retention.resume_run(session, run_id, clock.now())
        _audit(session, actor, "resume run", run=run_id, deliveries=count)
        shards = [number for run, number in retention.unfrozen(session, limit=1000) if run == run_id]
    for number in shards:
        enqueue.freeze(run_id, number)
    enqueue.deliver()
    return count


def cancel(run_id: int, *, actor: str) -> Stopped:
    """Stop a run for good; may be repeated. What was not sent is cancelled, and its papers are new again.

    Readers whose part was not yet chosen get their next slot when runs are planned next. What is under way can't be
    called back: once it has ended, cancelling again restores what did not arrive. Raises NotFound.
    """
    with transaction() as session:  # from its commit on, no further part of the run can be frozen
        _run(session, run_id)
        count = retention.cancel_run(session, run_id)
    with transaction() as session:
        restored = retention.cancel_editions(session, retention.called_back(session, run_id))
        sending = session.execute(
            select(col(Delivery.id)).where(col(Delivery.run_id) == run_id, col(Delivery.state) == SENDING)
        )
        stopped = Stopped(count, len(retention.held(session, run_id)), restored, len(sending.all()))
        _audit(session, actor, "cancel run", run=run_id, deliveries=count, restored=restored)
    return stopped


def resend_missed(run_id: int, *, actor: str, enqueue: Enqueue, uncertain: bool = False) -> Again:
    """Send a run's mails again to active readers who did not get them; a cancelled run goes on.

    What may have arrived is only listed, unless `uncertain`: then it goes out with its old Message-ID. An edition that
    was cancelled stays so where its reader got a later one, which holds its papers. Raises NotFound.
    """
    now = clock.now()
    with transaction() as session:
        run = _run(session, run_id)
        if run.state == RUN_CANCELLED:
            retention.revive_editions(session, run)
            retention.reopen_run(session, run_id)
        numbers = retention.missed(session, run_id, uncertain=uncertain)
        count = retention.requeue(session, numbers, now)
        if uncertain:
            count += retention.release(session, [stored_id(row) for row in retention.held(session, run_id)], now)
        held = tuple((stored_id(row), row.address) for row in retention.held(session, run_id))
        _audit(session, actor, "resend missed", run=run_id, deliveries=count, held=len(held))
    enqueue.deliver()
    return Again(count, held)


def _run(session: Session, run_id: int) -> Run:
    found = session.get(Run, run_id) if 0 < run_id < 2**31 else None
    if found is None:
        raise NotFound(f"there is no run {run_id}; `digest admin runs list` shows them")
    return found


def _not_cancelled(run: Run) -> None:
    if run.state == RUN_CANCELLED:
        raise Refused(f"run {run.id} is cancelled; `digest admin runs resend-missed {run.id}` takes that back")


def _audit(session: Session, actor: str, action: str, **detail: int) -> None:
    session.add(Audit(at=clock.now(), actor=actor, action=action, detail=dict(detail)))

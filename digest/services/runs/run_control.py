"""Administrators control a run: show its deliveries, pause, resume, cancel, resend what was missed. Audited.

Who got no mail of a run: `missed_deliveries` in `db/runs/run_deliveries.py`.
What cancelling does to mails, editions and papers: `db/runs/run_cancellation.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import held_mail
from digest.db.reporting import mail_overview
from digest.db.runs import run_cancellation, run_deliveries, runs
from digest.errors import NotFound, Refused
from digest.i18n import localize
from digest.models import Audit, Delivery, Run
from digest.models.delivery import CANCELLED, OPEN_STATES, REJECTED, SENT, SUPPRESSED, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import COMPLETE, PAUSED
from digest.models.types import stored_id
from digest.queues import Enqueue

Row = dict[str, object]
YES, NO, MAYBE, NOT_YET = "yes", "no", "perhaps", "not yet"
_ARRIVAL_BY_STATE = {SENT: YES, REJECTED: NO, CANCELLED: NO, SUPPRESSED: NO, UNCERTAIN: MAYBE}


@dataclass(frozen=True, slots=True)
class CancelResult:
    """The number of cancelled, held and currently sent mails; `restored`: subscribers whose papers are new again."""

    cancelled: int
    uncertain: int
    restored: int
    sending: int


@dataclass(frozen=True, slots=True)
class ResendResult:
    """How many mails were queued, and those held because they may have arrived: (delivery, address)."""

    queued: int
    uncertain: tuple[tuple[int, str], ...]


def list_deliveries(run_id: int) -> list[Row]:
    """Each delivery of a run: address, whether it arrived, state, last reply. Raises NotFound."""
    with reading() as session:
        _run(session, run_id)
        return [_row(delivery) for delivery in run_deliveries.deliveries_of_run(session, run_id)]


def _row(delivery: Delivery) -> Row:
    is_held = delivery.state == UNCERTAIN and delivery.due_at is None
    return {
        "delivery": delivery.id,
        "address": delivery.address,
        "got it": _ARRIVAL_BY_STATE.get(delivery.state, NOT_YET),
        "kind": delivery.kind,
        "state": f"{delivery.state}, held" if is_held else delivery.state,
        "tries": delivery.attempts,
        "reply": delivery.reply,
    }


def pause(run_id: int, *, actor: str) -> int:
    """Hold the run's waiting mails. Returns how many. Raises NotFound; Refused if the run has no mail left to send."""
    with transaction() as session:
        run = _run(session, run_id)
        _require_not_cancelled(run)
        was_complete = run.state == COMPLETE
        count = run_deliveries.pause_run(session, run_id)
        if was_complete and not count:
            raise Refused(
                localize("run %(run)s is complete: none of its mails waits, so there is nothing to pause", run=run_id)
            )
        _audit(session, actor, "pause run", run=run_id, deliveries=count)
    return count


def resume(run_id: int, *, actor: str, enqueue: Enqueue) -> int:
    """Resume a paused run. Returns how many mails waited. Raises NotFound, Refused."""
    with transaction() as session:
        run = _run(session, run_id)
        if run.state != PAUSED:
            raise Refused(
                localize("run %(run)s is not paused (state: %(state)s)", run=run_id, state=localize(run.state))
            )
        count = run_deliveries.resume_run(session, run_id, clock.now())
        _audit(session, actor, "resume run", run=run_id, deliveries=count)
        shards = [number for _, number in runs.open_shards(session, run_id)]
    for number in shards:
        enqueue.freeze(run_id, number)
    enqueue.deliver()
    return count


def cancel(run_id: int, *, actor: str) -> CancelResult:
    """Cancel a run for good; may be repeated. Unsent mails are cancelled, and their papers are new again.

    Subscribers of shards not yet built get their next slot when runs are planned next. Mails under way can't be
    called back: once they have ended, cancelling again restores what did not arrive. Raises NotFound; Refused for a
    complete run whose mails are all sent or refused, of which nothing can be cancelled.
    """
    with transaction() as session:  # once this is committed, no further shard of the run can be built
        run = _run(session, run_id)
        states = mail_overview.deliveries_of_runs(session, [run_id])[run_id]
        if run.state == COMPLETE and not any(states.get(state) for state in OPEN_STATES):
            raise Refused(
                localize("run %(run)s is complete: none of its mails waits, so there is nothing to cancel", run=run_id)
            )
        count = run_cancellation.cancel_run(session, run_id)
    with transaction() as session:
        editions = run_cancellation.editions_with_cancelled_mail(session, run_id)
        restored = run_cancellation.cancel_editions(session, editions)
        sending = run_deliveries.count_sending(session, run_id)
        result = CancelResult(count, len(held_mail.held_deliveries(session, run_id)), restored, sending)
        _audit(session, actor, "cancel run", run=run_id, deliveries=count, restored=restored)
    return result


def resend_missed(run_id: int, *, actor: str, enqueue: Enqueue, uncertain: bool = False) -> ResendResult:
    """Queue a run's mails again for active subscribers who did not get them; a cancelled run is reopened.

    Mails that may have arrived are only listed, unless `uncertain`: then they are sent with their old Message-ID. A
    cancelled edition stays cancelled where its subscriber got a later one, which has its papers. Raises NotFound.
    """
    now = clock.now()
    with transaction() as session:
        run = _run(session, run_id)
        if run.state == RUN_CANCELLED:
            run_cancellation.restore_editions(session, run)
            run_cancellation.reopen_run(session, run_id)
        delivery_ids = run_deliveries.missed_deliveries(session, run_id, uncertain=uncertain)
        count = run_deliveries.requeue(session, delivery_ids, now)
        if uncertain:
            count += held_mail.release_held(
                session, [stored_id(row) for row in held_mail.held_deliveries(session, run_id)], now
            )
        uncertain_mails = tuple((stored_id(row), row.address) for row in held_mail.held_deliveries(session, run_id))
        _audit(session, actor, "resend missed", run=run_id, deliveries=count, held=len(uncertain_mails))
    enqueue.deliver()
    return ResendResult(count, uncertain_mails)


def _run(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id) if 0 < run_id < 2**31 else None
    if run is None:
        raise NotFound(f"there is no run {run_id}; `digest admin runs list` shows them")
    return run


def _require_not_cancelled(run: Run) -> None:
    if run.state == RUN_CANCELLED:
        raise Refused(f"run {run.id} is cancelled; `digest admin runs resend-missed {run.id}` reopens it")


def _audit(session: Session, actor: str, action: str, **detail: int) -> None:
    session.add(Audit(at=clock.now(), actor=actor, action=action, detail=dict(detail)))

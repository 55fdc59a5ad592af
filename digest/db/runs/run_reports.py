"""Which runs have ended, and whether that was reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from digest.models import Delivery, Run, RunReport, Shard
from digest.models.delivery import IS_WAITING
from digest.models.edition import COMPLETE, PLANNED
from digest.models.monitoring import RUN_FAILED, RUN_FINISHED


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest finished run: when it was created, and when it was noticed that it had finished."""

    created_at: datetime
    finished_at: datetime


def unfinished_runs(session: Session, *, created_since: datetime) -> list[tuple[Run, str]]:
    """Runs that have not been reported as finished, oldest first, each with the outcome reported so far ("" for none).

    Paused and cancelled runs are left out: an administrator decided about them.
    """
    not_finished = or_(col(RunReport.run_id).is_(None), col(RunReport.outcome) == RUN_FAILED)
    query = (
        select(Run, RunReport.outcome)
        .join(RunReport, col(RunReport.run_id) == col(Run.id), isouter=True)
        .where(col(Run.state).in_((PLANNED, COMPLETE)), col(Run.created_at) >= created_since, not_finished)
        .order_by(col(Run.id))
    )
    return [(run, outcome or "") for run, outcome in session.exec(query)]


def record_outcome(session: Session, run_id: int, outcome: str, *, at: datetime) -> bool:
    """Record how a run ended. False where that is recorded already; a failed run may still become finished."""
    insert = (postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert)(RunReport)
    insert = insert.values(run_id=run_id, outcome=outcome, noticed_at=at)
    upsert = insert.on_conflict_do_update(
        index_elements=["run_id"],
        set_={"outcome": outcome, "noticed_at": at, "pinged_at": None},
        where=(col(RunReport.outcome) == RUN_FAILED) & (insert.excluded.outcome == RUN_FINISHED),
    ).returning(col(RunReport.run_id))
    return session.execute(upsert).scalar_one_or_none() is not None


def last_activity(session: Session, run_id: int) -> datetime | None:
    """When the run's last mail was tried, or its last part was built; None where neither has happened."""
    tried_at = session.exec(select(func.max(Delivery.tried_at)).where(Delivery.run_id == run_id)).one()
    built_at = session.exec(select(func.max(Shard.done_at)).where(Shard.run_id == run_id)).one()
    return max((moment for moment in (tried_at, built_at) if moment is not None), default=None)


def has_retries(session: Session, run_id: int) -> bool:
    """True while mails of the run that were deferred or are uncertain will be sent again."""
    return session.exec(select(Delivery.id).where(Delivery.run_id == run_id, IS_WAITING).limit(1)).first() is not None


def unpinged(session: Session, *, noticed_since: datetime) -> list[RunReport]:
    """Outcomes that DIGEST_PING_URL was not told of, the oldest first."""
    query = select(RunReport).where(col(RunReport.pinged_at).is_(None), col(RunReport.noticed_at) >= noticed_since)
    return list(session.exec(query.order_by(col(RunReport.noticed_at), col(RunReport.run_id))))


def record_ping(session: Session, run_id: int, outcome: str, *, at: datetime) -> None:
    """Record that DIGEST_PING_URL was told of this outcome."""
    session.execute(
        update(RunReport).where(col(RunReport.run_id) == run_id, col(RunReport.outcome) == outcome).values(pinged_at=at)
    )


def last_finished_run(session: Session) -> LastRun | None:
    """The run that finished last."""
    query = select(Run.created_at, RunReport.noticed_at).join(Run, col(Run.id) == col(RunReport.run_id))
    newest = query.where(RunReport.outcome == RUN_FINISHED).order_by(col(RunReport.noticed_at).desc()).limit(1)
    row = session.exec(newest).first()
    return LastRun(*row) if row else None

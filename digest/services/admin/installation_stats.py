"""Statistics of the installation and of its runs, for administrators."""

from __future__ import annotations

from sqlmodel import Session

from digest.db.core.engine import reading
from digest.db.outbox import deliveries
from digest.db.reporting import installation_totals
from digest.db.runs import run_deliveries
from digest.db.runs import runs as run_store
from digest.db.subscribers import subscribers
from digest.models import Run
from digest.models.types import stored_id

Row = dict[str, object]


def installation_stats() -> Row:
    """How many papers, announcements, subscribers and deliveries by state."""
    with reading() as session:
        subscriber_counts, delivery_counts = subscribers.count_by_state(session), deliveries.count_by_state(session)
        return {**installation_totals.paper_totals(session), **subscriber_counts, **delivery_counts}


def runs(limit: int) -> list[Row]:
    """The newest runs with their deliveries by state."""
    with reading() as session:
        return [_run_row(session, run) for run in run_deliveries.newest_runs(session, limit)]


def _run_row(session: Session, run: Run) -> Row:
    _, skipped, papers = run_store.shard_totals(session, [stored_id(run)])
    states = run_store.count_deliveries_of_runs(session, [stored_id(run)])
    state_counts = {name: states.get(name, 0) for name in ("queued", "sent", "deferred", "rejected", "uncertain")}
    return {"run": run.id, "slot": run.slot, "state": run.state, **state_counts, "skipped": skipped, "papers": papers}

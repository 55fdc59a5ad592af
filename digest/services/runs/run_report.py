"""Notices that a run has ended, once, whichever process ran it, and mails a report to the administrators.

A run has finished when its editions are built and none of its mails waits; after an hour mails that are retried (the
server deferred them) are no longer waited for. It has failed while other mails still wait six hours after it began,
for example because no worker runs or the mail server refuses them; it may still finish later, which is reported too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs, settings
from digest.compose.email.run_figures import RunFigures
from digest.db.core.engine import reading
from digest.db.core.retry_transaction import retry_transaction
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.reporting import metric_counters
from digest.db.runs import run_reports, runs
from digest.mail.outbox.retry_backoff import MAX_AGE
from digest.models import Run
from digest.models.delivery import DEFERRED, QUEUED, REJECTED, RUN_REPORT, SENDING, SENT, UNCERTAIN
from digest.models.edition import COMPLETE
from digest.models.monitoring import RUN_FAILED, RUN_FINISHED
from digest.models.types import stored_id
from digest.services.ingestion import source_status
from digest.sources.source import DOWN, LATE, PARTIAL, STALE

log = logs.get(__name__)

RUNS_ENDED = "runs_ended"  # the stored counter of runs by outcome
WAIT_FOR_RETRIES = timedelta(hours=1)
FAILED_AFTER = timedelta(hours=6)
LOOK_BACK = MAX_AGE + timedelta(days=1)  # by then every mail of a run is sent or given up
PROBLEM_SHARE = 0.02  # of a run's mails: fewer that are rejected or deferred are an ordinary day
_TROUBLED_STATES = frozenset({LATE, PARTIAL, STALE, DOWN})


def report_ended_runs(*, now: datetime | None = None) -> int:
    """Record and report the runs that have ended. Returns how many mails were queued. Raises Transient."""
    now = now or clock.now()
    with reading() as session:
        candidates = run_reports.unfinished_runs(session, created_since=now - LOOK_BACK)
        ended_runs = [
            (run, outcome)
            for run, known_outcome in candidates
            if (outcome := _outcome(session, run, now)) and outcome != known_outcome
        ]
    if not ended_runs:
        return 0
    sources = [
        (status.source, status.state)
        for status in source_status.source_statuses(now)
        if status.state in _TROUBLED_STATES
    ]
    return sum(
        retry_transaction(partial(_report, run, outcome, sources, now), seconds=0) for run, outcome in ended_runs
    )


def _outcome(session: Session, run: Run, now: datetime) -> str:
    """How the run ended, "" while it goes on."""
    counts = runs.count_deliveries_of_runs(session, [stored_id(run)])
    age = now - run.created_at
    in_progress = run.state != COMPLETE or counts.get(QUEUED, 0) + counts.get(SENDING, 0) > 0
    if not in_progress and (age >= WAIT_FOR_RETRIES or not run_reports.has_retries(session, stored_id(run))):
        return RUN_FINISHED
    return RUN_FAILED if in_progress and age >= FAILED_AFTER else ""


def _report(run: Run, outcome: str, sources: list[tuple[str, str]], now: datetime, session: Session) -> int:
    """Record the outcome and queue its report in one transaction. Returns how many mails were queued."""
    if not run_reports.record_outcome(session, stored_id(run), outcome, at=now):
        return 0
    metric_counters.increase(session, {(RUNS_ENDED, (("outcome", outcome),)): 1})
    counts = runs.count_deliveries_of_runs(session, [stored_id(run)])
    figures = _figures(session, run, outcome, counts, sources, now)
    log.info("run_ended", run=figures.run, outcome=outcome, sent=figures.sent, seconds=round(figures.seconds))
    config = settings.get()
    if config.run_report == "never" or (config.run_report == "problems" and not has_problems(figures)):
        return 0
    payload = figures.to_json()
    for address in config.admin_emails:
        enqueue_next(session, RUN_REPORT, subject_id=figures.run, address=address, now=now, payload=payload)
    return len(config.admin_emails)


def _figures(
    session: Session, run: Run, outcome: str, counts: Mapping[str, int], sources: list[tuple[str, str]], now: datetime
) -> RunFigures:
    _, skipped, papers = runs.shard_totals(session, [stored_id(run)])
    ended_at = (run_reports.last_activity(session, stored_id(run)) if outcome == RUN_FINISHED else None) or now
    return RunFigures(
        run=stored_id(run),
        slot=f"{run.slot:%Y-%m-%d %H:%M}",
        finished=outcome == RUN_FINISHED,
        seconds=max((ended_at - run.created_at).total_seconds(), 0.0),
        sent=counts.get(SENT, 0),
        deferred=counts.get(DEFERRED, 0),
        rejected=counts.get(REJECTED, 0),
        uncertain=counts.get(UNCERTAIN, 0),
        waiting=counts.get(QUEUED, 0) + counts.get(SENDING, 0),
        skipped=skipped,
        papers=papers,
        late_sources=sources,
        notice=run.notice,
    )


def has_problems(figures: RunFigures) -> bool:
    """True where an administrator should look: unfinished, uncertain mails, or more failures than on most days.

    Sources in trouble do not count, because they raise alarms of their own, once a day rather than with every run.
    """
    mails = figures.sent + figures.deferred + figures.rejected + figures.uncertain
    failures = figures.rejected + figures.deferred
    return not figures.finished or figures.uncertain > 0 or failures > PROBLEM_SHARE * mails

"""`digest run`: plan, build editions, deliver; in this process, through the workers, or as a rehearsal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.runs import editions
from digest.db.runs import runs as store
from digest.db.subscribers import subscribers
from digest.errors import NotFound, Transient
from digest.models.delivery import DEFERRED, QUEUED, REJECTED, SENDING, SENT, UNCERTAIN
from digest.models.types import stored_id
from digest.queues import Enqueue, NoQueue
from digest.services.catalog import novelty_and_score
from digest.services.delivery import delivery_worker
from digest.services.editions import welcome
from digest.services.runs import (
    build_editions,
    calibration_job,
    completion_ping,
    retention,
    run_planning,
    run_report,
    schedule_repair,
)
from digest.services.search import search_indexing
from digest.text.counted import count_of

WAIT_SECONDS = 3600.0
NOVELTY_SECONDS = INDEXING_SECONDS = 60.0
WELCOME_SECONDS = 300.0  # the next run builds the others
CHECK_WORKER_EVERY_SECONDS = 20.0  # with `--wait`
_MAX_CLOCK_DIFFERENCE = timedelta(seconds=60)  # between this machine and a worker's


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did, in e-mails by state. `skipped`: subscribers with nothing new; `papers`: in all e-mails."""

    date: date
    queued: int = 0
    sent: int = 0
    deferred: int = 0
    rejected: int = 0
    uncertain: int = 0
    skipped: int = 0
    papers: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"date": self.date.isoformat()}

    def to_line(self) -> str:
        """One line for a person: the states that occur; `sent` also where it is 0 and nothing is queued."""
        states = ("queued", "sent", "deferred", "rejected", "uncertain")
        parts = [f"{n} {name}" for name in states if (n := getattr(self, name)) or (name == "sent" and not self.queued)]
        return f"{', '.join(parts)}, {self.skipped} skipped (nothing new); {count_of(self.papers, 'paper')}"


def run_inline(day: date | None, *, only: str | None = None) -> RunResult:
    """Do everything in this process, without Redis or workers. Also takes over what a dead sender had claimed."""
    settings.get().require("secret_key", "mail_from", "smtp_url")
    subscriber_id_of(only)
    try:
        result = _run_inline(day, only)
    except (Transient, SQLAlchemyError):
        completion_ping.ping("run failed", failed=True, attempts=completion_ping.ATTEMPTS_INLINE)
        raise
    if run_report.report_ended_runs():
        delivery_worker.drain()
    completion_ping.ping_ended_runs(attempts=completion_ping.ATTEMPTS_INLINE)
    return result


def _run_inline(day: date | None, only: str | None) -> RunResult:
    started = clock.now()
    with reading() as session:
        newest_edition = editions.newest_edition_id(session)
    novelty_and_score.measure_novelty(seconds=NOVELTY_SECONDS)  # no worker has done it
    search_indexing.index_papers(seconds=INDEXING_SECONDS)
    schedule_repair.repair_schedules()  # no scheduler does it
    if day is None:
        calibration_job.calibrate_all()
    run_ids = _plan(day, only, NoQueue())
    while shards := _open_shards(run_ids if day or only else None):
        built = [build_editions.build_shard(run_id, number) for run_id, number in shards]
        if not any(built):
            break  # another process is working on them
    if day is None:  # after the editions that are due, because a subscriber gets one mail a date
        welcome.build_missing_welcomes(only=subscriber_id_of(only), seconds=WELCOME_SECONDS)
    delivery_worker.drain()
    retention.delete_expired()  # no scheduler does it
    with reading() as session:
        first_papers = editions.papers_of_first_editions(session, after_id=newest_edition)
    result = _result(day, run_ids, started)
    return replace(result, papers=result.papers + first_papers)


def run_queued(day: date | None, *, enqueue: Enqueue, only: str | None = None, wait: bool = False) -> RunResult:
    """Plan, and leave the rest to the workers; with `wait` until they are done. Raises Transient without a worker."""
    started = clock.now()
    if wait:
        _require_worker(enqueue)
    run_ids = _plan(day, only, enqueue)
    for run_id, number in _open_shards(run_ids):
        enqueue.freeze(run_id, number)
    if wait:
        _wait(run_ids, enqueue)
    return _result(day, run_ids, started)


def dry_run(day: date | None, *, only: str | None = None) -> RunResult:
    """What a run would choose now; nothing is stored or sent."""
    queued = skipped = papers = 0
    for choice in run_planning.dry_run(day, only=subscriber_id_of(only)):
        if choice.kind:
            queued += 1
            papers += len(choice.content.entries)
        else:
            skipped += 1
    return RunResult(day or clock.now().date(), queued=queued, skipped=skipped, papers=papers)


def _plan(day: date | None, only: str | None, enqueue: Enqueue) -> list[int]:
    subscriber_id = subscriber_id_of(only)
    return (
        run_planning.plan_due(enqueue, only=subscriber_id)
        if day is None
        else run_planning.plan_day(day, only=subscriber_id)
    )


def subscriber_id_of(address: str | None) -> int | None:
    """The id of the subscriber with that address; None without an address. Raises NotFound."""
    if address is None:
        return None
    with reading() as session:
        subscriber = subscribers.by_key(session, subscribers.parse_address(address).key)
    if subscriber is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return stored_id(subscriber)


def _open_shards(run_ids: Sequence[int] | None) -> list[tuple[int, int]]:
    """Shards that still need their editions, as (run, shard); of all runs where `run_ids` is None."""
    with reading() as session:
        return [pair for pair in store.open_shards(session) if run_ids is None or pair[0] in run_ids]


def _require_worker(enqueue: Enqueue) -> None:
    if not enqueue.alive():
        raise Transient("no worker answers: start one with `digest worker` (or `digest up`), or use --inline")


def _wait(run_ids: Sequence[int], enqueue: Enqueue) -> None:
    """Wait until every shard is done and no delivery can go out now; deferred ones are not waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    next_check = time.monotonic() + CHECK_WORKER_EVERY_SECONDS
    while time.monotonic() < deadline:
        with reading() as session:
            states = store.count_deliveries_of_runs(session, run_ids)
        if not _open_shards(run_ids) and not any(states.get(state) for state in (QUEUED, SENDING)):
            return
        if time.monotonic() > next_check:
            _require_worker(enqueue)
            next_check = time.monotonic() + CHECK_WORKER_EVERY_SECONDS
        time.sleep(0.2)
    raise Transient(f"not finished after {WAIT_SECONDS:.0f} s; `digest admin runs list` shows the progress")


def _result(day: date | None, run_ids: Sequence[int], started: datetime) -> RunResult:
    """Counts of the mails queued or tried since `started`, and of the shards completed since."""
    with reading() as session:
        until = clock.now() + _MAX_CLOCK_DIFFERENCE  # later instants are of a clock that was ahead
        states = store.count_deliveries_between(session, started, until)
        _, skipped, papers = store.shard_totals(session, run_ids, since=started, until=until)
    return RunResult(
        date=day or clock.now().date(),
        queued=states.get(QUEUED, 0) + states.get(SENDING, 0),
        sent=states.get(SENT, 0),
        deferred=states.get(DEFERRED, 0),
        rejected=states.get(REJECTED, 0),
        uncertain=states.get(UNCERTAIN, 0),
        skipped=skipped,
        papers=papers,
    )

"""`digest run` as a use case: plan, freeze, deliver; inline, through the workers, or only rehearsed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from digest import clock, settings
from digest.db.core.engine import reading
from digest.db.runs import runs as store
from digest.db.subscribers import subscribers
from digest.errors import NotFound, Transient
from digest.interfaces import Enqueue, NoQueue
from digest.models.delivery import DEFERRED, QUEUED, REJECTED, SENDING, SENT, UNCERTAIN
from digest.services.catalog import novelty_and_score
from digest.services.delivery import delivery_worker
from digest.services.runs import build_editions, calibration_job, retention, run_planning

WAIT_SECONDS = 3600.0
SECONDS_TO_MEASURE = 60.0
LOOK_SECONDS = 20.0  # how often `--wait` asks whether a worker lives


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did, in e-mails; `queued` are still waiting, `skipped` readers had nothing new; `papers` in all."""

    date: date
    queued: int = 0
    sent: int = 0
    deferred: int = 0
    rejected: int = 0
    uncertain: int = 0
    skipped: int = 0
    papers: int = 0

    def to_json(self) -> dict[str, Any]:
        """The JSON form that DESIGN names."""
        return asdict(self) | {"date": self.date.isoformat()}

    def line(self) -> str:
        """One line for a person: what there is, and how many were sent in any case."""
        states = ("queued", "sent", "deferred", "rejected", "uncertain")
        parts = [f"{n} {name}" for name in states if (n := getattr(self, name)) or (name == "sent" and not self.queued)]
        return f"{', '.join(parts)}, {self.skipped} skipped (nothing new); {self.papers} papers"


def run_inline(day: date | None, *, only: str | None = None) -> Result:
    """Everything in this process: no Redis, no workers. Also frees what a dead sender left."""
    settings.get().require("secret_key", "mail_from", "smtp_url")
    started = clock.now()
    novelty_and_score.measure(seconds=SECONDS_TO_MEASURE)  # here are no workers that would have done it
    if day is None:
        calibration_job.all_due()
    planned = _plan(day, only, NoQueue())
    while shards := _open(planned if day or only else None):
        frozen = [build_editions.freeze_shard(run_id, number) for run_id, number in shards]
        if not any(frozen):
            break  # another process has them
    delivery_worker.drain()
    retention.daily()  # here is no scheduler that would do it
    return _result(day, planned, started)


def run_queued(day: date | None, *, enqueue: Enqueue, only: str | None = None, wait: bool = False) -> Result:
    """Plan and hand over to the workers; with `wait` until all is settled. Raises Transient without a live worker."""
    started = clock.now()
    if wait:
        _must_live(enqueue)
    planned = _plan(day, only, enqueue)
    for run_id, number in _open(planned):
        enqueue.freeze(run_id, number)
    if wait:
        _wait(planned, enqueue)
    return _result(day, planned, started)


def rehearse(day: date | None, *, only: str | None = None) -> Result:
    """What a run would choose now; nothing is frozen or sent."""
    chosen = run_planning.rehearse(day, only=reader_number(only))
    mails = [c for c in chosen if c.kind]
    papers = sum(len(c.content.entries) for c in mails)
    return Result(day or clock.now().date(), queued=len(mails), skipped=len(chosen) - len(mails), papers=papers)


def _plan(day: date | None, only: str | None, enqueue: Enqueue) -> list[int]:
    reader = reader_number(only)
    return run_planning.plan_due(enqueue, only=reader) if day is None else run_planning.plan_day(day, only=reader)


def reader_number(address: str | None) -> int | None:
    """The subscriber of that address; None for all. Raises NotFound."""
    if address is None:
        return None
    with reading() as session:
        reader = subscribers.by_key(session, subscribers.address(address).key)
    if reader is None or reader.id is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return reader.id


def _open(planned: Sequence[int] | None) -> list[tuple[int, int]]:
    """Shards still to be frozen: of these runs, or of all."""
    with reading() as session:
        return [pair for pair in store.open_shards(session) if planned is None or pair[0] in planned]


def _must_live(enqueue: Enqueue) -> None:
    if not enqueue.alive():
        raise Transient("no worker answers: start one with `digest worker` (or `digest up`), or use --inline")


def _wait(planned: Sequence[int], enqueue: Enqueue) -> None:
    """Until every shard is done and no delivery can go out now; deferred ones are not waited for."""
    end = time.monotonic() + WAIT_SECONDS
    look = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < end:
        with reading() as session:
            states = store.deliveries_of(session, planned)
        if not _open(planned) and not any(states.get(state) for state in (QUEUED, SENDING)):
            return
        if time.monotonic() > look:
            _must_live(enqueue)
            look = time.monotonic() + LOOK_SECONDS
        time.sleep(0.2)
    raise Transient(f"not finished after {WAIT_SECONDS:.0f} s; `digest admin runs list` tells where it stands")


def _result(day: date | None, planned: Sequence[int], started: datetime) -> Result:
    """What became of the mails that were owed or tried since, and of the shards frozen since."""
    with reading() as session:
        states = store.deliveries_since(session, started)
        _, skipped, papers = store.shard_totals(session, planned, since=started)
    return Result(
        date=day or clock.now().date(),
        queued=states.get(QUEUED, 0) + states.get(SENDING, 0),
        sent=states.get(SENT, 0),
        deferred=states.get(DEFERRED, 0),
        rejected=states.get(REJECTED, 0),
        uncertain=states.get(UNCERTAIN, 0),
        skipped=skipped,
        papers=papers,
    )

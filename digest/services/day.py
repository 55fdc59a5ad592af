"""`digest run` as a use case: plan, freeze, deliver; inline, through the workers, or only rehearsed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from digest import clock
from digest.db import runs as store
from digest.db import subscribers
from digest.db.engine import reading
from digest.errors import NotFound, Transient
from digest.models.delivery import DEFERRED, QUEUED, REJECTED, SENDING, SENT, UNCERTAIN
from digest.ports import Enqueue, NoQueue
from digest.services import deliver, retention, runs

WAIT_SECONDS = 3600.0


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
        """One line for a person."""
        parts = [f"{self.sent} sent"]
        parts += [
            f"{n} {name}" for name in ("queued", "deferred", "rejected", "uncertain") if (n := getattr(self, name))
        ]
        return f"{', '.join(parts)}, {self.skipped} skipped (nothing new); {self.papers} papers"


def run_inline(day: date | None, *, only: str | None = None) -> Result:
    """Everything in this process: no Redis, no workers. Also frees what a dead sender left."""
    planned = _plan(day, only, NoQueue())
    for run_id, number in _open(planned):
        runs.freeze_shard(run_id, number)
    deliver.drain()
    retention.daily()  # here is no scheduler that would do it
    return _result(day, planned)


def run_queued(day: date | None, *, enqueue: Enqueue, only: str | None = None, wait: bool = False) -> Result:
    """Plan and hand over to the workers; with `wait` until all is settled. Raises Transient without a live worker."""
    if wait and not enqueue.alive():
        raise Transient("no worker answers: start one with `digest worker` (or `digest up`), or use --inline")
    planned = _plan(day, only, enqueue)
    for run_id, number in _open(planned):
        enqueue.freeze(run_id, number)
    if wait:
        _wait(planned)
    return _result(day, planned)


def rehearse(day: date | None, *, only: str | None = None) -> Result:
    """What a run would choose now; nothing is frozen or sent."""
    on = day or clock.now().date()
    chosen = runs.rehearse(on, only=reader_number(only))
    mails = [c for c in chosen if c.kind]
    papers = sum(len(c.content.entries) for c in mails)
    return Result(date=on, queued=len(mails), skipped=len(chosen) - len(mails), papers=papers)


def _plan(day: date | None, only: str | None, enqueue: Enqueue) -> list[int]:
    if day is None:
        return runs.plan_due(enqueue)
    return runs.plan_day(day, only=reader_number(only))


def reader_number(address: str | None) -> int | None:
    """The subscriber of that address; None for all. Raises NotFound."""
    if address is None:
        return None
    with reading() as session:
        reader = subscribers.by_key(session, subscribers.address(address).key)
    if reader is None or reader.id is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return reader.id


def _open(planned: Sequence[int]) -> list[tuple[int, int]]:
    with reading() as session:
        return [pair for pair in store.open_shards(session) if pair[0] in planned]


def _wait(planned: Sequence[int]) -> None:
    """Until every shard is done and no delivery can go out now; deferred ones are not waited for."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        with reading() as session:
            states = store.deliveries_of(session, planned)
        if not _open(planned) and not any(states.get(state) for state in (QUEUED, SENDING)):
            return
        time.sleep(0.2)
    raise Transient(f"not finished after {WAIT_SECONDS:.0f} s; `digest admin runs show` tells where it stands")


def _result(day: date | None, planned: Sequence[int]) -> Result:
    with reading() as session:
        states = store.deliveries_of(session, planned)
        _, skipped, papers = store.shard_totals(session, planned)
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

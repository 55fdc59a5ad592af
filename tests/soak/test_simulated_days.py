"""Days of the whole service under a fault a minute of every kind, with exact bookkeeping at the end.

DIGEST_SOAK_MINUTES: how long faults happen (120); with less than ten, days and faults follow each other faster.
DIGEST_SOAK_DATABASE: `postgresql` (the default) or `sqlite`.
DIGEST_SOAK_FOLDER: where logs, samples and the result stay.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.redis import PrivateRedis
from tests.patience import PATIENCE
from tests.servers import MailServer
from tests.small_disk import SmallDisk
from tests.soak.moving_postgres import MovingPostgres
from tests.soak.resource_samples import ResourceSamples
from tests.soak.shifted_clock import compile_library
from tests.soak.simulated_service import SimulatedService
from tests.soak.soak_database import SqliteFile
from tests.soak.soak_ledger import SoakLedger, wrong_papers
from tests.soak.timed_faults import TimedFault, all_faults
from tests.wire_server import WireServer

MINUTES = float(os.environ.get("DIGEST_SOAK_MINUTES") or 120)
IS_SHORT = MINUTES < 10
IS_SQLITE = {"postgresql": False, "sqlite": True}[os.environ.get("DIGEST_SOAK_DATABASE") or "postgresql"]
SUBSCRIBERS = 24 if IS_SHORT else 120
DAY_SECONDS = 40.0 if IS_SHORT else 200.0
FAULT_SECONDS = 15.0 if IS_SHORT else 60.0
DISK_MEGABYTES = 256 if IS_SQLITE else 1024  # a PostgreSQL begins with 100
SAMPLE_SECONDS = 20.0
UNHANDLED = 900.0  # seconds; a task of a killed process is given again by then (MARK_SECONDS of workers.tasks)
MAX_MEMORY_SLOPE = 4096.0  # kB of anonymous memory an hour
QUIET_KINDS = {"alarm", "run-report"}  # these come also when nothing is published


class SoakDays:
    """The loop: tend the service, begin and end faults, read the ledger."""

    def __init__(self, service: SimulatedService, disk: SmallDisk, log: Path) -> None:
        self.service, self.ledger, self.samples = service, SoakLedger(), ResourceSamples()
        self.counts: Counter[str] = Counter()
        self._disk, self._log, self._rng = disk, log, random.Random(int(os.environ.get("DIGEST_SOAK_SEED") or 19))
        self._began, self._clock_began = time.monotonic(), service.clock.now()
        self._fault: TimedFault | None = None
        self._fault_ends = 0.0
        self._next_fault = time.monotonic() + FAULT_SECONDS / 2
        self._next_sample = 0.0
        self._pending: list[TimedFault] = []

    def run(self, seconds: float) -> None:
        """Have faults happen for that long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._tick()
            self._cause_faults()
        while self._fault is not None:
            self._tick()
            self._end_fault()

    def drain(self) -> None:
        """Publish nothing more and wait until everything owed is settled; then let the alarms go out too."""
        self.service.is_publishing = False
        self._until(self._is_served)
        self.service.clock.day_seconds = 86_400.0  # alarms about missing papers come no more
        self._until(lambda: not self.ledger.unsettled())
        self.service.read_receipts()  # the ledger was read after them: its last mail may have arrived between

    def missing_papers(self) -> dict[str, set[str]]:
        """The papers that never arrived, of addresses that were refused nothing."""
        service, excused = self.service, self.ledger.refused_addresses()
        missing, _ = wrong_papers(service.receipts, service.topic_by_address, service.feed.by_topic)
        counted = {address: papers - service.feed.of_first_day for address, papers in missing.items()}
        return {address: papers for address, papers in counted.items() if papers and address not in excused}

    def simulated_days(self) -> float:
        return (self.service.clock.now() - self._clock_began).total_seconds() / 86_400

    def _is_served(self) -> bool:
        return not self.missing_papers() and all(mail.kind in QUIET_KINDS for mail in self.ledger.unsettled())

    def _until(self, condition: object) -> None:
        until = time.monotonic() + UNHANDLED
        while time.monotonic() < until:
            self._tick()
            if self.ledger.read(self.service.database) and condition():  # type: ignore[operator]
                return
            time.sleep(1)

    def _tick(self) -> None:
        self.service.tend()
        self.service.database.revive() if self._fault is None else None
        if time.monotonic() >= self._next_sample:
            self._next_sample = time.monotonic() + SAMPLE_SECONDS
            if self.ledger.read(self.service.database):
                self.samples.take(self.service, self.simulated_days())
                self._note_progress()
        time.sleep(0.2)

    def _note_progress(self) -> None:
        sample = self.samples.samples[-1] if self.samples.samples else None
        self.note(f"{dict(self.ledger.totals())}, {len(self.service.receipts)} handed over; {sample}")

    def note(self, text: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{time.monotonic() - self._began:8.1f} s, day {self.simulated_days():6.2f}: {text}\n")

    def _cause_faults(self) -> None:
        if self._fault is not None:
            self._end_fault()
        elif time.monotonic() >= self._next_fault:
            self._next_fault = time.monotonic() + FAULT_SECONDS
            if not self._pending:
                self._pending = all_faults(self.service, self._disk, self._rng)
                self._rng.shuffle(self._pending)
            self._fault = self._pending.pop()
            self.counts[self._fault.name] += 1
            self.note(f"FAULT {self._fault.name}")
            self._fault_ends = time.monotonic() + self._fault.seconds
            self._fault.begin()

    def _end_fault(self) -> None:
        if self._fault is not None and time.monotonic() >= self._fault_ends:
            self._fault.end()
            self.note(f"over: {self._fault.name}")
            self._fault = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = Path(os.environ.get("DIGEST_SOAK_FOLDER") or tmp_path)
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def disk(folder: Path) -> Iterator[SmallDisk]:
    with SmallDisk(folder / "disk", DISK_MEGABYTES) as small_disk:
        yield small_disk


@pytest.fixture
def days(folder: Path, disk: SmallDisk) -> Iterator[SoakDays]:
    library = compile_library(folder)
    with (
        (SqliteFile if IS_SQLITE else MovingPostgres)(disk) as database,
        PrivateRedis() as redis,
        MailServer(delay=0.02) as smtp,
        WireServer() as wire,
    ):
        service = SimulatedService(folder, database, redis, smtp, wire, library, DAY_SECONDS, SUBSCRIBERS)
        try:
            service.prepare()
            service.clock.start()
            yield SoakDays(service, disk, folder / "soak.log")
        finally:
            service.end()
            disk.clear()


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 2 * UNHANDLED + 2 * PATIENCE)
def test_days_under_a_fault_a_minute_balance_to_the_last_mail(days: SoakDays, folder: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    days.run(MINUTES * 60)
    days.drain()

    service = days.service
    missing = days.missing_papers()
    _, twice = wrong_papers(service.receipts, service.topic_by_address, service.feed.by_topic)
    errors = days.ledger.errors(service.receipts)
    result = report(days, errors, missing, twice)
    (folder / "result.txt").write_text(result)
    print(result)

    assert errors == []
    assert missing == {}
    assert dict(twice) == {}
    assert IS_SHORT or days.samples.slope("anonymous") < MAX_MEMORY_SLOPE
    assert IS_SHORT or days.samples.slope("files") < 1


def report(days: SoakDays, errors: list[str], missing: dict[str, set[str]], twice: dict[str, set[str]]) -> str:
    """The figures as text."""
    accepted = Counter(receipt.message_id for receipt in days.service.receipts if receipt.is_accepted)
    settled = days.samples.settled()
    doubts = sum(1 for mail in days.ledger.mails.values() if mail.doubts)
    lines = [
        f"simulated days: {days.simulated_days():.1f}; faults: {sum(days.counts.values())} of {len(days.counts)} kinds",
        f"owed: {len(days.ledger.mails)} = {dict(days.ledger.totals())}",
        f"by kind: {dict(Counter(mail.kind for mail in days.ledger.mails.values()))}",
        f"accepted: {len(accepted)} messages, {accepted.total()} times; once uncertain: {doubts} mails",
        f"refused addresses: {len(days.ledger.refused_addresses())}",
        f"errors: {len(errors)}; missing papers of {len(missing)}, repeated papers of {len(twice)} subscribers",
        f"starts: { {name: process.starts for name, process in days.service.processes.items()} }",
    ]
    if settled:
        first, last = settled[0], settled[-1]
        lines += [
            f"PSS of the steady worker: {first.pss} -> {last.pss} kB, {days.samples.slope('pss'):+.0f} kB an hour",
            f"of which anonymous: {first.anonymous} -> {last.anonymous} kB, "
            f"{days.samples.slope('anonymous'):+.0f} kB an hour",
            f"PSS of all: {first.all_pss} -> {last.all_pss} kB, {days.samples.slope('all_pss'):+.0f} kB an hour",
            f"open files: {first.files} -> {last.files}, {days.samples.slope('files'):+.2f} an hour",
            f"database: {first.database_kb} -> {last.database_kb} kB, "
            f"{days.samples.slope('database_kb', 'simulated_days'):+.0f} kB a simulated day",
        ]
    lines += [f"  {name}: {count}" for name, count in sorted(days.counts.items())]
    lines += [*errors[:50], *(f"missing {address}: {sorted(papers)[:9]}" for address, papers in missing.items())]
    lines += [f"twice {address}: {sorted(papers)[:9]}" for address, papers in twice.items()]
    return "\n".join(lines) + "\n"

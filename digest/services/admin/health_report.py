"""The health of the installation for its administrators: what `digest doctor` says, queues, and space on the disk."""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest import clock, redis, settings
from digest.caching import BoundedCache
from digest.errors import Transient
from digest.queues import QUEUES
from digest.redis import running_instance
from digest.redis.task_lists import task_lists
from digest.services.admin import dashboard, doctor
from digest.services.admin.doctor_finding import WARNING, DoctorFinding

WAIT_SECONDS = 5.0  # for the checks
HEADLINE_WAIT_SECONDS = 1.0  # of the overview, which shows only whether there is an error
HEADLINE_CHECK_SECONDS = 300  # an overview left open does not sign in to the mail server each minute
CHECK_SECONDS = 60  # a report is reused for so long: its checks connect to mail servers and ask DNS


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue: tasks that wait, and seconds since one of its workers made progress; infinite for none."""

    name: str
    waiting: int
    silence: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    """`queues` and `scheduler_silence` (seconds) are None without Redis. Bytes on the disk of DATA_DIR.

    `mails`: by state.
    """

    checked_at: datetime
    findings: Sequence[DoctorFinding]
    queues: Sequence[QueueState] | None
    scheduler_silence: float | None
    free_bytes: int
    total_bytes: int
    mails: Mapping[str, int]


class _BackgroundChecks:
    """Runs the checks beside the request, because a mail server that answers slowly takes a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._findings: Sequence[DoctorFinding] | None = None
        self._checked_at = 0.0
        self._database = ""

    def findings(self, *, max_age: float, wait_seconds: float) -> tuple[Sequence[DoctorFinding], bool]:
        """Findings of this database, and whether they are at most `max_age` seconds old; else older ones, or none.

        Starts the checks where there are no such findings, and waits for them at most `wait_seconds`.
        """
        database = settings.get().database
        with self._lock:
            if self._database != database:
                self._findings, self._database = None, database
            if self._is_fresh(max_age):
                return self._findings or (), True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, args=(database,), name="health-checks", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(wait_seconds)
        with self._lock:
            return self._findings or (), self._is_fresh(max_age)

    def _is_fresh(self, max_age: float) -> bool:
        age = clock.now().timestamp() - self._checked_at
        return self._findings is not None and 0 <= age <= max_age

    def _run(self, database: str) -> None:
        findings = doctor.run_checks()
        with self._lock:
            if self._database == database:
                self._findings, self._checked_at = findings, clock.now().timestamp()


_checks = _BackgroundChecks()
_reports: BoundedCache[HealthReport] = BoundedCache(max_entries=2, max_bytes=2, size_of=lambda _: 1)


def findings_for_headline() -> Sequence[DoctorFinding] | None:
    """What the checks found within `HEADLINE_CHECK_SECONDS`; None while they are running for the first time."""
    findings, is_fresh = _checks.findings(max_age=HEADLINE_CHECK_SECONDS, wait_seconds=HEADLINE_WAIT_SECONDS)
    return findings if findings or is_fresh else None


def health_report() -> HealthReport:
    """The report, at most a minute old."""
    slot = int(clock.now().timestamp()) // CHECK_SECONDS
    config = settings.get()
    return _reports.get((config.database, config.data_dir), _make_report, version=slot)


def _make_report() -> HealthReport:
    queues, silence = _redis_state()
    folder = settings.get().data_dir
    while not folder.exists():  # it is made when something is first stored
        folder = folder.parent
    disk = shutil.disk_usage(folder)
    return HealthReport(
        clock.now(),
        _current_findings(),
        queues,
        silence,
        disk.free,
        disk.total,
        dashboard.service_figures().deliveries,
    )


def _current_findings() -> Sequence[DoctorFinding]:
    """The findings, after `WAIT_SECONDS` at most; those of the last time where the checks take longer."""
    findings, is_fresh = _checks.findings(max_age=CHECK_SECONDS / 2, wait_seconds=WAIT_SECONDS)
    if is_fresh:
        return findings
    overdue_finding = DoctorFinding(
        WARNING,
        "checks",
        "a server answers slowly: they have not finished yet",
        "the page shows them a minute later",
    )
    return [overdue_finding, *findings]


def _redis_state() -> tuple[Sequence[QueueState] | None, float | None]:
    """The queues, and seconds since the scheduler's last progress; None where Redis is not used or does not answer."""
    config = settings.get()
    instance = running_instance.find_instance(config.data_dir)
    url = config.redis_url or (instance.redis_url if instance else "")
    if not url:
        return None, None
    try:
        store = redis.connect(url)
        queues = [
            QueueState(queue, sum(store.list_lengths(task_lists(queue))), _silence(store, redis.queue_kind(queue)))
            for queue in QUEUES
        ]
        return queues, _silence(store, redis.SCHEDULER)
    except Transient:
        return None, None


def _silence(store: redis.RedisStore, kind: str) -> float:
    return min(store.progress(kind).values(), default=math.inf)

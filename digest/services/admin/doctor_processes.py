"""`digest doctor`: Redis, workers and scheduler. Progress counts, not presence."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from digest import clock, file_fingerprints, redis
from digest.db.core.engine import reading
from digest.db.reporting import installation_totals
from digest.errors import Transient
from digest.queues import QUEUES
from digest.redis import running_instance
from digest.services.admin.doctor_finding import ERROR, OK, WARNING, DoctorFinding
from digest.settings import Settings

_SECONDS_WITHOUT_PROGRESS = 90.0  # a pulse reaches every queue and the scheduler each 15 s; tasks count as progress
_MAX_AGE_OF_RUNNING_SCHEDULER = 20.0  # seconds; it has a job every 5 s, as the leader or not
_MAX_CRON_GAP = timedelta(hours=26)


def check_processes(config: Settings) -> Iterator[DoctorFinding]:
    """Redis, the workers of each queue and the scheduler; without Redis, that cron runs the service."""
    supervised = running_instance.find_instance(config.data_dir)
    url = config.redis_url or (supervised.redis_url if supervised else "")
    if not url:
        yield from _check_cron()
        return
    try:
        store = redis.connect(url)
        store.ping()
        yield from _check_redis(store, private=not config.redis_url)
        yield from _check_stopped(store)
        yield from _check_stale_settings(store, config)
        yield from _check_scheduler(store)
        yield from _check_queues(store)
    except redis.RedisRefusal as error:
        yield DoctorFinding(ERROR, "redis", str(error))  # the text says what to do
    except Transient as error:
        yield DoctorFinding(ERROR, "redis", str(error), "check DIGEST_REDIS_URL, and that Redis runs")


def _check_cron() -> Iterator[DoctorFinding]:
    """Without Redis only `digest ingest` and `digest run --inline` act; each ingest leaves a batch."""
    with reading() as session:
        newest = installation_totals.newest_batch_at(session)
    if newest is not None and clock.now() - newest < _MAX_CRON_GAP:
        yield DoctorFinding(
            OK, "processes", f"no `digest up`; papers were last ingested at {newest:%Y-%m-%d %H:%M} UTC"
        )
        return
    cure = "start `digest up`, or run `digest ingest` and `digest run --inline` from cron"
    if newest is None:
        text = "nothing runs yet: no `digest up` with this DATA_DIR, and nothing was ingested"
        yield DoctorFinding(ERROR, "processes", text, cure)
        return
    hours = int(_MAX_CRON_GAP.total_seconds()) // 3600
    text = f"nothing runs: no `digest up` with this DATA_DIR, and nothing was ingested for {hours} hours"
    yield DoctorFinding(ERROR, "processes", text, cure)


def _check_redis(store: redis.RedisStore, *, private: bool) -> Iterator[DoctorFinding]:
    """Whether Redis stores keys and never evicts them.

    Writes one key, because a replica and a full Redis still answer PING.
    """
    store.store_text("doctor", "", seconds=1)
    policy = store.eviction_policy()
    if policy:
        text = f"may evict keys (maxmemory-policy {policy}): wake-ups of workers get lost and mails are late"
        yield DoctorFinding(
            WARNING, "redis", text, "set maxmemory-policy noeviction, or give this service its own Redis"
        )
    else:
        yield DoctorFinding(OK, "redis", "answers" + (" (private to `digest up`)" if private else ""))


def _check_stopped(store: redis.RedisStore) -> Iterator[DoctorFinding]:
    """Processes of this machine that were stopped by a signal: they exist, but do nothing."""
    pids = {*_processes_of_this_machine(store, redis.WORKER), *_processes_of_this_machine(store, redis.SCHEDULER)}
    for pid in sorted(pids):
        if _is_stopped(pid):
            cure = f"continue it with `kill -CONT {pid}`, or restart it"
            yield DoctorFinding(ERROR, "processes", f"process {pid} is stopped (SIGSTOP) and does nothing", cure)


def _check_stale_settings(store: redis.RedisStore, config: Settings) -> Iterator[DoctorFinding]:
    """Processes of this machine that read an earlier version of `.env`, of a file with a secret, or of the DKIM key."""
    for kind in (redis.WORKER, redis.SCHEDULER, redis.WEB):
        pids_by_file: dict[str, list[int]] = {}
        for pid in _running_processes(store, kind):
            fingerprints = store.file_fingerprints(redis.process_name(pid), kind)
            for file in file_fingerprints.changed_files(fingerprints, config.secret_key):
                pids_by_file.setdefault(file, []).append(pid)
        for file, pids in pids_by_file.items():
            names = ", ".join(map(str, pids))
            processes = f"process {names} ({kind}) runs" if len(pids) == 1 else f"processes {names} ({kind}) run"
            cure = f"restart `digest {kind}` (or `digest up`): the change has no effect there"
            yield DoctorFinding(WARNING, "processes", f"{processes} with an earlier version of {file}", cure)


def _running_processes(store: redis.RedisStore, kind: str) -> list[int]:
    """The process ids of that kind on this machine.

    An idle process of a pool makes no progress for hours, because pulses reach mostly the same one; it counts while
    others of its kind make progress.
    """
    ages = _processes_of_this_machine(store, kind)
    oldest = redis.PROGRESS_TTL_SECONDS if kind == redis.WORKER else _SECONDS_WITHOUT_PROGRESS
    if min(ages.values(), default=math.inf) > _SECONDS_WITHOUT_PROGRESS:
        return []
    return [pid for pid, age in ages.items() if age <= oldest and _exists(pid)]


def _processes_of_this_machine(store: redis.RedisStore, kind: str) -> dict[int, float]:
    """The process ids of that kind on this machine, with the seconds since their last progress."""
    hosts_and_pids = ((*name.rpartition(":")[::2], age) for name, age in sorted(store.progress(kind).items()))
    return {int(pid): age for host, pid, age in hosts_and_pids if host == socket.gethostname()}


def _exists(pid: int) -> bool:
    """False for a process that was killed, and could not remove its progress."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _is_stopped(pid: int) -> bool:
    """True where Linux says that the process is stopped (proc(5): state T or t); False without /proc."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in {"T", "t"}


def _check_scheduler(store: redis.RedisStore) -> Iterator[DoctorFinding]:
    ages = store.progress(redis.SCHEDULER)
    age = min(ages.values(), default=math.inf)
    if age > _SECONDS_WITHOUT_PROGRESS:
        text = "no scheduler runs" if age == math.inf else f"the scheduler has made no progress for {age:.0f} s"
        yield DoctorFinding(
            ERROR, "scheduler", text, "start `digest scheduler` (or `digest up`): it plans runs and fetches papers"
        )
    else:
        running = sorted(name for name, seconds in ages.items() if seconds <= _MAX_AGE_OF_RUNNING_SCHEDULER)
        text = f"progress {age:.0f} s ago"
        if len(running) > 1:
            text += f"; {', '.join(running)} run, {store.leader(redis.SCHEDULER) or 'none yet'} leads"
        yield DoctorFinding(OK, "scheduler", text)


def _check_queues(store: redis.RedisStore) -> Iterator[DoctorFinding]:
    for queue in QUEUES:
        age = min(store.progress(redis.queue_kind(queue)).values(), default=math.inf)
        if age <= _SECONDS_WITHOUT_PROGRESS:
            yield DoctorFinding(OK, "queues", f"{queue}: a worker made progress {age:.0f} s ago")
        else:
            text = "no worker serves it" if age == math.inf else f"no worker has made progress for {age:.0f} s"
            cure = f"start `digest worker` (all queues) or `digest worker --queues {queue}`"
            yield DoctorFinding(ERROR, "queues", f"{queue}: {text}", cure)

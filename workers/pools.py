"""`digest worker`: one or more processes per queue, so that no queue waits for the tasks of another.

The processes are forked after all imports, which is quick and shares memory. A pool that dies is restarted. The parent
holds no connections, so that none is shared. How many processes each queue gets: `task_queues.default_pools`.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkProcess

from digest import logs, settings
from digest.db.core import engine
from workers import app, failed_task_memory, tasks, worker_progress  # noqa: F401 - the tasks are imported before forking
from workers.stop_signal import STOP_SIGNALS, StopSignal
from workers.task_queues import WorkerPool

log = logs.get(__name__)

MIN_RESTART_DELAY, MAX_RESTART_DELAY = 1.0, 30.0
STABLE_SECONDS = 60.0  # a pool that lived this long is restarted with the first delay
POLL_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(slots=True)
class _PoolProcess:
    """The process of a pool, and when it may be restarted."""

    pool: WorkerPool
    process: ForkProcess | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    restart_delay: float = MIN_RESTART_DELAY


def serve(pools: Sequence[WorkerPool]) -> int:
    """Serve these queues until SIGTERM or SIGINT, which let running tasks finish. Returns the exit code."""
    if len(pools) == 1:
        return app.run_worker(pools[0])
    settings.get().require("redis_url")
    with StopSignal() as stop:
        stop.install()
        _prepare_to_fork()
        pool_processes = [_PoolProcess(pool) for pool in pools]
        while not stop.is_set():
            for pool_process in pool_processes:
                _start_if_due(pool_process)
            stop.wait(POLL_SECONDS)
        return _drain(pool_processes)


def _prepare_to_fork() -> None:
    """Import what every pool needs, close connections, and keep the garbage collector from writing to shared memory."""
    import celery.apps.worker
    import celery.concurrency.solo
    import celery.worker.consumer  # noqa: F401
    import kombu.transport.redis  # noqa: F401

    engine.engine().dispose()
    engine.dispose_engines()
    gc.collect()
    gc.freeze()


def _start_if_due(pool_process: _PoolProcess) -> None:
    """Start the pool if it is not running and its delay is over."""
    now = time.monotonic()
    if pool_process.process is not None and pool_process.process.exitcode is not None:
        _schedule_restart(pool_process, now)
    if pool_process.process is None and now >= pool_process.start_at:
        pool_process.process, pool_process.started_at = _fork_pool(pool_process.pool), now


def _schedule_restart(pool_process: _PoolProcess, now: float) -> None:
    assert pool_process.process is not None
    pool_process.restart_delay = (
        MIN_RESTART_DELAY if now - pool_process.started_at > STABLE_SECONDS else pool_process.restart_delay
    )
    log.error(
        "pool_died",
        queues=pool_process.pool.name,
        code=pool_process.process.exitcode,
        again_in=pool_process.restart_delay,
    )
    pool_process.process, pool_process.start_at = None, now + pool_process.restart_delay
    pool_process.restart_delay = min(2 * pool_process.restart_delay, MAX_RESTART_DELAY)


def _fork_pool(pool: WorkerPool) -> ForkProcess:
    """Fork the process of a pool. Signals are blocked meanwhile, so that none is lost before handlers are in place."""
    process = multiprocessing.get_context("fork").Process(target=_run_pool, args=(pool, os.getpid()), name=pool.name)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return process


def _run_pool(pool: WorkerPool, parent_pid: int) -> None:
    """The main function of a forked process. It has its own session, so that Ctrl-C reaches only the parent."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    if os.getppid() == parent_pid:  # else the parent died before prctl was called
        sys.exit(app.run_worker(pool))


def _drain(pool_processes: Sequence[_PoolProcess]) -> int:
    """Let all pools drain. If that takes too long, the supervisor of this process kills it."""
    processes = [pool_process.process for pool_process in pool_processes if pool_process.process is not None]
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
    exit_codes = [process.exitcode or 0 for process in processes]
    log.info("pools_ended", host=socket.gethostname(), codes=exit_codes)
    return 0

"""`digest worker`: one or more processes per queue, so that no queue waits for the tasks of another.

The processes are forked after all imports, which is quick and shares memory. A pool that dies is restarted. The parent
holds no connections, so that none is shared.
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
from workers import app, tasks  # noqa: F401 - the tasks are imported before forking
from workers.queues import Pool
from workers.stop_signal import STOP_SIGNALS, StopSignal

log = logs.get(__name__)

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
SECONDS_STEADY = 60.0  # a pool that lived this long is restarted with the first delay
LOOK_EVERY = 0.2
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(slots=True)
class _Running:
    """The process of a pool, and when it may be restarted."""

    pool: Pool
    process: ForkProcess | None = None
    born: float = 0.0
    start_at: float = 0.0
    delay: float = FIRST_DELAY


def serve(pools: Sequence[Pool]) -> int:
    """Serve these queues until SIGTERM or SIGINT, which let running tasks finish. Returns the exit code."""
    if len(pools) == 1:
        return app.work(pools[0])
    settings.get().require("redis_url")
    stop = StopSignal()
    stop.install()
    _prepare_to_fork()
    running = [_Running(pool) for pool in pools]
    while not stop.is_set():
        for each in running:
            _keep_running(each)
        stop.wait(LOOK_EVERY)
    return _end(running)


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


def _keep_running(each: _Running) -> None:
    """Start the pool if it is not running and its delay is over."""
    now = time.monotonic()
    if each.process is not None and each.process.exitcode is not None:
        _died(each, now)
    if each.process is None and now >= each.start_at:
        each.process, each.born = _fork(each.pool), now


def _died(each: _Running, now: float) -> None:
    assert each.process is not None
    each.delay = FIRST_DELAY if now - each.born > SECONDS_STEADY else each.delay
    log.error("pool_died", queues=each.pool.name, code=each.process.exitcode, again_in=each.delay)
    each.process, each.start_at = None, now + each.delay
    each.delay = min(2 * each.delay, LONGEST_DELAY)


def _fork(pool: Pool) -> ForkProcess:
    """Fork the process of a pool. Signals are blocked meanwhile, so that none is lost before handlers are in place."""
    process = multiprocessing.get_context("fork").Process(target=_serve_pool, args=(pool, os.getpid()), name=pool.name)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return process


def _serve_pool(pool: Pool, parent: int) -> None:
    """The main function of a forked process. It has its own session, so that Ctrl-C reaches only the parent."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    if os.getppid() == parent:  # else the parent died before prctl was called
        sys.exit(app.work(pool))


def _end(running: Sequence[_Running]) -> int:
    """Let all pools drain. If that takes too long, the supervisor of this process kills it."""
    processes = [each.process for each in running if each.process is not None]
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
    codes = [process.exitcode or 0 for process in processes]
    log.info("pools_ended", host=socket.gethostname(), codes=codes)
    return 0

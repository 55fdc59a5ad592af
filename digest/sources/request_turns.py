"""Request pacing: one request to a source at a time, with a pause between two, over all processes and machines.

A turn is a file lock in DATA_DIR for the processes of this machine, and a lease in Redis (if there is one) for all
machines. The lock ends with its process and the lease expires, so a dead holder blocks nobody. How long the pause is
stands in each source's file (`PACING`; arXiv's is the setting ARXIV_INTERVAL); retries stand in `http.py`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from digest import logs, redis, settings
from digest.errors import SourceDown, Transient

log = logs.get(__name__)

LEASE_SECONDS = 150.0  # seconds; longer than any request, so that a live holder never loses its turn
LEASE_MARGIN_SECONDS = 30.0
MAX_WAIT_SECONDS = 900.0  # for a turn, in seconds


@dataclass(frozen=True, slots=True)
class Pacing:
    """Pacing of the requests of one name, which are sent one after the other. Services of one provider share a name.

    `pause`: seconds between two requests, or a function that reads them from the settings.
    """

    name: str
    pause: float | Callable[[], float] = 0.0

    def pause_seconds(self) -> float:
        """Seconds between two requests. Raises Misconfigured."""
        return self.pause() if callable(self.pause) else self.pause


@contextmanager
def wait_for_turn(pacing: Pacing, seconds: float = MAX_WAIT_SECONDS) -> Iterator[float]:
    """Wait at most so long for the turn for one request. Yields its monotonic deadline. Raises SourceDown."""
    name, pause = pacing.name, pacing.pause_seconds()
    deadline = time.monotonic() + seconds
    with _local_turn(name, pause, deadline), _shared_turn(name, pause, deadline):
        yield time.monotonic() + LEASE_SECONDS - LEASE_MARGIN_SECONDS


@contextmanager
def _local_turn(name: str, pause: float, deadline: float) -> Iterator[None]:
    """The turn among processes of this machine. The file holds when the last request started or ended."""
    folder = settings.get().data_dir / "turns"
    folder.mkdir(parents=True, exist_ok=True)
    with _open(folder / name) as file:
        while not _try_lock(file):
            _wait(0.05, deadline, name)
        try:
            _wait(min(max(_read_timestamp(file) + pause - time.time(), 0.0), pause), deadline, name)
            _write_timestamp(file)  # before the request too, in case this process is killed during it
            yield
            _write_timestamp(file)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _open(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)


def _try_lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_timestamp(file: BinaryIO) -> float:
    file.seek(0)
    try:
        return float(file.read(40) or 0)
    except ValueError:
        return 0.0


def _write_timestamp(file: BinaryIO) -> None:
    file.seek(0)
    file.write(f"{time.time():<24.3f}".encode())


@contextmanager
def _shared_turn(name: str, pause: float, deadline: float) -> Iterator[None]:
    """The turn among all machines, by Redis and its clock. Without Redis there is nothing to wait for."""
    url = settings.get().redis_url
    if not url:
        yield
        return
    store, holder = _store(os.getpid(), url), secrets.token_hex(8)
    try:
        while wait_seconds := store.take_turn(name, holder, pause=pause, lease=LEASE_SECONDS):
            _wait(min(wait_seconds, 1.0), deadline, name)
    except Transient as error:
        raise SourceDown(f"no turn for {name}: {error}", retryable=False) from error
    try:
        yield
    finally:
        try:
            store.end_turn(name, holder)
        except Transient as error:
            log.warning("turn_not_released", source=name, reason=str(error))  # it expires


def _wait(seconds: float, deadline: float, name: str) -> None:
    if time.monotonic() + seconds > deadline:
        raise SourceDown(f"no turn for {name} in time: another process has it", retryable=False)
    time.sleep(seconds)


@cache
def _store(_process: int, url: str) -> redis.RedisStore:
    return redis.connect(url)

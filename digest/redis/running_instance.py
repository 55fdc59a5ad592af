"""Records in DATA_DIR what `digest up` and `digest demo` run on this machine, so that other commands find it.

The demo has a file of its own: it may use the DATA_DIR of an installation, and is none.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from digest.errors import Refused

FILE, DEMO_FILE = "running.json", "running-demo.json"


@dataclass(frozen=True, slots=True)
class RunningInstance:
    """The supervisor's process, the port of its web process, and the Redis that its processes share.

    The process holds a lock on its file, so that a reused process id is not mistaken for it.
    """

    pid: int
    port: int
    redis_url: str


@contextmanager
def recorded_instance(data_dir: Path, *, port: int, redis_url: str, file_name: str = FILE) -> Iterator[None]:
    """Record the instance while the block runs. Where the file cannot be written, other commands don't find it.

    Raises Refused as `require_none` does.
    """
    require_none(data_dir, file_name=file_name)
    file = data_dir / file_name
    descriptor = _write(file, json.dumps(asdict(RunningInstance(os.getpid(), port, redis_url))))
    try:
        yield
    finally:
        if descriptor is not None:
            if _is_same_file(file, descriptor):
                file.unlink(missing_ok=True)
            os.close(descriptor)


def require_none(data_dir: Path, *, file_name: str = FILE) -> None:
    """Raises Refused where an instance runs with that DATA_DIR: two would share a database, but not their Redis."""
    if other := _read_running(data_dir / file_name):
        raise Refused(
            f"already running with DIGEST_DATA_DIR={data_dir} (process {other.pid}, port {other.port}); stop it first"
        )


def find_instance(data_dir: Path) -> RunningInstance | None:
    """The `digest up` that runs with that DATA_DIR; None where none is recorded, or its process has ended."""
    return _read_running(data_dir / FILE)


def _read_running(file: Path) -> RunningInstance | None:
    try:
        with file.open() as stream:
            running = RunningInstance(**json.loads(stream.read()))
            return running if _is_locked(stream.fileno(), running.pid) else None
    except (OSError, ValueError, TypeError):
        return None


def _is_locked(descriptor: int, pid: int) -> bool:
    """True while the process that wrote the file lives; without locks, while there is a process of its number."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
            raise
        return Path(f"/proc/{pid}").exists()
    return False


def _write(file: Path, text: str) -> int | None:
    """Write the file, readable only by its owner because a Redis address may contain a password, and lock it.

    Returns the descriptor that holds the lock, None where the file can't be written.
    """
    temporary_file = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        return None
    try:
        _lock(descriptor)
        os.write(descriptor, text.encode())
        temporary_file.replace(file)
    except OSError:
        os.close(descriptor)
        temporary_file.unlink(missing_ok=True)
        return None
    return descriptor


def _is_same_file(file: Path, descriptor: int) -> bool:
    """False where another instance, which started at the same moment, has replaced the file."""
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _lock(descriptor: int) -> None:
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""Records in DATA_DIR what `digest up` and `digest demo` run on this machine, so that other commands find it.

The demo has a file of its own: it may use the DATA_DIR of an installation, and is none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FILE, DEMO_FILE = "running.json", "running-demo.json"


@dataclass(frozen=True, slots=True)
class RunningInstance:
    """The supervisor's process, the port of its web process, and the Redis that its processes share."""

    pid: int
    port: int
    redis_url: str


@contextmanager
def recorded_instance(data_dir: Path, *, port: int, redis_url: str, file_name: str = FILE) -> Iterator[None]:
    """Record the instance while the block runs. Where the file cannot be written, other commands don't find it."""
    file = data_dir / file_name
    running = RunningInstance(os.getpid(), port, redis_url)
    is_written = _write(file, json.dumps(asdict(running)))
    try:
        yield
    finally:
        if is_written and _read(file) in {running, None}:
            file.unlink(missing_ok=True)


def find_instance(data_dir: Path) -> RunningInstance | None:
    """The `digest up` that runs with that DATA_DIR; None where none is recorded, or its process has ended."""
    return _read(data_dir / FILE)


def _read(file: Path) -> RunningInstance | None:
    try:
        running = RunningInstance(**json.loads(file.read_text()))
        os.kill(running.pid, 0)
    except PermissionError:
        return running  # the process exists and is another user's
    except (OSError, ValueError, TypeError):
        return None
    return running


def _write(file: Path, text: str) -> bool:
    """Write the file readable only by its owner, because a Redis address may contain a password."""
    temporary_file = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary_file.touch(mode=0o600)
        temporary_file.write_text(text)
        temporary_file.replace(file)
    except OSError:
        return False
    return True

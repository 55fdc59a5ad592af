"""What `digest up` and `digest demo` run on this machine, noted in DATA_DIR so that a health check finds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class RunningInstance:
    """The supervisor's process, the port of its web process, and the Redis that its processes share."""

    pid: int
    port: int
    redis_url: str


@contextmanager
def recorded_instance(data_dir: Path, *, port: int, redis_url: str) -> Iterator[None]:
    """Keep the note while the block runs. Where it can't be written, only health checks miss it."""
    file = data_dir / FILE
    running = RunningInstance(os.getpid(), port, redis_url)
    written = _write(file, json.dumps(asdict(running)))
    try:
        yield
    finally:
        if written and find_instance(data_dir) in {running, None}:
            file.unlink(missing_ok=True)


def find_instance(data_dir: Path) -> RunningInstance | None:
    """What runs with that DATA_DIR; None where nothing was noted, or its process is gone."""
    try:
        running = RunningInstance(**json.loads((data_dir / FILE).read_text()))
        os.kill(running.pid, 0)
    except PermissionError:
        return running  # another user's process is there, too
    except (OSError, ValueError, TypeError):
        return None
    return running


def _write(file: Path, text: str) -> bool:
    """Only its owner may read it: a Redis address may hold a password."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o600)
        part.write_text(text)
        part.replace(file)
    except OSError:
        return False
    return True

"""Private temporary folders of backup and restore, of which a killed process leaves nothing for long."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def work_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder in `parent` that is removed at the end, as are those with that prefix that killed processes left.

    They would hold a readable copy of the database. A process locks its own folder for as long as it lives.
    Raises OSError where the folder can't be created.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        descriptor = os.open(name, os.O_RDONLY)
        try:
            if _lock(descriptor):
                _remove_abandoned(parent, prefix)
            yield Path(name)
        finally:
            os.close(descriptor)


def _remove_abandoned(parent: Path, prefix: str) -> None:
    for folder in parent.iterdir():
        if not re.fullmatch(rf"{re.escape(prefix)}[a-z0-9_]{{8}}", folder.name):
            continue
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # no folder, or that of another user
        try:
            if _lock(descriptor):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a folder for this process. False where another process has the lock, or the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

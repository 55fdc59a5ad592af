"""Files of indexes in DATA_DIR, which every process maps: written atomically, outdated ones removed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from digest import logs, settings

log = logs.get(__name__)


def folder() -> Path:
    """Where the files are."""
    return settings.get().data_dir / "indexes"


def write(name: str, content: bytes, *, states: int, max_files: int) -> None:
    """Write a file and remove outdated ones with its suffix; where that fails, each process builds its own index.

    A name is `{subject}-{state}.{suffix}`: of each subject the newest `states` are kept, of all at most `max_files`.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder(), prefix=".", delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(folder() / name)
        _remove_outdated(name, states, max_files)
    except OSError as error:
        log.warning("index_not_stored", file=name, reason=error.strerror or "it cannot be written")


def _remove_outdated(name: str, states: int, max_files: int) -> None:
    """Remove files of other states of the same subject, and the oldest beyond the limit. Open ones stay usable."""
    subject, suffix = name.partition("-")[0], Path(name).suffix
    files = sorted(folder().glob(f"*{suffix}"), key=os.path.getmtime, reverse=True)
    of_subject = [file for file in files if file.name.partition("-")[0] == subject]
    for file in [*of_subject[states:], *files[max_files:]]:
        file.unlink(missing_ok=True)

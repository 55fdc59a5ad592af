"""A file system of a few megabytes that a test can fill."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType

from tests.conftest import not_run


class SmallDisk:
    """A tmpfs at `folder`. Use as a context manager."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder, self._megabytes = folder, megabytes
        self._filler = folder / "filler"

    def __enter__(self) -> SmallDisk:
        self.folder.mkdir(mode=0o755)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m,mode=755", "soak", str(self.folder)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            not_run("a small file system can't be mounted here")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self.folder.rmdir()

    def fill(self) -> None:
        """Take all free space."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                return

    def clear(self) -> None:
        self._filler.unlink(missing_ok=True)

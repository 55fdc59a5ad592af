"""A library that shifts the wall clock of the processes that load it, and takes their name server away."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import not_run


def compile_library(folder: Path) -> Path:
    """Compile `shift.c` into that folder, for LD_PRELOAD."""
    compiler = shutil.which("cc") or not_run("no C compiler to make the clock that steps")
    library, source = folder / "shift.so", Path(__file__).with_name("shift.c")
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return library

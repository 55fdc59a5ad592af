"""What long-lived processes carry: the matching's machine code only where papers are matched."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "modules", ["workers.main", "digest.web.app, digest.web.wiring", "workers.scheduler", "workers.tasks"]
)
def test_a_process_that_matches_nothing_loads_no_machine_code(modules: str) -> None:
    code = f"import sys, {modules}\nprint(*({{'numba', 'llvmlite'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []

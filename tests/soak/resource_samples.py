"""Memory, open files and database size in the course of a run, and how fast they grow."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.simulated_service import SimulatedService
from tests.soak.soak_database import DATABASE_ERRORS


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """`pss`: kB of the process that gets no signal; `all_pss`: of all processes of the service.

    `anonymous`: the part of `pss` that is no file's. The rest changes with the other programs of the machine that map
    the same libraries.
    """

    hours: float
    simulated_days: float
    pss: int
    anonymous: int
    all_pss: int
    files: int
    database_kb: int


@dataclass(slots=True)
class ResourceSamples:
    """Samples of a run."""

    samples: list[ResourceSample] = field(default_factory=list)
    _began_at: float = field(default_factory=time.monotonic)

    def take(self, service: SimulatedService, simulated_days: float) -> None:
        """Take a sample; none while the database does not answer."""
        steady = service.processes["steady"].pids()
        everything = [pid for process in service.processes.values() for pid in process.pids()]
        try:
            size = service.database.size_kb()
        except DATABASE_ERRORS:
            return
        hours = (time.monotonic() - self._began_at) / 3600
        pss, anonymous = (sum(_memory_kb(pid, name) for pid in steady) for name in ("Pss", "Pss_Anon"))
        all_pss, files = sum(_memory_kb(pid, "Pss") for pid in everything), sum(map(_open_files, steady))
        self.samples.append(ResourceSample(hours, simulated_days, pss, anonymous, all_pss, files, size))

    def settled(self) -> Sequence[ResourceSample]:
        """The second half: caches fill in the first, and what runs once a week loads its code."""
        return self.samples[len(self.samples) // 2 :]

    def slope(self, name: str, by: str = "hours") -> float:
        """The growth of a figure in each hour or simulated day, by the least squares."""
        settled = self.settled()
        if len(settled) < 3:
            return 0.0
        return statistics.linear_regression(
            [getattr(sample, by) for sample in settled], [getattr(sample, name) for sample in settled]
        ).slope


def _memory_kb(pid: int, name: str) -> int:
    """A figure of smaps_rollup (proc(5)); 0 for a process that has ended."""
    try:
        match = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(match[1]) if match else 0


def _open_files(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return 0

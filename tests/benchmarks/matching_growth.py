"""The matching benchmark by sizes, each in a process of its own that reads compiled profiles, as workers do."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from digest.matching.engine import profile_store_file
from digest.matching.engine.profile_store import ProfileStore
from digest.papers import Record
from tests.benchmarks import crowd
from tests.benchmarks.matching_world import DAYS, MatchingWorld, memory, run

PROFILES, PAPERS = (10_000, 100_000, 1_000_000), (1000, 5000, 20_000)


def store_files(folder: Path, store: ProfileStore, *, taus: Sequence[int] = (), records: Sequence[Record] = ()) -> None:
    """Write profiles, their thresholds, and papers, oldest first; empty lists are not written."""
    if len(store.record):
        (folder / f"{len(store.record)}").write_bytes(profile_store_file.to_bytes(store))
    if len(taus):
        np.save(folder / "taus.npy", np.asarray(taus))
    if records:
        (folder / "papers").write_bytes(pickle.dumps(list(records)))


def size(folder: Path, profiles: int, papers: int) -> dict[str, float]:
    """One size: the better of two days by stage, and the memory before and at the peak."""
    idle = memory()
    records = pickle.loads((folder / "papers").read_bytes())[-papers:]
    world = MatchingWorld(records, [], store=profile_store_file.read(folder / f"{profiles}")[0])
    world.make_ready()
    world.taus = np.load(folder / "taus.npy")[:profiles]
    figures: dict[str, float] = {"profiles": profiles, "papers": papers, **world.figures}
    for name, taus in (("strict", None), ("close", world.taus)):
        runs = [run(world, taus) for _ in range(2)]
        figures |= {f"{name}: {stage}": min(measured_run[stage] for measured_run in runs) for stage in runs[0]}
    return figures | {"idle memory": idle, "peak memory": memory()}


def measure_in_process(folder: Path, profiles: int, papers: int) -> dict[str, float]:
    """One size, by another process."""
    command = [sys.executable, "-m", "tests.benchmarks.matching", str(folder), "--size", str(profiles), str(papers)]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return figures


def grow(corpus: Path) -> Iterator[dict[str, float]]:
    """Every size. The largest crowd is compiled once; the smaller ones are its first profiles."""
    with TemporaryDirectory() as folder:
        compile_seconds = _compile(corpus, Path(folder))
        sizes = [(profiles, PAPERS[0]) for profiles in PROFILES] + [(PROFILES[1], papers) for papers in PAPERS[1:]]
        for profiles, papers in sizes:
            yield measure_in_process(Path(folder), profiles, papers) | {"profiles: compile": compile_seconds[profiles]}


def _compile(corpus: Path, folder: Path) -> dict[int, float]:
    """Write files of the first profiles of a crowd. Returns the CPU seconds of compiling so many."""
    cpu_seconds, seconds = 0.0, {}
    with crowd.profiles_in_process(corpus, PROFILES[-1], PAPERS[0], PAPERS[-1] - PAPERS[0]) as (records, profiles):
        world = MatchingWorld(records[-PAPERS[0] :], records[-PAPERS[0] - 1000 * DAYS : -PAPERS[0]])
        for number, profile in enumerate(profiles, 1):
            started = process_time()
            world.store.add(profile)
            cpu_seconds += process_time() - started
            if number in PROFILES:
                store_files(folder, world.store, records=records)
                seconds[number] = cpu_seconds
    world.make_ready()
    world.calibrate()
    store_files(folder, ProfileStore(), taus=world.taus)
    return seconds

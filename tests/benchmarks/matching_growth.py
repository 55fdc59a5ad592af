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
from tests.benchmarks.matching_world import DAYS, World, memory, run

PROFILES, PAPERS = (10_000, 100_000, 1_000_000), (1000, 5000, 20_000)


def keep(folder: Path, store: ProfileStore, *, taus: Sequence[int] = (), records: Sequence[Record] = ()) -> None:
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
    world = World(records, [], store=profile_store_file.read(folder / f"{profiles}")[0])
    world.make_ready()
    world.taus = np.load(folder / "taus.npy")[:profiles]
    found: dict[str, float] = {"profiles": profiles, "papers": papers, **world.figures}
    for name, taus in (("strict", None), ("close", world.taus)):
        runs = [run(world, taus) for _ in range(2)]
        found |= {f"{name}: {stage}": min(one[stage] for one in runs) for stage in runs[0]}
    return found | {"idle memory": idle, "peak memory": memory()}


def measured(folder: Path, profiles: int, papers: int) -> dict[str, float]:
    """One size, by another process."""
    command = [sys.executable, "-m", "tests.benchmarks.matching", str(folder), "--size", str(profiles), str(papers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def grow(corpus: Path) -> Iterator[dict[str, float]]:
    """Every size. The largest crowd is compiled once; the smaller ones are its first profiles."""
    with TemporaryDirectory() as folder:
        spent = _compile(corpus, Path(folder))
        sizes = [(profiles, PAPERS[0]) for profiles in PROFILES] + [(PROFILES[1], papers) for papers in PAPERS[1:]]
        for profiles, papers in sizes:
            yield measured(Path(folder), profiles, papers) | {"profiles: compile": spent[profiles]}


def _compile(corpus: Path, folder: Path) -> dict[int, float]:
    """Write files of the first profiles of a crowd. Returns the CPU seconds of compiling so many."""
    spent, seconds = 0.0, {}
    with crowd.apart(corpus, PROFILES[-1], PAPERS[0], PAPERS[-1] - PAPERS[0]) as (records, made):
        world = World(records[-PAPERS[0] :], records[-PAPERS[0] - 1000 * DAYS : -PAPERS[0]])
        for number, profile in enumerate(made, 1):
            started = process_time()
            world.store.add(profile)
            spent += process_time() - started
            if number in PROFILES:
                keep(folder, world.store, records=records)
                seconds[number] = spent
    world.make_ready()
    world.calibrate()
    keep(folder, ProfileStore(), taus=world.taus)
    return seconds

"""A crowd compiled, and a day matched for all of them: what the matching benchmark measures."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np

from digest.matching.engine.engine_matcher import EngineMatcher, PaperFacts
from digest.matching.engine.paper_index import build_index
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.profile import Profile
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.papers import Record
from digest.services.selection import engine_warmup
from tests.benchmarks import crowd

DAYS = 14
SHARD = 10_000  # subscribers of a shard, as in workers


@dataclass(slots=True)
class MatchingWorld:
    """A crowd compiled, and the papers: those of the day, and those of the announcements before it."""

    day: list[Record]
    before: list[Record]
    profiles: list[Profile] = field(default_factory=list)
    store: ProfileStore = field(default_factory=ProfileStore)
    weights: Weights = field(default_factory=lambda: Weights(word_counts.prior()))
    taus: Sequence[int] = ()
    figures: dict[str, float] = field(default_factory=dict)

    def make_ready(self) -> None:
        """The work that is done once after profiles changed."""
        engine_warmup.compile_all()  # loads the machine code
        started = process_time()
        self.store.compile()
        self.store.idf(self.weights)
        self.figures["profiles: make ready"] = process_time() - started

    def calibrate(self) -> None:
        """Compute all thresholds, in a process of its own so that its memory is not counted for the day."""
        with get_context("fork").Pool(1, _remember, (self,)) as aside:
            self.taus, self.figures["weekly: calibrate"] = aside.apply(calibrated)


def prepare(corpus: Path, profiles: int, papers: int = 1000, keep: int = 0) -> MatchingWorld:
    """Read, compile and calibrate; `keep`: how many profiles stay as they were typed."""
    with crowd.profiles_in_process(corpus, profiles, papers, 1000 * DAYS) as (records, crowd_profiles):
        world = MatchingWorld(records[-papers:], records[:-papers])
        cpu_seconds = 0.0
        for number, profile in enumerate(crowd_profiles):
            if number < keep:
                world.profiles.append(profile)
            started = process_time()
            world.store.add(profile)
            cpu_seconds += process_time() - started
    world.figures["profiles: compile"] = cpu_seconds
    world.make_ready()
    world.calibrate()
    return world


_world: list[MatchingWorld] = []


def _remember(world: MatchingWorld) -> None:
    _world[:] = [world]


def calibrated() -> tuple[Sequence[int], float]:
    """The threshold of every profile from the announcements before, and the CPU seconds."""
    world = _world[0]
    parts = [
        build_index([(number, record) for number, record in enumerate(world.before[start : start + 1000], start)])
        for start in range(0, len(world.before), 1000)
    ]
    started = process_time()
    matcher = EngineMatcher(world.store, parts, world.weights)
    facts = PaperFacts(np.repeat(np.arange(DAYS), 1000), np.zeros(len(world.before), np.int32))
    return np.array(matcher.thresholds(facts), np.int64), process_time() - started


def run(world: MatchingWorld, taus: Sequence[int] | None) -> dict[str, float]:
    """CPU seconds of each stage for the day, shard by shard; without thresholds close matches are off."""
    times = [process_time()]
    index = build_index(list(enumerate(world.day)))
    times.append(process_time())
    matcher = EngineMatcher(world.store, [index], world.weights)
    times.append(process_time())
    size, rows = len(world.day), len(world.store.record)
    facts = PaperFacts(np.ones(size, np.int64), np.zeros(size, np.int32))
    first_hits = hits = 0
    for start in range(0, rows, SHARD):
        shard = range(start, min(start + SHARD, rows))
        shard_taus = None if taus is None else taus[start : start + SHARD]
        match_results = matcher.match(facts, rows=shard, taus=shard_taus, explain=False, close=taus is not None)
        first_hits += int(match_results.arrays.rows["first"][-1])
        hits += int(match_results.arrays.rows["total"].sum())
    times.append(process_time())
    stages = dict(zip(("index", "join and weigh", "kernel"), np.diff(times).tolist(), strict=True))
    return {**stages, "all": times[-1] - times[0], "told": first_hits / rows, "hits": hits / rows}


def memory() -> float:
    """The peak memory of this process, in MB: as Linux reports it, elsewhere including that of its parent."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return (peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024

"""Many readers' profiles against a day's papers: ours, PostgreSQL, SQLite's FTS5, a loop.

`python -m tests.benchmarks.matching SHARED [--profiles N] [--rounds N] [--growth]`. CPU seconds of one thread. Ours is
the day's index, joined and matched; what belongs to the profiles (compiling, making ready) and to the week (thresholds)
stands apart. Peers ask for each profile on its own; they are timed on the first ones, their time is multiplied.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np

from digest.matching import calibrate
from digest.matching.engine import ALL, Facts, Matcher
from digest.matching.index import build
from digest.matching.profile import Profile
from digest.matching.store import Store
from digest.matching.weights import Weights
from digest.papers import Record
from digest.services import warming
from tests.benchmarks import crowd, matching_peers
from tests.benchmarks.matching_plot import draw
from tests.benchmarks.report import Report
from tests.servers import Postgres

PEER, FTS, LOOP = 1000, 5000, 4  # profiles that peers are timed on
DAYS = 14
SHARD = 10_000  # readers of a shard, as workers take them
PLOT = Path("docs/matching.svg")
PROFILES, PAPERS = (10_000, 100_000, 1_000_000), (1000, 5000, 20_000)
MILLION = 1_000_000


@dataclass(slots=True)
class World:
    """A crowd compiled, and the papers: those of the day, and those of the announcements before it."""

    day: list[Record]
    before: list[Record]
    profiles: list[Profile] = field(default_factory=list)
    store: Store = field(default_factory=Store)
    weights: Weights = field(default_factory=lambda: Weights(calibrate.prior()))
    taus: Sequence[int] = ()
    figures: dict[str, float] = field(default_factory=dict)


def prepare(corpus: Path, profiles: int, papers: int = 1000, keep: int = 0) -> World:
    """Read, compile and calibrate; `keep`: how many profiles stay as they were typed."""
    with crowd.apart(corpus, profiles, papers, 1000 * DAYS) as (records, made):
        world = World(records[-papers:], records[:-papers])
        spent = 0.0
        for number, profile in enumerate(made):
            if number < keep:
                world.profiles.append(profile)
            started = process_time()
            world.store.add(profile)
            spent += process_time() - started
    world.figures["profiles: compile"] = spent
    warming.match_something()  # loads the machine code
    started = process_time()
    world.store.ready()
    world.store.idf(world.weights)
    world.figures["profiles: make ready"] = process_time() - started
    with get_context("fork").Pool(1, _remember, (world,)) as aside:  # a task of its own, so its memory is not the day's
        world.taus, world.figures["weekly: calibrate"] = aside.apply(calibrated)
    return world


_world: list[World] = []


def _remember(world: World) -> None:
    _world[:] = [world]


def calibrated() -> tuple[Sequence[int], float]:
    """Everybody's threshold from the announcements before, and its CPU seconds."""
    world = _world[0]
    parts = [
        build([(number, record) for number, record in enumerate(world.before[at : at + 1000], at)])
        for at in range(0, len(world.before), 1000)
    ]
    started = process_time()
    matcher = Matcher(world.store, parts, world.weights)
    facts = Facts(np.repeat(np.arange(DAYS), 1000), np.zeros(len(world.before), np.int32))
    return np.array(matcher.thresholds(facts), np.int64), process_time() - started


def run(world: World, taus: Sequence[int] | None) -> dict[str, float]:
    """CPU seconds of each stage for the day, shard by shard; without thresholds close matches are off."""
    times = [process_time()]
    index = build(list(enumerate(world.day)))
    times.append(process_time())
    matcher = Matcher(world.store, [index], world.weights)
    times.append(process_time())
    size, rows = len(world.day), len(world.store.record)
    facts = Facts(np.ones(size, np.int64), np.zeros(size, np.int32))
    told = hits = 0
    for at in range(0, rows, SHARD):
        shard = range(at, min(at + SHARD, rows))
        some = None if taus is None else taus[at : at + SHARD]
        answers = matcher.match(facts, rows=shard, taus=some, explain=False, close=taus is not None)
        told += int(answers.found.rows["first"][-1])
        hits += int(answers.found.rows["total"].sum())
    times.append(process_time())
    stages = dict(zip(("index", "join and weigh", "kernel"), np.diff(times).tolist(), strict=True))
    return {**stages, "all": times[-1] - times[0], "told": told / rows, "hits": hits / rows}


def traversed(world: World) -> str:
    """How much of the day's postings and pairs is looked at at all."""
    matcher = Matcher(world.store, [build(list(enumerate(world.day)))], world.weights)
    words, size = matcher.weighed.words, np.diff(matcher.weighed.words["at"])
    heads, at = matcher.book.stream, matcher.book.record[:SHARD]
    begin = at + 1 + (heads[at] >> 8)
    heard = [heads[b + 1 : b + 1 + heads[b]] >> 6 for b in begin]
    asked = float(np.mean([size[some].sum() for some in heard]))
    single = float(np.mean([size[some][words["row"][:-1][some] == 0].sum() for some in heard]))
    pairs = asked / len(world.day)
    return (
        f"a profile's words have {asked:,.0f} postings ({pairs:.2f} a paper); {single / asked:.1%} of them are walked,"
        " the others lie in rows of common words, added 8 papers at a time, where something holds or may be close"
    )


def agreement(world: World, postgres: matching_peers.Postgres) -> str:
    """How far PostgreSQL's pairs of profile and paper are ours."""
    facts = Facts(np.ones(len(world.day), np.int64), np.zeros(len(world.day), np.int32))
    matcher = Matcher(world.store, [build(list(enumerate(world.day)))], world.weights)
    answers = matcher.match(facts, rows=range(PEER), mode=ALL, close=False)
    ours = {(row, paper) for row in range(PEER) if not world.profiles[row].authors for paper in answers.papers(row)}
    theirs = {(row, paper) for row, paper in postgres.found() if not world.profiles[row].authors}
    both = len(ours & theirs)
    return f"of {len(theirs)} matches of PostgreSQL's {both / len(theirs):.1%} are ours, of ours {both / len(ours):.1%}"


def compare(world: World, rounds: int, profiles: int) -> Report:
    """Ours and the peers in turn."""
    report = Report("matching" if profiles < MILLION else "matching-million")
    print(f"{profiles:,} profiles, {len(world.day):,} papers; {traversed(world)}")
    print(f"PostgreSQL and FTS5 are timed on the first {PEER:,} and {FTS:,} profiles, loops on {LOOP}")
    with Postgres() as server:
        postgres = matching_peers.Postgres(server.empty_database(), world.profiles[:PEER], world.day)
        fts = matching_peers.Fts5(world.day)
        print(postgres.plan("query"), "\n", agreement(world, postgres))
        for _ in range(rounds):
            _round(report, world, postgres, fts, profiles)
    for name, goal in (("PostgreSQL", 40 if profiles < MILLION else 100), ("loop", 3000), ("FTS5", 1)):
        report.ratio(f"{name}, strict", "ours, strict", goal=goal)
    report.ratio("PostgreSQL, close", "ours, close", goal=40)
    return report


def _round(
    report: Report, world: World, postgres: matching_peers.Postgres, fts: matching_peers.Fts5, profiles: int
) -> None:
    for name, taus in (("strict", None), ("close", world.taus)):
        for stage, value in run(world, taus).items():
            told = stage in {"told", "hits"}
            shown = f"ours, {name}" if stage == "all" else f"{name}: {stage}"
            report.add(shown, "a profile" if told else "s", value)
        query = "query" if name == "strict" else "bag"
        report.add(f"PostgreSQL, {name}", "s", postgres.seconds(query) * profiles / PEER)
    report.add("FTS5, strict", "s", fts.seconds(world.profiles[:FTS]) * profiles / FTS)
    times = profiles / LOOP
    report.add("loop, strict", "s", times * matching_peers.loop(world.profiles[:LOOP], world.day, world.weights, 2**40))
    report.add("substrings, strict", "s", times * matching_peers.substrings(world.profiles[:LOOP], world.day))


def grow(corpus: Path) -> Iterator[dict[str, float]]:
    """Each size in a process of its own: its times and its peak memory."""
    sizes = [(profiles, PAPERS[0]) for profiles in PROFILES] + [(PROFILES[1], papers) for papers in PAPERS[1:]]
    for profiles, papers in sizes:
        command = [sys.executable, "-m", "tests.benchmarks.matching", str(corpus)]
        done = subprocess.run([*command, "--size", str(profiles), str(papers)], check=True, stdout=subprocess.PIPE)
        yield json.loads(done.stdout.splitlines()[-1])


def size(corpus: Path, profiles: int, papers: int) -> dict[str, float]:
    """One size: the better of two days by stage, and the peak memory."""
    idle = memory()
    world = prepare(corpus, profiles, papers)
    found: dict[str, float] = {"profiles": profiles, "papers": papers, **world.figures}
    for name, taus in (("strict", None), ("close", world.taus)):
        runs = [run(world, taus) for _ in range(2)]
        found |= {f"{name}: {stage}": min(one[stage] for one in runs) for stage in runs[0]}
    return found | {"idle memory": idle, "peak memory": memory()}


def memory() -> float:
    """The most that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """One size only, the growth, or the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="10,000 to 1,000,000 profiles, 1,000 to 20,000 papers")
    parser.add_argument("--size", type=int, nargs=2, metavar=("PROFILES", "PAPERS"), help="one size, as JSON")
    asked = parser.parse_args()
    corpus = asked.shared / "data" / "corpus.jsonl.xz" if asked.shared.is_dir() else asked.shared
    if asked.size:
        print(json.dumps(size(corpus, *asked.size)))
        return
    if asked.growth:
        sizes = []
        for one in grow(corpus):
            print(json.dumps(one), flush=True)
            sizes.append(one)
        PLOT.write_text(draw(sizes), encoding="utf-8")
        return
    world = prepare(corpus, asked.profiles, keep=max(PEER, FTS))
    report = compare(world, asked.rounds, asked.profiles)
    for name, value in world.figures.items():
        report.add(name, "s", value)
    report.add("peak memory", "MB", memory())
    report.write(rounds=asked.rounds)


if __name__ == "__main__":
    main()

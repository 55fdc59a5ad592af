"""Many profiles against a day's papers: ours, PostgreSQL, SQLite's FTS5, a loop.

`python -m tests.benchmarks.matching SHARED [--profiles N] [--rounds N] [--growth]`. CPU seconds of one thread. Ours is
the day's index, joined and matched; what belongs to the profiles (compiling, making ready) and to the week (thresholds)
stands apart. Peers ask for each profile on its own; they are timed on the first ones, their time is multiplied.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from digest.matching.engine.engine_matcher import ALL, EngineMatcher, PaperFacts
from digest.matching.engine.paper_index import build_index
from digest.matching.kernel.array_layout import FLAG_BITS
from tests.benchmarks import matching_peers
from tests.benchmarks.matching_growth import grow, measure_in_process, size, store_files
from tests.benchmarks.matching_plot import draw
from tests.benchmarks.matching_world import SHARD, MatchingWorld, memory, prepare, run
from tests.benchmarks.report import Report
from tests.servers import Postgres

PEER, FTS, LOOP = 1000, 5000, 4  # profiles that peers are timed on
PLOT = Path("docs/matching.svg")
MILLION = 1_000_000


def postings_line(world: MatchingWorld) -> str:
    """The share of the day's postings and pairs that is examined."""
    matcher = EngineMatcher(world.store, [build_index(list(enumerate(world.day)))], world.weights)
    words, size = matcher.impacts.words, np.diff(matcher.impacts.words["at"])
    heads, starts = matcher.compiled.stream, matcher.compiled.record[:SHARD]
    begin = starts + 1 + (heads[starts] >> FLAG_BITS)
    posting_lists = [heads[b + 1 : b + 1 + heads[b]] >> 6 for b in begin]
    postings = float(np.mean([size[posting_list].sum() for posting_list in posting_lists]))
    single = float(
        np.mean([size[posting_list][words["row"][:-1][posting_list] == 0].sum() for posting_list in posting_lists])
    )
    pairs = postings / len(world.day)
    return (
        f"a profile's words have {postings:,.0f} postings ({pairs:.2f} a paper); "
        f"{single / postings:.1%} of them are walked, "
        "the others lie in rows of common words, added 64 papers at a time, where something holds or may be close"
    )


def agreement(world: MatchingWorld, postgres: matching_peers.PostgresSearch) -> str:
    """How far PostgreSQL's pairs of profile and paper agree with ours."""
    facts = PaperFacts(np.ones(len(world.day), np.int64), np.zeros(len(world.day), np.int32))
    matcher = EngineMatcher(world.store, [build_index(list(enumerate(world.day)))], world.weights)
    match_results = matcher.match(facts, rows=range(PEER), mode=ALL, close=False)
    engine_matches = {
        (row, paper) for row in range(PEER) if not world.profiles[row].authors for paper in match_results.papers(row)
    }
    postgres_matches = {(row, paper) for row, paper in postgres.matches() if not world.profiles[row].authors}
    both = len(engine_matches & postgres_matches)
    return (
        f"of {len(postgres_matches)} matches of PostgreSQL's {both / len(postgres_matches):.1%} are ours, "
        f"of ours {both / len(engine_matches):.1%} are PostgreSQL's"
    )


def compare(world: MatchingWorld, rounds: int, profiles: int) -> Report:
    """Ours and the peers in turn."""
    report = Report("matching" if profiles < MILLION else "matching-million")
    print(f"{profiles:,} profiles, {len(world.day):,} papers; {postings_line(world)}")
    print(f"PostgreSQL and FTS5 are timed on the first {PEER:,} and {FTS:,} profiles, loops on {LOOP}")
    with Postgres() as server:
        postgres = matching_peers.PostgresSearch(server.empty_database(), world.profiles[:PEER], world.day)
        fts = matching_peers.Fts5(world.day)
        print(postgres.plan("query"), "\n", agreement(world, postgres))
        for _ in range(rounds):
            _round(report, world, postgres, fts, profiles)
    for name, goal in (("PostgreSQL", 40 if profiles < MILLION else 100), ("loop", 3000), ("FTS5", 1)):
        report.ratio(f"{name}, strict", "ours, strict", minimum_ratio=goal)
    report.ratio("PostgreSQL, close", "ours, close", minimum_ratio=40)
    return report


def _round(
    report: Report,
    world: MatchingWorld,
    postgres: matching_peers.PostgresSearch,
    fts: matching_peers.Fts5,
    profiles: int,
) -> None:
    for name, taus in (("strict", None), ("close", world.taus)):
        for stage, value in run(world, taus).items():
            per_profile = stage in {"told", "hits"}
            label = f"ours, {name}" if stage == "all" else f"{name}: {stage}"
            report.add(label, "a profile" if per_profile else "s", value)
        query = "query" if name == "strict" else "bag"
        report.add(f"PostgreSQL, {name}", "s", postgres.seconds(query) * profiles / PEER)
    report.add("FTS5, strict", "s", fts.seconds(world.profiles[:FTS]) * profiles / FTS)
    times = profiles / LOOP
    report.add("loop, strict", "s", times * matching_peers.loop(world.profiles[:LOOP], world.day, world.weights, 2**40))
    report.add("substrings, strict", "s", times * matching_peers.substrings(world.profiles[:LOOP], world.day))


def main() -> None:
    """One size only, the growth, or the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="10,000 to 1,000,000 profiles, 1,000 to 20,000 papers")
    parser.add_argument("--size", type=int, nargs=2, metavar=("PROFILES", "PAPERS"), help="one size of a kept world")
    options = parser.parse_args()
    if options.size:
        print(json.dumps(size(options.shared, *options.size)))
        return
    corpus = options.shared / "data" / "corpus.jsonl.xz" if options.shared.is_dir() else options.shared
    if options.growth:
        sizes = []
        for figures in grow(corpus):
            print(json.dumps(figures), flush=True)
            sizes.append(figures)
        PLOT.write_text(draw(sizes), encoding="utf-8")
        return
    world = prepare(corpus, options.profiles, keep=max(PEER, FTS))
    report = compare(world, options.rounds, options.profiles)
    for name, value in world.figures.items():
        report.add(name, "s", value)
    report.add("memory: compiled and matched", "MB", memory())
    with TemporaryDirectory() as folder:  # a process that reads the compiled profiles, and matches
        store_files(Path(folder), world.store, taus=world.taus, records=world.day)
        in_own_process = measure_in_process(Path(folder), options.profiles, len(world.day))
    report.add("memory: only matched", "MB", in_own_process["peak memory"])
    report.add("memory: before", "MB", in_own_process["idle memory"])
    report.write(rounds=options.rounds)


if __name__ == "__main__":
    main()

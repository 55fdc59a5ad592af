"""Daily runs for many subscribers: editions are chosen, stored and queued by the real services.

    python -m tests.benchmarks.pipeline SHARED [--readers 20000] [--database sqlite|postgresql] [--workers 2]

Real announcements of the replay (16 of them, the last is the first day; one more is the next day), subscribers with
topics as people typed them and phrases of titles, the popular ones often (Zipf), all due at one slot. Worker processes
do what the freeze task does. `first day`: every profile is compiled and, without --calibrate, its threshold made;
`next day`: an ordinary one. Phases: `index` (once the papers are stored), `plan` (the scheduler's), `freeze` (chosen,
frozen, queued). Seconds are wall-clock time; `cpu` is the workers' alone, then by stage; `peak` is the largest worker's
memory, `idle` before it matched anything.
Goals: 20,000 subscribers on SQLite in 5 s, 1,000,000 on PostgreSQL in 60 s. A million takes about a quarter of an hour
on two cores: five minutes to generate and store the subscribers, five to ten for the first day.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.benchmarks.report import Report

DAYS = {"first day": date(2025, 9, 29), "next day": date(2025, 9, 30)}
DAY = DAYS["first day"]
SLOT = datetime(2025, 9, 29, 7, tzinfo=UTC)
SEED = 20250929
GOALS = {"sqlite": (20_000, 5.0), "postgresql": (1_000_000, 60.0)}
CHUNK = 20_000
STAGES = ("read", "compile", "keep compiled", "read index", "join", "calibrate", "match", "write", "store")


def main() -> None:
    """Fill a database, then run the phases; or be one of the workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--database", choices=sorted(GOALS), default="sqlite")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--calibrate", action="store_true", help="calibrate first, as each week: minutes for 20,000 subscribers"
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(*map(int, options.worker.split("/")))
        return
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ |= {"DIGEST_DATA_DIR": folder, "DIGEST_SECRET_KEY": "a key for benchmarks of at least 32 bytes"}
        os.environ.setdefault("NUMBA_CACHE_DIR", str(Path("build/kernel").resolve()))
        if options.database == "postgresql":
            from tests.servers import Postgres

            server = stack.enter_context(Postgres(durable=True))
            os.environ["DIGEST_DATABASE_URL"] = server.empty_database()
        started_at = time.perf_counter()
        fill(options.shared, options.readers)
        print(f"{options.readers} subscribers stored in {time.perf_counter() - started_at:.0f} s", flush=True)
        measure(options.shared, options.database, options.workers, options.readers, calibrated=options.calibrate)


def measure(shared: Path, database: str, workers: int, subscribers: int, *, calibrated: bool) -> None:
    """Run the phases one after another, in worker processes that live through all of them."""
    from digest.db.core.engine import reading
    from digest.db.outbox import deliveries

    report = Report(f"pipeline-{database}-{subscribers}")
    workers_started = [_WorkerProcess(number, workers) for number in range(workers)]
    report.add(
        "idle",
        "MB",
        max(figures["idle"] for figures in [hand.wait() for hand in [hand.start("warm") for hand in workers_started]]),
    )
    for name, day in DAYS.items():
        if day != DAY:
            store_days(shared, day, day)
        started_at = time.perf_counter()
        prepare(day)
        report.add(f"{name}, index", "s", time.perf_counter() - started_at)
        if day == DAY and calibrated:
            started_at = time.perf_counter()
            results = [hand.wait() for hand in [hand.start("calibrate") for hand in workers_started]]
            report.add("calibrate, weekly", "s", time.perf_counter() - started_at)
            report.add("calibrate, weekly cpu", "s", sum(figures["cpu"] for figures in results))
        started_at = time.perf_counter()
        plan(day)
        report.add(f"{name}, plan", "s", time.perf_counter() - started_at)
        started_at = time.perf_counter()
        results = [hand.wait() for hand in [hand.start(name) for hand in workers_started]]
        report.add(f"{name}, freeze", "s", time.perf_counter() - started_at)
        report.add(f"{name}, freeze cpu", "s", sum(figures["cpu"] for figures in results))
        report.add(f"{name}, peak", "MB", max(figures["peak"] for figures in results))
        for stage in STAGES:
            report.add(f"{name}, {stage}", "s", sum(figures[stage] for figures in results))
    for worker in workers_started:
        worker.stop()
    with reading() as session:
        queued = sum(deliveries.count_by_state(session).values())
    report.add("queued", "mails", queued)
    report.write(rounds=1)
    goal = GOALS[database]
    if subscribers == goal[0]:
        print(f"next day, plan and freeze: goal {goal[1]:.0f} s")


class _WorkerProcess:
    """One worker process."""

    def __init__(self, number: int, workers: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.pipeline", "--worker", f"{number}/{workers}"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, phase: str) -> _WorkerProcess:
        assert self._process.stdin is not None
        self._process.stdin.write(phase + "\n")
        self._process.stdin.flush()
        return self

    def wait(self) -> dict[str, float]:
        assert self._process.stdout is not None
        while not (line := self._process.stdout.readline()).startswith("{"):
            if not line:
                raise SystemExit("a worker ended")
        figures: dict[str, float] = json.loads(line)
        return figures

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def worker(number: int, workers: int) -> None:
    """Do each phase that is named on standard input: this worker's share of it."""
    import time_machine

    cpu_by_stage = watch()
    for line in sys.stdin:
        name, cpu, idle = line.strip(), time.process_time(), _peak()
        cpu_by_stage.update(dict.fromkeys(STAGES, 0.0))
        if name == "warm":
            warm()
        elif name == "calibrate":
            with time_machine.travel(slot_of(DAY), tick=True):
                calibrate(number, workers)
        else:
            with time_machine.travel(slot_of(DAYS[name]), tick=True):
                freeze(number, workers)
        print(json.dumps({"cpu": time.process_time() - cpu, "idle": idle, "peak": _peak(), **cpu_by_stage}), flush=True)


def slot_of(day: date) -> datetime:
    """The instant of that day's slot."""
    return SLOT + (day - DAY)


def stage_functions() -> dict[str, list[Callable[..., Any]]]:
    """The functions of each stage; imported here, as `idle` counts the memory of what is loaded."""
    from digest.db.subscribers import subscribers
    from digest.matching.engine.engine_matcher import EngineMatcher
    from digest.matching.engine.profile_store import ProfileStore
    from digest.services.catalog import day_indexes
    from digest.services.runs import build_editions
    from digest.services.selection import selector
    from digest.services.selection.compiled_profiles import CompiledProfileCache
    from digest.services.selection.engine_backend import _RequestBatch

    return {
        "read": [build_editions._due_subscribers, subscribers.profiles, selector.sent_papers_before],
        "compile": [CompiledProfileCache.rows_of, CompiledProfileCache.read, ProfileStore.add],
        "keep compiled": [CompiledProfileCache.save],
        "read index": [day_indexes.index_of_day, day_indexes.rising_index],
        "join": [CompiledProfileCache.matcher],
        "calibrate": [EngineMatcher.thresholds],
        "match": [EngineMatcher.match],
        "write": [_RequestBatch._write_entries],
        "store": [build_editions._write_shard],
    }


def watch() -> dict[str, float]:
    """Sum the CPU of each stage's functions from now on, without that of nested stages."""
    cpu_by_stage = dict.fromkeys(STAGES, 0.0)
    nested_seconds = [0.0]
    for stage, functions in stage_functions().items():
        for function in functions:
            *path, name = function.__qualname__.split(".")
            holder: Any = sys.modules[function.__module__]
            for part in path:
                holder = getattr(holder, part)
            setattr(holder, name, _timed(function, stage, cpu_by_stage, nested_seconds))
    return cpu_by_stage


def _timed(
    function: Callable[..., Any], stage: str, cpu_by_stage: dict[str, float], nested_seconds: list[float]
) -> Callable[..., Any]:
    def timed(*arguments: Any, **more: Any) -> Any:
        nested_seconds.append(0.0)
        started_at = time.process_time()
        try:
            return function(*arguments, **more)
        finally:
            elapsed = time.process_time() - started_at
            cpu_by_stage[stage] += elapsed - nested_seconds.pop()
            nested_seconds[-1] += elapsed

    return timed


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def warm() -> None:
    """Load the modules that a worker has loaded which ran yesterday."""
    from digest.services.runs import build_editions
    from digest.services.selection import engine_loader

    assert build_editions
    engine_loader.engine()


def prepare(day: date) -> None:
    """What is done once the day's papers are stored."""
    import time_machine

    from digest.services.selection import selector

    with time_machine.travel(slot_of(day), tick=True):
        selector.prepare_engine()


def plan(day: date) -> None:
    """The scheduler's part."""
    import time_machine

    from digest.queues import NoQueue
    from digest.services.runs import run_planning as planning

    with time_machine.travel(slot_of(day), tick=True):
        planning.plan_due(NoQueue())


def calibrate(number: int, workers: int) -> None:
    """Calibrate this worker's share of the parts."""
    from digest.db.core.engine import reading
    from digest.db.subscribers import threshold_store
    from digest.services.runs import calibration_job

    epoch = calibration_job.due_parts().epoch_id
    with reading() as session:
        parts = threshold_store.uncalibrated_parts(session, epoch, calibration_job.PROFILES_PER_PART, 1_000_000)
    for first, last in parts:
        if first // calibration_job.PROFILES_PER_PART % workers == number:
            calibration_job.calibrate_part(epoch, first, last)


def freeze(number: int, workers: int) -> None:
    """Freeze this worker's share of the shards."""
    from digest.db.core.engine import reading
    from digest.db.runs import runs as store
    from digest.services.runs import build_editions

    with reading() as session:
        shards = store.open_shards(session)
    for run_id, shard in shards:
        if shard % workers == number:
            assert build_editions.build_shard(run_id, shard)


def fill(shared: Path, subscribers: int) -> None:
    """Store the announcements up to the day, and subscribers who have seen all but the last."""
    from digest.db.core import schema_migration
    from digest.db.core.dialect import insert_missing
    from digest.db.core.engine import reading, transaction
    from digest.db.papers import papers as store
    from digest.models import ProfileVersion, Subscriber

    schema_migration.upgrade()
    records = store_days(shared, date.min, DAY)
    with reading() as session:
        seen_through = store.newest_batch(session) - 1
    profiles = crowd(shared, records)
    for start in range(0, subscribers, CHUNK):
        numbers = range(start + 1, min(start + CHUNK, subscribers) + 1)
        with transaction() as session:
            insert_missing(session, Subscriber, [_subscriber_row(number, seen_through) for number in numbers])
            rows = [
                {"id": n, "subscriber_id": n, "number": 1, "created_at": SLOT, "profile": profile}
                for n, profile in zip(numbers, profiles, strict=False)
            ]
            insert_missing(session, ProfileVersion, rows)


def store_days(shared: Path, first: date, last: date) -> list[Any]:
    """Store the announcements of these days, one paper in 25 with votes."""
    from digest.papers import ListedPaper, ParsedDocument
    from digest.services.ingestion.import_document import store_document

    rng, records = Random(SEED), []
    for day, records_of_day in announcements(shared, first, last):
        votes = [(("upvotes", rng.randint(1, 80)),) if rng.random() < 0.04 else () for _ in records_of_day]
        listed_papers = tuple(
            ListedPaper(record, "new", each) for record, each in zip(records_of_day, votes, strict=True)
        )
        store_document("jsonl", day.isoformat(), ParsedDocument(papers=listed_papers), day=day)
        records += records_of_day
    return records


def _subscriber_row(number: int, seen_through: int) -> dict[str, Any]:
    joined = datetime(2025, 9, 1, tzinfo=UTC)
    address = f"reader{number}@lab{number % 500}.example"
    return {
        "id": number, "address": address, "address_key": address, "state": "active", "created_at": joined,
        "confirmed_at": joined, "profile_id": number, "seen_through": seen_through, "next_due_at": SLOT,
    }  # fmt: skip


def announcements(shared: Path, first: date, last: date) -> Iterator[tuple[date, list[Any]]]:
    """The replay's real announcements of these days."""
    from digest.papers import Record

    for file in sorted((shared / "data" / "replay" / "days").glob("2025-*.jsonl.gz")):
        day = date.fromisoformat(file.name.split(".")[0])
        if first <= day <= last:
            with gzip.open(file, "rt", encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            yield day, [
                Record(
                    title=row["title"], abstract=row["abstract"], arxiv_id=row["id"], comment=row.get("comment"),
                    authors=tuple(row["authors"] or ()), categories=tuple(row["categories"] or ()),
                )
                for row in rows
            ]  # fmt: skip


def crowd(shared: Path, records: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Profiles as JSON, without end: 4 topics on average, 4 % stars, 15 % queries, exclusions, categories, authors."""
    from digest.matching.profile import Profile, Topic

    phrases, rng = wanted_phrases(shared, records), Random(SEED)
    weights = np.cumsum(1 / np.arange(1, len(phrases) + 1))
    picks = np.random.default_rng(SEED)
    authors = [author for record in records for author in record.authors]
    categories = [category for record in records for category in record.categories]
    while True:
        for phrase_numbers in np.searchsorted(weights, picks.random((1000, 9)) * weights[-1]).tolist():
            words = iter([phrases[number] for number in phrase_numbers])
            topics = []
            for _ in range(rng.choice((1, 2, 3, 4, 5, 6, 7))):
                query, kind = next(words), rng.random()
                if kind < 0.04:
                    query = f"{query[: max(4, len(query) - 3)].rstrip()}*"
                elif kind < 0.19:
                    query = f'"{query}" {rng.choice(("AND", "OR", "ANDNOT"))} "{rng.choice(phrases)}"'
                topics.append(Topic(query))
            yield Profile(
                topics=tuple(topics),
                exclusions=(f'"{next(words)}"',) if rng.random() < 0.2 else (),
                categories=tuple(set(rng.choices(categories, k=2))) if rng.random() < 0.4 else (),
                authors=(rng.choice(authors),) if rng.random() < 0.15 else (),
            ).to_json()


def wanted_phrases(shared: Path, records: Sequence[Any], number: int = 60_000) -> list[str]:
    """Topics that people typed, then pairs of words of titles, the frequent ones first; all are good queries."""
    from digest.text.tokens import is_weighted, words

    with (shared / "data" / "topics" / "arxivdigest_topics.csv").open(encoding="utf-8", newline="") as file:
        typed_counts = Counter(" ".join(words(row[-1])) for row in csv.reader(file) if row)
    pairs: Counter[str] = Counter()
    for record in records:
        title = words(record.title)
        pairs.update(f"{a} {b}" for a, b in pairwise(title) if is_weighted(a) and is_weighted(b))
    ranked = [text for text, _ in typed_counts.most_common()] + [text for text, _ in pairs.most_common()]
    usable_phrases = (text for text in dict.fromkeys(ranked) if 3 < len(text) < 60 and text.replace(" ", "").isalpha())
    return list(
        islice((text for text in usable_phrases if not {"and", "or", "not", "andnot"} & set(text.split())), number)
    )


if __name__ == "__main__":
    main()

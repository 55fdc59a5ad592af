"""What a preview costs: one profile over 14 days of 20,000 papers, in a warm process and as a command.

    python -m tests.benchmarks.preview SHARED [--papers 20000] [--rounds 15]

The corpus's papers are spread over 28 announcements (14 to look at, 14 before them to set thresholds by), all in
SQLite. Goal: under 300 ms in a warm process. `cpu` is the CPU time of the process.
`first` is a process's first preview: indexes lie on disk, machine code is made. `cold`: no index is there yet.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from tests.benchmarks.report import Report

LAST = date(2025, 9, 30)
ANNOUNCEMENTS = 28
TOPICS = (
    ("diffusion model", "protein folding", "large language model"),
    ("reinforcement learning from human feedback", "offline reinforcement learning"),
    ("graph neural network", '"point cloud*" AND segmentation', "federated learning", "au:Bengio"),
)


def main() -> None:
    """Fill a database, then measure in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=20_000, help="in the 14 days looked at")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure_previews(options.rounds)
        return
    report = Report("preview")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DIGEST_DATA_DIR": folder, "NUMBA_CACHE_DIR": str(Path("build/kernel").resolve())}
        os.environ.pop("DIGEST_DATABASE_URL", None)
        fill(options.shared, 2 * options.papers)
        for name in ("cold", "first"):
            for key, value in measured(options.rounds).items():
                if name == "cold" and key.startswith("first"):
                    report.add(key.replace("first", "cold"), "ms", value[0])
                elif name == "first":
                    for each in value:
                        report.add(key, "ms", each)
        for _ in range(3):
            report.add("command", "ms", command())
    report.write(rounds=options.rounds)


def fill(shared: Path, papers: int) -> None:
    """The corpus's papers, as many on each announcement."""
    from digest.db.core import schema_migration
    from digest.papers import ListedPaper, ParsedDocument
    from digest.services.ingestion.import_document import store_document

    schema_migration.upgrade()
    each = papers // ANNOUNCEMENTS
    lines = records(shared)
    for day in announcements():
        listed_papers = tuple(ListedPaper(record, "new") for record in islice(lines, each))
        store_document("jsonl", "benchmark", ParsedDocument(papers=listed_papers), day=day)


def announcements() -> list[date]:
    """Working days, of which the last 14 lie in the days looked at: six a week, so that a preview has enough."""
    days = [LAST - timedelta(days=days_ago) for days_ago in range(40)]
    return sorted(day for day in days if day.weekday() != 6)[-ANNOUNCEMENTS:]


def records(shared: Path, first: int = 0) -> Iterator[object]:
    """Real papers, by the order of their arXiv ids, from the one with this number on."""
    from digest.papers import Record

    with lzma.open(shared / "data" / "corpus.jsonl.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(islice(lines, first, None)):
            row = json.loads(line)
            yield Record(
                title=row["title"], abstract=row["abstract"], authors=tuple(row["authors"] or ()),
                comment=row["comment"], categories=tuple(row["categories"] or ()),
                arxiv_id=f"2509.{number:05d}", code_url="https://code.example" if number % 9 == 0 else None,
            )  # fmt: skip


def measured(rounds: int) -> dict[str, list[float]]:
    """What a process of its own measures."""
    command = [sys.executable, "-m", "tests.benchmarks.preview", "--one", "--rounds", str(rounds)]
    milliseconds: dict[str, list[float]] = json.loads(
        subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1]
    )
    return milliseconds


def measure_previews(rounds: int) -> None:
    """Print milliseconds of the first preview and of the following ones."""
    from digest.matching.profile import Profile, Topic
    from digest.services.preview.preview import preview

    profiles = [Profile(tuple(map(Topic, topics))) for topics in TOPICS]
    milliseconds: dict[str, list[float]] = {"first": [], "first cpu": [], "warm": [], "warm cpu": []}
    papers_shown = 0
    for number in range(rounds + 1):
        profile, name = profiles[number % len(profiles)], "warm" if number else "first"
        wall, cpu = timed(lambda profile=profile: preview(profile, days=16, until=LAST))  # type: ignore[misc]
        milliseconds[name].append(wall)
        milliseconds[f"{name} cpu"].append(cpu)
    papers_shown = sum(day.announced for day in preview(profiles[0], days=16, until=LAST).days)
    print(json.dumps(milliseconds | {"papers": [float(papers_shown)]}))


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of wall-clock and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)


def command() -> float:
    """Milliseconds of `digest preview` as a whole."""
    command = [sys.executable, "-m", "workers.main", "preview", "--topic", "diffusion model", "--days", "16",
             "--date", LAST.isoformat(), "--format", "json"]  # fmt: skip
    return timed(lambda: subprocess.run(command, check=True, capture_output=True))[0]


if __name__ == "__main__":
    main()

"""How fast real papers are stored, and in how much memory, on both databases.

    python -m tests.benchmarks.ingest SHARED [--papers 100000] [--rounds 1]

Each round is a process of its own: a fresh database, the first papers of the corpus as JSON Lines stored, and the same
once more, which must change no row. Goals: 2,500 papers a second, under 300 MB; the second time 5,000 a second. Prints
a table and writes build/bench/ingest.json. Seconds are wall-clock time; `cpu` is the CPU time of the process and
of the one that reads ahead for it. `peak` is the sum of the peak memory of both.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

Figures = dict[str, float]
UNITS = {"papers/s": "first, second", "papers/cpu-s": "first_cpu, second_cpu", "MB": "peak"}


def main() -> None:
    """Run the rounds, or one of them in this process (with --one)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure_store(options.one)))
    else:
        report(rounds(options.shared, options.papers, options.rounds), options.rounds)


def measure_store(papers: Path) -> Figures:
    """Store the file twice into the configured database, and measure."""
    from sqlmodel import SQLModel

    import digest.models  # noqa: F401 - declares the tables
    from digest.db.core.engine import engine
    from digest.services.ingestion.import_files import ingest_files

    SQLModel.metadata.create_all(engine())
    figures: Figures = {}
    for name in ("first", "second"):
        before = rows() if name == "second" else ()
        wall, cpu = time.perf_counter(), cpu_seconds()
        counts = ingest_files("jsonl", [papers], seeds=lambda *_: ())
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        number = counts.new + counts.updated + counts.unchanged
        figures |= {name: number / wall, f"{name}_cpu": number / cpu}
        if name == "second" and (rows() != before or counts.unchanged != number):
            raise SystemExit(f"the second ingest changed rows: {counts}")
    return figures


def cpu_seconds() -> float:
    """CPU seconds of this process and its ended children."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def run_measured(command: list[str], env: dict[str, str]) -> Figures:
    """The figures of a round, and `peak`: the peak memory of its process plus that of its largest child, in MB."""
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        own, children = 0.0, 0.0
        while process.poll() is None:
            own = max(own, peak_memory(process.pid))
            children = max(children, sum(map(peak_memory, children_of(process.pid))))
            time.sleep(0.02)
        output = process.stdout.read() if process.stdout else b""
    if process.returncode:
        raise SystemExit(process.returncode)
    return {**json.loads(output), "peak": own + children}


def children_of(pid: int) -> list[int]:
    """The running child processes of a process."""
    with suppress(OSError):
        return [int(child_pid) for child_pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def peak_memory(pid: int) -> float:
    """The peak memory of a process so far, in MB; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def rows() -> tuple[Any, ...]:
    """A summary of the tables that any change alters: row counts, sums of revisions and batches."""
    from sqlalchemy import text

    from digest.db.core.engine import reading

    queries = (
        "SELECT count(*), sum(revision), sum(batch_id) FROM paper",
        "SELECT count(*), sum(length(title) + length(abstract)) FROM paper_version",
        "SELECT count(*), sum(paper_id) FROM paper_key",
        "SELECT count(*), sum(unchanged) FROM batch",
        "SELECT count(*) FROM announcement",
    )
    with reading() as session:
        return tuple(tuple(session.execute(text(question)).one()) for question in queries)


def rounds(shared: Path, papers: int, number: int) -> dict[str, list[Figures]]:
    """Figures of every round by database, in turn."""
    from tests.servers import Postgres

    figures_by_database: dict[str, list[Figures]] = {"sqlite": [], "postgresql": []}
    with tempfile.TemporaryDirectory() as folder, Postgres() as server:
        source = Path(folder, "papers.jsonl")
        with lzma.open(shared / "data" / "corpus.jsonl.xz") as lines, source.open("wb") as file:
            file.writelines(islice(lines, papers))
        for round_number in range(number):
            urls = {
                "sqlite": f"sqlite:///{folder}/{round_number}.db",
                "postgresql": server.new_database(lambda _url: None),
            }
            for name, url in urls.items():
                command = [sys.executable, "-m", "tests.benchmarks.ingest", "--one", str(source)]
                env = {**os.environ, "DIGEST_DATABASE_URL": url, "DIGEST_DATA_DIR": folder}
                figures_by_database[name].append(run_measured(command, env))
    return figures_by_database


def report(figures_by_database: dict[str, list[Figures]], number: int) -> None:
    """The table, and build/bench/ingest.json."""
    figures = {}
    for database, results in figures_by_database.items():
        for unit, names in UNITS.items():
            for name in names.split(", "):
                values = [result[name] for result in results]
                spread = {"min": min(values), "median": statistics.median(values), "max": max(values)}
                figures[f"{database}_{name}"] = {"unit": unit, **spread}
    for name, values in figures.items():
        print(f"{name:24}{values['median']:>10,.0f} {values['unit']}")
    out = Path("build/bench/ingest.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"rounds": number, "figures": figures, "ratios": {}}, indent=1) + "\n")


if __name__ == "__main__":
    main()

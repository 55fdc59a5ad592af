"""How fast mail goes out: `python -m tests.benchmarks.delivery [SHARED] [--mails N] [--rounds N] [--memory N]`.

Real digests of ten papers, signed, into `smtp-sink`, by two processes each, in turn round by round: `outbox` on a
durable PostgreSQL; `naive`, the obvious sender without an outbox; `engine`, our composer and connections without a
database; `smtp-source`, which composes nothing, as the limit. Then CPU by stage, memory, and a real Postfix.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import SQLModel

import digest.models
from digest import settings
from digest.db.core import engine
from digest.mail.mime import dkim
from tests.benchmarks import mailing, sink, stages
from tests.benchmarks.report import Report
from tests.postfix import Postfix
from tests.servers import Postgres

PROCESSES = 2
NAIVE_SHARE = 10  # the naive sender gets a tenth of the mails: its rate does not depend on how many
KINDS = ("outbox", "engine", "naive")


class Senders:
    """Processes of one kind that wait for `go`."""

    def __init__(self, kind: str, mails: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.mailing", kind]
        self._processes = [
            subprocess.Popen(
                [*command, str(place), str(PROCESSES), str(mails)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for place in range(PROCESSES)
        ]  # fmt: skip
        for process in self._processes:
            assert _line(process) == "ready"

    def measure(self) -> list[dict[str, float]]:
        """Send once; return the figures of each process."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(_line(process)) for process in self._processes]

    def stop(self) -> None:
        for process in self._processes:
            process.communicate(timeout=20)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise SystemExit("a sending process ended early")
    return line


@contextmanager
def world(shared: Path, mails: int) -> Iterator[int]:
    """A database with queued mail, a sink, and settings that point to both. Yields the sink's port."""
    with tempfile.TemporaryDirectory() as folder, Postgres(durable=True) as server, sink.sink() as port:
        key = Path(folder, "dkim.pem")
        key.write_bytes(dkim.generate_key()[0])
        configure(DATA_DIR=folder, SECRET_KEY="k" * 40, MAIL_FROM="Papers <papers@digest.example>",
                  BASE_URL="https://digest.example", BOUNCE_ADDRESS="bounce@digest.example",
                  POSTAL_ADDRESS="1 Main Street, Springfield", DKIM_DOMAIN="digest.example", DKIM_SELECTOR="s1",
                  DKIM_KEY_FILE=key, SMTP_URL=f"smtp://127.0.0.1:{port}", LOG_LEVEL="WARNING")  # fmt: skip
        configure(DATABASE_URL=server.new_database(_tables))
        mailing.fill(shared, mails)
        yield port
        engine.engine().dispose()


def _tables(address: str) -> None:
    assert digest.models.__all__
    configure(DATABASE_URL=address)
    SQLModel.metadata.create_all(engine.engine())
    engine.engine().dispose()


def configure(**values: object) -> None:
    """Set settings of this process and of its children."""
    for name, value in values.items():
        os.environ[f"DIGEST_{name}"] = str(value)
    settings.clear_cache()


def rounds(report: Report, port: int, *, mails: int, number: int) -> None:
    """All senders in turn, so that other load on the machine affects them alike."""
    senders = {kind: Senders(kind, mails if kind != "naive" else mails // NAIVE_SHARE) for kind in KINDS}
    for _ in range(number):
        for kind, sender in senders.items():
            mailing.refill()
            started_at = time.monotonic()
            measures = sender.measure()
            seconds = time.monotonic() - started_at
            count = sum(measure["sent"] for measure in measures)
            report.add(kind, "mails/s", count / seconds)
            report.add(
                f"{kind}: CPU of the senders", "ms/mail", 1000 * sum(measure["cpu"] for measure in measures) / count
            )
        if program := sink.program("smtp-source"):
            report.add("smtp-source", "mails/s", source(program, port, mails=mails))
    for sender in senders.values():
        sender.stop()
    report.ratio("outbox", "naive", minimum_ratio=8)
    report.ratio("outbox", "engine", minimum_ratio=0.7)


def source(program: str, port: int, *, mails: int, size: int = 45_000) -> float:
    """Mails a second of postfix' own load generator, 16 sessions: mails of our size that cost nothing to make."""
    command = [program, "-s", "16", "-d", "-l", str(size), "-m", str(mails), "-f", "a@digest.example",
             "-t", "b@one.example", f"127.0.0.1:{port}"]  # fmt: skip
    started_at = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return mails / (time.monotonic() - started_at)


def memory(report: Report, *, mails: int, each: int) -> None:
    """The largest worker after the first tenth of so many mails, and after the last."""
    senders, sizes = Senders("outbox", each), []
    for _ in range(max(mails // each, 2)):
        mailing.refill()
        sizes.append(max(measure["rss"] for measure in senders.measure()))
    senders.stop()
    report.add("memory of a worker, at first", "MB", sizes[len(sizes) // 10])
    report.add(f"memory of a worker, after {len(sizes) * each} mails", "MB", sizes[-1])


def postfix(report: Report, *, mails: int) -> None:
    """The outbox into a real Postfix that files into mailboxes."""
    with Postfix() as server:
        configure(SMTP_URL=server.url)
        senders = Senders("outbox", mails)
        mailing.refill()
        started_at = time.monotonic()
        count = sum(measure["sent"] for measure in senders.measure())
        report.add("outbox into a real Postfix", "mails/s", count / (time.monotonic() - started_at))
        senders.stop()


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(os.environ.get("DIGEST_TEST_SHARED", "../shared")))
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32, help="of each process, in every kind but `naive`")
    parser.add_argument("--memory", type=int, default=20_000, help="mails sent to see whether memory grows")
    options = parser.parse_args()
    sink.install()
    configure(CONNECTIONS=options.connections)
    report = Report("delivery")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; sink: {sink.program('smtp-sink') or 'our own'}")
    with world(options.shared, options.mails) as port:
        rounds(report, port, mails=options.mails, number=options.rounds)
        parts: Sequence[Callable[[], None]] = (
            lambda: stages.measure(report, mails=min(options.mails, 500)),
            lambda: memory(report, mails=options.memory, each=options.mails),
            lambda: postfix(report, mails=options.mails),
        )
        for part in parts[: 3 if Postfix.possible() else 2]:
            part()
    report.write(rounds=options.rounds)


if __name__ == "__main__":
    main()

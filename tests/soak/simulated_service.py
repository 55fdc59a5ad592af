"""The service as real processes under a clock that runs ahead, with its servers on this machine."""

from __future__ import annotations

import csv
import email
import email.policy
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from digest.redis import PrivateRedis
from digest.redis.embedded_server import start_guarded
from digest.sources import arxiv_calendar
from tests.conftest import ROOT
from tests.processes import children, has_ended
from tests.servers import MailServer
from tests.soak.soak_database import SoakDatabase
from tests.wire_server import WireServer, Work

TOPICS = (
    "zorvex membranes",
    "quillon lattices",
    "mirabel forcing",
    "dravic operators",
    "pellune spectra",
    "ombral decay",
)
SEND_TIMES = ("06:00", "06:15", "12:00", "18:30")
PAPERS_A_TOPIC = 2
STEP = timedelta(minutes=15)
_ID = re.compile(r"arxiv\.org/abs/(\d{4}\.\d{5})")
_PROGRAM = "from workers.main import run; run()"
_ADJECTIVES = ("coarse", "brittle", "nested", "sparse", "viscous", "planar", "chiral", "damped", "folded", "hollow")
_NOUNS = (
    "gratings",
    "polymers",
    "orbits",
    "kernels",
    "ledgers",
    "bridges",
    "glaciers",
    "rotors",
    "sediments",
    "antennas",
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message that the mail server was handed, and the papers in it."""

    recipient: str
    message_id: str
    is_accepted: bool
    papers: frozenset[str]


@dataclass(slots=True)
class SimulatedClock:
    """The wall clock of the service: it runs ahead in steps of a quarter of an hour, plus `jump`."""

    file: Path
    day_seconds: float
    jump: timedelta = timedelta()
    _ahead: timedelta = timedelta()
    _stepped_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.write()

    def start(self) -> None:
        """Count the steps from now on."""
        self._stepped_at = time.monotonic()

    def advance(self) -> None:
        """Take the steps that are due."""
        pause = self.day_seconds * (STEP / timedelta(days=1))
        steps = int((time.monotonic() - self._stepped_at) / pause)
        if steps:
            self._stepped_at += steps * pause
            self._ahead += steps * STEP
            self.write()

    def now(self) -> datetime:
        """The simulated instant without the jump."""
        return datetime.now(UTC) + self._ahead

    def write(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(f"{int((self._ahead + self.jump).total_seconds())}\n")
        new.replace(self.file)


@dataclass(slots=True)
class ServiceProcess:
    """A process of the service, started again a moment after it ended, as systemd does."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _ended_at: float = -10.0

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def keep_running(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            self._process, self._ended_at = None, time.monotonic()
        if time.monotonic() - self._ended_at > 2.0:
            command = start_guarded([sys.executable, "-c", _PROGRAM, *self.arguments])
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(command, cwd=ROOT, env=dict(self.environment), stdout=log, stderr=log)
            self.starts += 1

    def pids(self) -> list[int]:
        """Its pids and those of its descendants."""
        pids, level = [], [self.pid] if self.pid else []
        while level:
            pids += level
            level = [child for pid in level for child in children(pid)]
        return pids

    def send(self, signal_number: int, *, pids: Sequence[int] | None = None) -> None:
        for pid in self.pids() if pids is None else pids:
            if not has_ended(pid):
                os.kill(pid, signal_number)

    def end(self) -> None:
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()


class PaperFeed:
    """The papers of each announcement, as the sources' server shows them once the simulated day has come."""

    def __init__(self, server: WireServer, first_day: date) -> None:
        self._server, self._rng = server, random.Random(5)
        self.by_topic: dict[str, set[str]] = {topic: set() for topic in TOPICS}
        self._numbers: Counter[str] = Counter()
        self._newest = first_day
        self._add(first_day)
        self.of_first_day = frozenset().union(*self.by_topic.values())  # the import may be before or after its fetch

    def publish(self, now: datetime) -> None:
        """Show the announcement that is due."""
        while (due := arxiv_calendar.newest(now, arxiv_calendar.feed_at)) > self._newest:
            self._newest = arxiv_calendar.following(self._newest)
            self._add(self._newest)
            if self._newest == due:
                break

    def _add(self, day: date) -> None:
        works = [self._work(topic, day) for topic in TOPICS for _ in range(PAPERS_A_TOPIC)]
        self._server.works = [*self._server.works, *works]
        self._server.today = day

    def _work(self, topic: str, day: date) -> Work:
        month = f"{day:%y%m}"
        self._numbers[month] += 1
        number = f"{month}.{self._numbers[month]:05d}"
        self.by_topic[topic].add(number)
        adjective, noun = self._rng.choice(_ADJECTIVES), self._rng.choice(_NOUNS)
        title = f"{topic.capitalize()} of {adjective} {noun}, measurement {self._numbers[month]} of {day:%B %Y}"
        abstract = f"We measure {topic} in {adjective} {noun} and report series {number} with {self._rng.random():.9f}."
        name = f"{''.join(self._rng.choices('abcdefghijklmnop', k=9)).capitalize()}, Q."
        return Work(number, title, abstract, (name,), ("cs.LG",), day)


class SimulatedService:
    """All processes and servers. `receipts` grows as mail arrives."""

    def __init__(self, folder: Path, database: SoakDatabase, redis: PrivateRedis, smtp: MailServer, wire: WireServer,
                 library: Path, day_seconds: float, subscribers: int) -> None:  # fmt: skip
        self.folder, self.database, self.redis, self.smtp, self.wire = folder, database, redis, smtp, wire
        self.clock = SimulatedClock(folder / "shift", day_seconds)
        self.no_names = folder / "no-name-server"
        self.feed = PaperFeed(wire, arxiv_calendar.newest(self.clock.now(), arxiv_calendar.feed_at))
        self.is_publishing = True
        self.receipts: list[Receipt] = []
        self.topic_by_address = {f"r{n}@lab{n % 9}.example": TOPICS[n % len(TOPICS)] for n in range(subscribers)}
        self._environment = self._settings(library)
        worker = ("worker", "--queues")
        self.processes = {
            name: ServiceProcess(name, arguments, self._environment, folder / f"{name}.log")
            for name, arguments in {
                "scheduler": ("scheduler",),
                "sender": (*worker, "delivery=2"),
                "builder": (*worker, "selection+ingestion,delivery"),
                "steady": (*worker, "delivery+selection+ingestion+background"),
            }.items()
        }

    def prepare(self) -> None:
        """Make the tables and the subscribers, as an administrator does."""
        self._command("migrate")
        file = self.folder / "subscribers.csv"
        with file.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("address", "topics", "time_zone", "send_at"))
            for number, (address, topic) in enumerate(self.topic_by_address.items()):
                writer.writerow((address, f'"{topic}"', "UTC", SEND_TIMES[number % len(SEND_TIMES)]))
        self._command("admin", "subscribers", "import", str(file), "--consent", "a soak test", "--no-welcome")

    def tend(self) -> None:
        """Move the clock, publish, start what has ended, and read what arrived."""
        self.clock.advance()
        if self.is_publishing:
            self.feed.publish(self.clock.now())
        for process in self.processes.values():
            process.keep_running()
        self.read_receipts()

    def end(self) -> None:
        for process in self.processes.values():
            process.end()

    def read_receipts(self) -> None:
        """Add what has arrived since the last time."""
        for place in range(len(self.receipts), len(self.smtp.log)):
            mail = self.smtp.log[place]
            papers = _papers_in(mail.raw) if mail.answered else frozenset()
            self.receipts.append(Receipt(mail.recipient, mail.message_id, mail.answered, papers))
            self.smtp.log[place] = replace(mail, raw=b"")

    def _command(self, *arguments: str) -> None:
        command = [sys.executable, "-c", _PROGRAM, *arguments]
        ended = subprocess.run(
            command, cwd=ROOT, env=dict(self._environment), capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _settings(self, library: Path) -> dict[str, str]:
        host = "soak.example"
        smtp_url = self.smtp.url.replace("127.0.0.1", f"smtp.{host}") + "?tls=none"
        sources = {key: str(value).replace("127.0.0.1", f"sources.{host}") for key, value in self.wire.settings.items()}
        settings = {
            **sources,
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": self.database.address,
            "REDIS_URL": self.redis.url,
            "SMTP_URL": smtp_url,
            "SECRET_KEY": "soak" * 10,
            "MAIL_FROM": "Papers <papers@digest.example>",
            "ADMIN_EMAILS": "admin@lab0.example",
            "POSTAL_ADDRESS": "1 Test Road",
            "BASE_URL": "http://127.0.0.1:8000",
            "SOURCES": "arxiv-rss,arxiv-oai",
            "SOURCE_PATIENCE": "5",
            "ARXIV_INTERVAL": "3",
            "ARXIV_CATEGORIES": "cs.LG",
            "MESSAGE_TIMEOUT": "10",
            "LEASE": "20",
            "CONNECTIONS": "4",
            "RETENTION_DAYS": "30",
        }
        own = {f"DIGEST_{name}": value for name, value in settings.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        preload = {
            "LD_PRELOAD": str(library),
            "SOAK_SHIFT": str(self.folder / "shift"),
            "SOAK_DNS": str(self.folder / "no-name-server"),
        }
        return inherited | own | preload


def _papers_in(raw: bytes) -> frozenset[str]:
    body = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    return frozenset(_ID.findall(body.get_content())) if body is not None else frozenset()

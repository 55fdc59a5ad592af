"""Two real announcement days, subscribers with topics as people typed them, runs inline against a local SMTP server.

`python -m tests.benchmarks.real_days SHARED` prints mails and papers. Nothing of SHARED is kept.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

from sqlmodel import col, select

from digest import settings
from digest.compose.edition import Content
from digest.db.core import schema_migration
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.subscribers import subscribers
from digest.errors import BadInput
from digest.mail.smtp import transport
from digest.matching.profile import Profile
from digest.models import Edition, Subscriber
from digest.papers import Record
from digest.services.admin import subscriber_admin
from digest.services.ingestion.import_files import ingest_files
from digest.services.runs import daily_run as days
from tests.servers import MailServer

DAYS = (date(2025, 9, 29), date(2025, 9, 30))
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "cs.RO", "stat.ML")
SEED = 20250929


@dataclass(slots=True)
class RealDaysResult:
    """The outcome. `repeated`: papers that a subscriber got twice; `unexplained`: titles no simple check explains."""

    ingested: int = 0
    subscribers: int = 0
    results: list[days.RunResult] = field(default_factory=list)
    mails: int = 0
    papers: int = 0
    repeated: int = 0
    unexplained: list[str] = field(default_factory=list)


def run_days(shared: Path, server: MailServer, *, subscribers: int, papers: int | None = None) -> RealDaysResult:
    """Run both days over the configured, migrated, empty database; `papers`: at most so many of each day."""
    outcome = RealDaysResult(subscribers=subscribers)
    with tempfile.TemporaryDirectory() as folder:
        for day in DAYS:
            packed = shared / "data" / "replay" / "days" / f"{day.isoformat()}.jsonl.gz"
            file = Path(folder) / f"{day.isoformat()}.jsonl"
            with gzip.open(packed, "rb") as lines:
                file.write_bytes(b"".join(islice(lines, papers)))
            outcome.ingested += ingest_files("jsonl", [file], seeds=lambda *_: [], day=day).new
    _subscribe(shared, subscribers)
    outcome.results = [days.run_inline(day) for day in DAYS]
    outcome.mails = sum(server.recipients().values())
    for mailed_papers in _mailed_papers():
        numbers = [number for number, *_ in mailed_papers]
        outcome.papers += len(numbers)
        outcome.repeated += len(numbers) - len(set(numbers))
        outcome.unexplained += [record.title for _, record, profile in mailed_papers if not explained(record, profile)]
    return outcome


def _subscribe(shared: Path, subscribers: int) -> None:
    """1 to 4 topics each, by a seeded choice; every sixth subscriber is limited to two categories."""
    with (shared / "data" / "topics" / "arxivdigest_topics.csv").open(encoding="utf-8", newline="") as file:
        topics = [row[-1].strip() for row in csv.reader(file) if row and any(c.isalpha() for c in row[-1])]
    rng, subscribed = random.Random(SEED), 0
    while subscribed < subscribers:
        values = {
            "address": f"reader{subscribed}@digest.example",
            "topics": rng.sample(topics, rng.randint(1, 4)),
            "categories": rng.sample(CATEGORIES, 2) if subscribed % 6 == 5 else [],
        }
        try:
            subscriber_admin.add_subscriber(values, consent="a benchmark's subscriber")
        except BadInput:
            continue  # a phrase that is no query; another choice
        subscribed += 1


def _mailed_papers() -> Iterator[list[tuple[int, Record, Profile]]]:
    """For each subscriber every mailed paper, as it was, with the profile."""
    with reading() as session:
        for subscriber in session.exec(select(Subscriber).order_by(col(Subscriber.id))).all():
            profile = subscribers.profile_of(session, subscriber)
            editions = session.exec(select(Edition).where(Edition.subscriber_id == subscriber.id)).all()
            entries = [entry for edition in editions for entry in Content.from_json(edition.content).entries]
            records = store.versions(session, [(e.paper, e.revision) for e in entries])
            yield [(e.paper, records[e.paper, e.revision], profile) for e in entries]


def explained(record: Record, profile: Profile) -> bool:
    """A check that shares no code with the matcher: a word's beginning of some topic stands in the paper."""
    if profile.categories and not set(profile.categories) & set(record.categories):
        return False
    text = f"{record.title} {record.abstract}".casefold()
    words = {word for topic in profile.topics for word in re.findall(r"[^\W_]{2,}", topic.text.casefold())}
    return any(word[: max(2, min(len(word) - 1, 5))] in text for word in words)


def lines(outcome: RealDaysResult, seconds: float) -> Sequence[str]:
    """The figures for a person."""
    runs = [f"{result.date}: {result.to_line()}" for result in outcome.results]
    mails = f"{outcome.mails} mails with {outcome.papers} papers to {outcome.subscribers} subscribers"
    faults = f"{outcome.repeated} repeated, {len(outcome.unexplained)} unexplained"
    return [f"{outcome.ingested} papers ingested", *runs, f"{mails}; {faults}; {seconds:.0f} s"]


def main(shared: Path) -> int:
    """Run with 30 subscribers in a folder of its own; exit 1 where a paper is repeated or unexplained."""
    with tempfile.TemporaryDirectory() as folder, MailServer() as server:
        values = {"DATA_DIR": folder, "SMTP_URL": server.url, "SECRET_KEY": "a benchmark's key of at least 32 bytes"}
        values |= {
            "MAIL_FROM": "Papers <papers@digest.example>",
            "DATABASE_URL": "",
            "BASE_URL": "https://digest.example",
        }
        os.environ.update({f"DIGEST_{name}": value for name, value in values.items()})
        settings.clear_cache()
        schema_migration.upgrade()
        started = time.monotonic()
        outcome = run_days(shared, server, subscribers=30)
        transport.close_all()
    print("\n".join(lines(outcome, time.monotonic() - started)))
    print("\n".join(outcome.unexplained[:20]))
    return int(bool(outcome.repeated or outcome.unexplained))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

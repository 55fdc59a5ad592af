"""A small installation for tests: papers are announced, people subscribe, days are run, mail arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import pytest
import time_machine
from sqlmodel import col, select

from digest.compose.edition import Content, Entry
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.db.subscribers import subscribers
from digest.mail.smtp import transport
from digest.models import Delivery, Edition, Run, Subscriber
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.admin import subscriber_admin
from digest.services.ingestion.import_document import IngestCounts, store_document
from digest.services.runs import daily_run as days
from tests.servers import MailServer

MONDAY = date(2025, 11, 17)
KEY = "a key for tests of at least 32 bytes"
FILLER = "We study {} in detail and report what we found, with proofs, experiments and open code for everything."


def utc(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def paper(number: int, title: str, **fields: object) -> ListedPaper:
    signals = tuple(dict(fields.pop("signals", {})).items())  # type: ignore[call-overload]
    kind = fields.pop("announce_type", None)
    values = {"arxiv_id": f"2511.{number:05d}", "authors": ("Ada Byron",), "categories": ("cs.LG",)}
    abstract = FILLER.format(title)
    return ListedPaper(Record(title=title, abstract=abstract, **(values | fields)), kind, signals)  # type: ignore[arg-type]


class Lab:
    """One installation. The clock stands at `now` unless a test moves it."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._papers_added = 0

    def set_time(self, instant: datetime) -> None:
        self._traveller.move_to(instant)

    def announce(self, day: date, *titles: str, source: str = "jsonl", **fields: object) -> IngestCounts:
        """New papers with these titles, under the announcement of that day. Their numbers begin at 101."""
        first, self._papers_added = self._papers_added + 101, self._papers_added + len(titles)
        papers = tuple(paper(number, title, **fields) for number, title in enumerate(titles, first))
        return self.store(day, *papers, source=source)

    def store(self, day: date | None, *listed_papers: ListedPaper, source: str = "jsonl") -> IngestCounts:
        return store_document(source, "test", ParsedDocument(papers=listed_papers), day=day)

    def subscribe(self, name: str, *topics: str, **preferences: object) -> int:
        """Add a subscriber at example.com; return the id."""
        values = {"address": f"{name}@example.com", "topics": list(topics), **preferences}
        subscriber_admin.add_subscriber(values, consent="asked in person")
        return self.subscriber(name).id or 0

    def subscriber(self, name: str) -> Subscriber:
        with reading() as session:
            subscriber = subscribers.by_key(session, f"{name}@example.com")
            assert subscriber is not None
            return subscriber

    def change(self, name: str, **values: object) -> None:
        """Set columns of the subscriber's row."""
        with transaction() as session:
            subscriber = subscribers.by_key(session, f"{name}@example.com")
            for field, value in values.items():
                setattr(subscriber, field, value)

    def run(self, day: date | None = None, *, only: str | None = None) -> days.RunResult:
        return days.run_inline(day, only=only and f"{only}@example.com")

    def editions(self, name: str) -> Sequence[Edition]:
        with reading() as session:
            number = self.subscriber(name).id
            return session.exec(select(Edition).where(Edition.subscriber_id == number).order_by(col(Edition.day))).all()

    def entries(self, name: str, day: date | None = None) -> list[Entry]:
        """The subscriber's entries, of one date or of all."""
        editions = [edition for edition in self.editions(name) if day in {None, edition.day}]
        return [entry for edition in editions for entry in Content.from_json(edition.content).entries]

    def papers(self, name: str, day: date | None = None) -> list[str]:
        """The titles of the subscriber's entries, in order."""
        entries = self.entries(name, day)
        with reading() as session:
            records = store.versions(session, [(e.paper, e.revision) for e in entries])
        return [records[e.paper, e.revision].title for e in entries]

    def deliveries(self) -> Sequence[Delivery]:
        with reading() as session:
            return session.exec(select(Delivery).order_by(col(Delivery.id))).all()

    def runs(self) -> Sequence[Run]:
        with reading() as session:
            return session.exec(select(Run).order_by(col(Run.slot))).all()


@pytest.fixture
def lab(database: str, configured: Callable[..., None], smtp: MailServer) -> Lab:
    """Monday 17 November 2025, 05:00 UTC; nothing is announced and nobody subscribed."""
    configured(SECRET_KEY=KEY, BASE_URL="https://digest.example")
    with time_machine.travel(utc(MONDAY, 5), tick=True) as traveller:
        yield Lab(traveller)
    transport.close_all()


@pytest.fixture
def service(database: str, configured: Callable[..., None]) -> str:
    """The key that signs."""
    configured(
        SECRET_KEY=KEY,
        MAIL_FROM="Papers <papers@digest.example>",
        BOUNCE_ADDRESS="bounces@digest.example",
        ADMIN_EMAILS="root@digest.example,ops@digest.example",
    )
    return KEY

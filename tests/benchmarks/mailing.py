"""What the delivery benchmark sends, and the processes that send it. Each process waits for `go` on standard input.

Topics follow Zipf's law, and subscribers of one topic get the same papers, as matching gives them.
`outbox` is ours; `engine` composes and sends the same mails from memory, without a database; `naive` is the
obvious sender: everything rendered anew for each mail, CSS inlined, EmailMessage, dkimpy, a connection a mail.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import smtplib
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path

from jinja2 import Template
from sqlalchemy import insert, text
from sqlmodel import col, select

from digest import clock, settings
from digest.compose.edition import NEW, RISING, Content, Entry
from digest.compose.email import paper_view, template_environment
from digest.compose.email.paper_block import PaperBlocks
from digest.db.core.dialect import insert_missing, unused_ids
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.smtp import transport
from digest.matching.profile import Profile, Topic
from digest.models import Delivery, Edition, PaperVersion, ProfileVersion, Run, Subscriber
from digest.models.delivery import SENT
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.delivery import delivery_worker as delivering
from digest.services.delivery import render_messages as composing
from digest.services.ingestion.import_document import store_document
from tests.outbox import as_claimed

DAY = date(2025, 9, 8)
PAPERS = 10
DOMAINS = 200
TOPICS = 1000


def fill(shared: Path, mails: int) -> None:
    """One announcement of real papers, and that many subscribers, each with a queued edition of ten of them."""
    rng = random.Random(20250908)
    store_document("jsonl", "benchmark", ParsedDocument(papers=_papers(shared)), day=DAY)
    now = clock.now()
    with transaction() as session:
        versions_known = session.exec(select(PaperVersion).limit(500)).all()
        popular = [_topic(rng, versions_known) for _ in range(TOPICS)]
        run = Run(slot=clock.slot_of(now), created_at=now, signals_at=now, batch_through=1,
                  announcement_id=DAY.toordinal())  # fmt: skip
        session.add(run)
        session.flush()
        for first in range(0, mails, 500):
            chunk = range(first, min(first + 500, mails))
            session.execute(insert(Subscriber), [_subscriber_row(number, now) for number in chunk])
            ids = list(session.exec(select(Subscriber.id).order_by(col(Subscriber.id)).offset(first)))
            topics = rng.choices(popular, weights=[1 / place for place in range(1, len(popular) + 1)], k=len(chunk))
            rows = [
                {"subscriber_id": n, "number": 1, "created_at": now, "profile": Profile(topics=(Topic(t),)).to_json()}
                for n, t in zip(ids, topics, strict=True)
            ]
            statement = insert(ProfileVersion).returning(col(ProfileVersion.id), sort_by_parameter_order=True)
            versions = session.execute(statement, rows).scalars().all()
            editions = [
                _edition(run, n or 0, v or 0, _content(versions_known, t), now)
                for n, v, t in zip(ids, versions, topics, strict=True)
            ]
            numbers = unused_ids(session, Edition, len(editions))
            insert_missing(session, Edition, [{"id": n, **row} for n, row in zip(numbers, editions, strict=True)])
            new_deliveries = [
                deliveries.NewDelivery("digest", e, _address(address_number), subscriber_id=n, run_id=run.id)
                for address_number, e, n in zip(chunk, numbers, ids, strict=True)
            ]
            deliveries.enqueue(session, new_deliveries, now)


def refill() -> None:
    """Queue everything again."""
    with transaction() as session:
        session.execute(
            text("UPDATE delivery SET state='queued', due_at=created_at, attempts=0, lease_id=NULL, reply=''")
        )


def sent() -> int:
    """The number of mails that the outbox has sent."""
    with reading() as session:
        return deliveries.count_by_state(session).get(SENT, 0)


def _papers(shared: Path) -> tuple[ListedPaper, ...]:
    with gzip.open(shared / f"data/replay/days/{DAY}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(
        ListedPaper(
            Record(
                title=row["title"],
                abstract=row["abstract"],
                arxiv_id=row["id"],
                authors=tuple(row["authors"] or ()),
                categories=tuple(row["categories"] or ()),
                comment=row.get("comment"),
            ),
            "new",
        )
        for row in rows
    )


def _address(number: int) -> str:
    return f"reader{number}@lab{number % DOMAINS}.example"


def _subscriber_row(number: int, now: object) -> dict[str, object]:
    address = _address(number)
    return {"address": address, "address_key": address, "state": "active", "created_at": now, "confirmed_at": now}


def _topic(rng: random.Random, versions: Sequence[PaperVersion]) -> str:
    words = [word for word in rng.choice(versions).title.split() if word.isalpha() and len(word) > 3]
    return " ".join(words[:2]) or "learning"


def _content(version: Sequence[PaperVersion], topic: str) -> dict[str, object]:
    entries = [
        Entry(
            paper=paper_version.paper_id,
            revision=paper_version.revision,
            section=NEW if place < PAPERS - 2 else RISING,
            score=900 - place,
            strict=place % 3 == 0,
            topic=0,
            mask=1,
            matched=((0, tuple(topic.split())),),
            signals=(("upvotes", 31.0),) if place >= PAPERS - 2 else (),
        )
        for place, paper_version in enumerate(random.Random(topic).sample(version, PAPERS))
    ]
    return Content(tuple(entries), considered=len(version), more=3).to_json()


def _edition(run: Run, subscriber_id: int, profile: int, content: dict[str, object], now: object) -> dict[str, object]:
    return {
        "subscriber_id": subscriber_id, "day": DAY, "run_id": run.id, "announcement_id": run.announcement_id,
        "profile_id": profile, "created_at": now, "previous_seen": 0, "kind": "digest", "papers": PAPERS,
        "content": content,
    }  # fmt: skip


class LoadedMails:
    """This process's share of the mails with their data, read before the measurement starts."""

    def __init__(self, place: int, workers: int, limit: int) -> None:
        self.composer = composing.MailComposer(settings.get())
        with reading() as session:
            query = select(Delivery).order_by(col(Delivery.id)).limit(limit)
            rows = [as_claimed(row) for row in session.exec(query) if (row.id or 0) % workers == place]
            self.contexts = self.composer._load_contexts(session, rows)
        self.rows = rows

    def engine(self) -> int:
        """Our composer and our connections."""
        shared, in_flight, sent_count = transport.shared_transport(settings.get()), set(), 0
        for _, message in self.composer._compose_batches(self.rows, self.contexts):
            assert isinstance(message, OutgoingMessage)
            if len(in_flight) >= shared.size:
                done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
                sent_count += sum(future.result().state == SENT for future in done)
            in_flight.add(shared.send(message, lambda: True))
        return sent_count + sum(future.result().state == SENT for future in wait(in_flight).done)

    def naive(self) -> int:
        """The obvious way."""
        import css_inline
        import dkim

        configuration = settings.get()
        key = (configuration.dkim_key_file or Path()).read_bytes()
        host, _, port = configuration.smtp_url[0].removeprefix("smtp://").partition(":")
        sent_count = 0
        without_shared_parts()
        for row in self.rows:
            clear_caches()
            self.composer._blocks = PaperBlocks()
            context = self.contexts[row.id]
            rendered = self.composer._render_mail(row, context)
            envelope = self.composer._envelope(row, context.subscriber, self.composer._return_path(row))
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = configuration.mail_from, row.address, rendered.subject  # type: ignore[union-attr]
            mail["Message-ID"], mail["Date"] = row.message_id, row.created_at
            mail["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            mail.set_content(rendered.text)  # type: ignore[union-attr]
            mail.add_alternative(css_inline.inline(rendered.html), subtype="html")  # type: ignore[union-attr]
            raw = mail.as_bytes(policy=SMTP)
            signature = dkim.sign(raw, b"s1", b"digest.example", key)
            with smtplib.SMTP(host, int(port), local_hostname="digest.example") as session:
                session.sendmail("bounce@digest.example", [row.address], signature + raw)
            sent_count += 1
        return sent_count


def without_shared_parts() -> None:
    """Use the templates as they are written: styles are inlined in each mail instead of once."""

    @cache
    def parts(name: str) -> tuple[Template, Template]:
        source = template_environment._read_template("layout.html").replace(
            "<!-- body -->", template_environment._read_template(f"{name}/body.html")
        )
        before, _, remainder = source.replace(
            "<!-- footer -->", template_environment._read_template("footer.html")
        ).partition("<!-- piece -->")
        piece, _, after = remainder.partition("<!-- /piece -->")
        page = before + template_environment.PAPER_MARK + after
        return template_environment._compile(template_environment._html, page), template_environment._compile(
            template_environment._html, piece
        )

    template_environment.html_template = lambda name: parts(name)[0]  # type: ignore[assignment]
    template_environment.piece_template = lambda name: parts(name)[1]  # type: ignore[assignment]


def clear_caches() -> None:
    """Clear the caches that several mails share."""
    for cached in (paper_view._render_frame, paper_view._reason_line, paper_view._signal):
        cached.cache_clear()


def outbox() -> int:
    """Run passes until nothing is due, as a worker's task does."""
    total = delivering.send_due_mail()
    while total.more:
        total += delivering.send_due_mail()
    return total.sent


def warm_up(memory: LoadedMails) -> Callable[[], int]:
    """Compile the composer's templates before the measurement, as in a worker that ran before."""
    list(memory.composer.compose(memory.rows[:8]))
    return outbox


def main() -> None:
    """Wait for `go`, send, answer with counts: {"sent", "cpu" in seconds, "rss" in MB}."""
    kind, place, workers, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    memory = LoadedMails(place, workers, limit)
    work = {"outbox": lambda: warm_up(memory), "engine": lambda: memory.engine, "naive": lambda: memory.naive}[kind]()
    if kind == "outbox":
        memory.rows, memory.contexts = [], None  # type: ignore[assignment]
    print("ready", flush=True)
    for _ in sys.stdin:
        cpu, started_at = time.process_time(), time.monotonic()
        count = work()
        figures = {
            "sent": count,
            "cpu": time.process_time() - cpu,
            "seconds": time.monotonic() - started_at,
            "rss": _rss(),
        }
        print(json.dumps(figures), flush=True)


def _rss() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()

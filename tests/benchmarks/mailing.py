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
from digest.mail.mime.outgoing_message import OutgoingMessage
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
    chance = random.Random(20250908)
    store_document("jsonl", "benchmark", ParsedDocument(papers=_papers(shared)), day=DAY)
    now = clock.now()
    with transaction() as session:
        known = session.exec(select(PaperVersion).limit(500)).all()
        popular = [_topic(chance, known) for _ in range(TOPICS)]
        run = Run(slot=clock.slot_of(now), created_at=now, signals_at=now, batch_through=1,
                  announcement_id=DAY.toordinal())  # fmt: skip
        session.add(run)
        session.flush()
        for first in range(0, mails, 500):
            some = range(first, min(first + 500, mails))
            session.execute(insert(Subscriber), [_reader(number, now) for number in some])
            ids = list(session.exec(select(Subscriber.id).order_by(col(Subscriber.id)).offset(first)))
            topics = chance.choices(popular, weights=[1 / place for place in range(1, len(popular) + 1)], k=len(some))
            rows = [
                {"subscriber_id": n, "number": 1, "created_at": now, "profile": Profile(topics=(Topic(t),)).to_json()}
                for n, t in zip(ids, topics, strict=True)
            ]
            made = insert(ProfileVersion).returning(col(ProfileVersion.id), sort_by_parameter_order=True)
            versions = session.execute(made, rows).scalars().all()
            editions = [
                _edition(run, n or 0, v or 0, _content(known, t), now)
                for n, v, t in zip(ids, versions, topics, strict=True)
            ]
            numbers = unused_ids(session, Edition, len(editions))
            insert_missing(session, Edition, [{"id": n, **row} for n, row in zip(numbers, editions, strict=True)])
            owed = [
                deliveries.NewDelivery("digest", e, _address(at), subscriber_id=n, run_id=run.id)
                for at, e, n in zip(some, numbers, ids, strict=True)
            ]
            deliveries.enqueue(session, owed, now)


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


def _reader(number: int, now: object) -> dict[str, object]:
    address = _address(number)
    return {"address": address, "address_key": address, "state": "active", "created_at": now, "confirmed_at": now}


def _topic(chance: random.Random, known: Sequence[PaperVersion]) -> str:
    words = [word for word in chance.choice(known).title.split() if word.isalpha() and len(word) > 3]
    return " ".join(words[:2]) or "learning"


def _content(known: Sequence[PaperVersion], topic: str) -> dict[str, object]:
    entries = [
        Entry(
            paper=one.paper_id,
            revision=one.revision,
            section=NEW if place < PAPERS - 2 else RISING,
            score=900 - place,
            strict=place % 3 == 0,
            topic=0,
            mask=1,
            matched=((0, tuple(topic.split())),),
            signals=(("upvotes", 31.0),) if place >= PAPERS - 2 else (),
        )
        for place, one in enumerate(random.Random(topic).sample(known, PAPERS))
    ]
    return Content(tuple(entries), considered=len(known), more=3).to_json()


def _edition(run: Run, reader: int, profile: int, content: dict[str, object], now: object) -> dict[str, object]:
    return {
        "subscriber_id": reader, "day": DAY, "run_id": run.id, "announcement_id": run.announcement_id,
        "profile_id": profile, "created_at": now, "previous_seen": 0, "kind": "digest", "papers": PAPERS,
        "content": content,
    }  # fmt: skip


class Memory:
    """This process's share of the mails with their data, read before the measurement starts."""

    def __init__(self, place: int, of: int, limit: int) -> None:
        self.letters = composing.MailComposer(settings.get())
        with reading() as session:
            query = select(Delivery).order_by(col(Delivery.id)).limit(limit)
            rows = [as_claimed(row) for row in session.exec(query) if (row.id or 0) % of == place]
            self.known = self.letters._load_contexts(session, rows)
        self.rows = rows

    def engine(self) -> int:
        """Our composer and our connections."""
        shared, flying, taken = transport.shared(settings.get()), set(), 0
        for _, letter in self.letters._made(self.rows, self.known):
            assert isinstance(letter, OutgoingMessage)
            if len(flying) >= shared.size:
                done, flying = wait(flying, return_when=FIRST_COMPLETED)
                taken += sum(future.result().state == SENT for future in done)
            flying.add(shared.send(letter, lambda: True))
        return taken + sum(future.result().state == SENT for future in wait(flying).done)

    def naive(self) -> int:
        """The obvious way."""
        import css_inline
        import dkim

        chosen = settings.get()
        key = (chosen.dkim_key_file or Path()).read_bytes()
        host, _, port = chosen.smtp_url[0].removeprefix("smtp://").partition(":")
        taken = 0
        plainly()
        for row in self.rows:
            forget()
            self.letters._blocks = PaperBlocks()
            known = self.known[row.id]
            rendered = self.letters._rendered(row, known)
            envelope = self.letters._envelope(row, known.reader, self.letters._return_path(row))
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = chosen.mail_from, row.address, rendered.subject  # type: ignore[union-attr]
            mail["Message-ID"], mail["Date"] = row.message_id, row.created_at
            mail["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            mail.set_content(rendered.text)  # type: ignore[union-attr]
            mail.add_alternative(css_inline.inline(rendered.html), subtype="html")  # type: ignore[union-attr]
            raw = mail.as_bytes(policy=SMTP)
            signature = dkim.sign(raw, b"s1", b"digest.example", key)
            with smtplib.SMTP(host, int(port), local_hostname="digest.example") as session:
                session.sendmail("bounce@digest.example", [row.address], signature + raw)
            taken += 1
        return taken


def plainly() -> None:
    """Use the templates as they are written: styles are inlined in each mail instead of once."""

    @cache
    def parts(name: str) -> tuple[Template, Template]:
        source = template_environment._read_template("layout.html").replace(
            "<!-- body -->", template_environment._read_template(f"{name}/body.html")
        )
        before, _, rest = source.replace("<!-- footer -->", template_environment._read_template("footer.html")).partition(
            "<!-- piece -->"
        )
        inside, _, after = rest.partition("<!-- /piece -->")
        page = before + "{{ paper.piece }}" + after
        return template_environment._compile(template_environment._html, page), template_environment._compile(
            template_environment._html, inside
        )

    template_environment.html_template = lambda name: parts(name)[0]  # type: ignore[assignment]
    template_environment.piece_template = lambda name: parts(name)[1]  # type: ignore[assignment]


def forget() -> None:
    """Clear the caches that several mails share."""
    for kept in (paper_view._render_frame, paper_view._reason_line, paper_view._signal):
        kept.cache_clear()


def outbox() -> int:
    """Run passes until nothing is due, as a worker's task does."""
    total = delivering.send_due_mail()
    while total.more:
        total += delivering.send_due_mail()
    return total.sent


def warm(memory: Memory) -> Callable[[], int]:
    """Compile the composer's templates before the measurement, as in a worker that ran before."""
    list(memory.letters.compose(memory.rows[:8]))
    return outbox


def main() -> None:
    """Wait for `go`, send, answer with counts: {"sent", "cpu" in seconds, "rss" in MB}."""
    kind, place, of, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    memory = Memory(place, of, limit)
    work = {"outbox": lambda: warm(memory), "engine": lambda: memory.engine, "naive": lambda: memory.naive}[kind]()
    if kind == "outbox":
        memory.rows, memory.known = [], None  # type: ignore[assignment]
    print("ready", flush=True)
    for _ in sys.stdin:
        cpu, began = time.process_time(), time.monotonic()
        count = work()
        found = {"sent": count, "cpu": time.process_time() - cpu, "seconds": time.monotonic() - began, "rss": _rss()}
        print(json.dumps(found), flush=True)


def _rss() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()

"""What a mail costs to make: `python -m tests.benchmarks.render [SHARED] [--rounds 7]` writes build/bench/render.json.

A run for 400 subscribers with ten papers each out of one day's 150, blocks shared as in a worker: text, HTML and MIME
bytes, unsigned, of mails that follow those of 400 others; also where no two subscribers share a topic. CPU of this
process. Goal: 0.6 ms a mail.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from digest.compose.edition import NEW, RISING, Content, Entry
from digest.compose.email import other_emails
from digest.compose.email.template_context import Recipient, RenderedMail
from digest.mail.mime import message_builder
from digest.mail.mime.quoted_printable import EncodedPieces
from digest.papers import Record
from tests.benchmarks.report import Report
from tests.digest.compose import samples
from tests.mailgate.mails import DOMAIN, SENT_AT, TOPICS

SUBSCRIBERS, PAPERS, DAY = 400, 10, 150


@dataclass(frozen=True, slots=True)
class RenderedDay:
    """The papers of a day, and what was chosen for each subscriber."""

    papers: dict[tuple[int, int], Record]
    recipients: Sequence[tuple[Content, Recipient]]


def day(shared: Path | None, *, strangers: bool = False, seed: int = 5) -> RenderedDay:
    """Real papers where the shared data is; a third of them match each subscriber's words. `seed`: the subscribers."""
    records = samples.real(shared)[:DAY] if shared else [*samples.INVENTED] * (DAY // 4)
    rng = random.Random(seed)
    recipients = []
    for number in range(SUBSCRIBERS):
        topics = tuple(f"{topic} {number}" if strangers else topic for topic in rng.sample(TOPICS, 3))
        entries = tuple(_entry(n, records[n], topics, rng) for n in rng.sample(range(len(records)), PAPERS))
        recipients.append((Content(entries, considered=412), replace(samples.RECIPIENT, topics=topics)))
    return RenderedDay(samples.papers(records), recipients)


def _entry(number: int, record: Record, topics: tuple[str, ...], rng: random.Random) -> Entry:
    topic = rng.randrange(3)
    words = tuple(word for word in topics[topic].split() if word in record.abstract.lower())
    rising = rng.random() < 0.2
    return Entry(
        paper=number,
        revision=1,
        section=RISING if rising else NEW,
        topic=topic if words else -1,
        matched=((topic, words),) if words else (),
        reason="41 votes 10 h after listing" if rising else "",
    )


def _mime(mail: RenderedMail, encoded_pieces: EncodedPieces) -> bytes:
    unsubscribe = samples.LINKS.unsubscribe
    envelope = message_builder.Envelope(
        "digest", ("Papers", f"digest@{DOMAIN}"), f"ada@{DOMAIN}", f"<1@{DOMAIN}>", SENT_AT,
        list_id=DOMAIN, unsubscribe_url=unsubscribe,
    )  # fmt: skip
    return message_builder.build_message(mail, envelope, encoded_pieces)


def _cpu_per_mail(work: Callable[[], object]) -> float:
    """Milliseconds of CPU a mail."""
    started_at = time.process_time()
    work()
    return 1000 * (time.process_time() - started_at) / SUBSCRIBERS


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    work, others = day(options.shared), day(options.shared, strangers=True)
    blocks, report = other_emails.PaperBlocks(), Report("render")
    links, service = samples.LINKS, samples.SERVICE

    def rendered(work: RenderedDay = work) -> list[RenderedMail]:
        return [
            other_emails.digest(c, work.papers, recipient, links, service=service, blocks=blocks)
            for c, recipient in work.recipients
        ]

    mails, earlier_mails = rendered(), rendered(day(options.shared, seed=6))
    for _ in range(options.rounds):
        encoded_pieces = EncodedPieces()
        for mail in earlier_mails:
            _mime(mail, encoded_pieces)
        text = _cpu_per_mail(rendered)
        mime = _cpu_per_mail(lambda pieces=encoded_pieces: [_mime(mail, pieces) for mail in mails])
        report.add("text and HTML", "ms/mail", text)
        report.add("MIME", "ms/mail", mime)
        report.add("text, HTML and MIME", "ms/mail", text + mime)
        blocks.views = other_emails.PaperBlocks().views
        report.add("text and HTML for strangers", "ms/mail", _cpu_per_mail(lambda: rendered(others)))
    report.add("HTML", "bytes", sum(len(mail.html.encode()) for mail in mails) / len(mails))
    report.write(rounds=options.rounds)


if __name__ == "__main__":
    main()

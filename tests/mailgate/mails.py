"""Many different mails, made by the product's public functions and signed with a key of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import other_emails, run_report_email
from digest.compose.email.run_figures import RunFigures
from digest.compose.email.subject_line import QuietDay, WeekFigures
from digest.compose.email.template_context import RenderedMail
from digest.db.outbox.message_ids import DeliveryKey, message_id
from digest.mail.mime import dkim, message_builder
from digest.papers import Record
from tests.digest.compose import samples

DOMAIN, SELECTOR = "papers.example", "gate"
SENT_AT = datetime(2025, 11, 21, 7, 0, tzinfo=UTC)
DAYS = ("2025-09-08", "2025-09-15", "2025-09-29", "2025-10-02", "2026-03-10", "2026-03-24")
TOPICS = (
    "reinforcement learning", "diffusion model", "large language model", "graph neural network", "galaxy", "robot",
    "optimal transport", "medical image", "federated learning", "quantization",
)  # fmt: skip
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
ODD = (
    Record(f"On {LONG[:150]}", f"{LONG[:150]} is long. So is this.", ("A. B. " + LONG[:80],), arxiv_id="2511.00001"),
    Record(
        "تعلم معزز دون اتصال",
        "ملخص قصير. جملة ثانية.",
        ("محمد بن موسى الخوارزمي", "فاطمة الفهرية"),
        arxiv_id="2511.00002",
    ),
    Record(
        "离线强化学习的界",
        "我们研究离线强化学习。结果很好。",
        ("王小明", "李雷", "韩梅梅", "山田太郎"),
        arxiv_id="2511.00003",
    ),
    Record("על גבולות הלמידה", "תקציר קצר.", ("דוד כהן",), arxiv_id="2511.00004"),
    Record(
        r"$\tilde{O}(d\sqrt{\sum_{k=1}^K\sigma_k^2})$ and $\frac{1}{1-\gamma}$ for $1\le\alpha\le2$",
        r"We show $\mathbb{E}[\|x_t-x^*\|^2]\leq\frac{L}{\mu}\exp(-\eta t)$ for all $\eta\in(0,1)$. " * 6,
        (r"Paul Erd\H{o}s", r"\'Emile Borel"),
        arxiv_id="2511.00005",
    ),
    Record(
        "From here to there: 100% of $5, C#, _x_ and <b>", "From the start. & <i>more</i> {{ x }} = 3D.\nFrom us.", ()
    ),
)
RUNS = (
    RunFigures(7, "2025-11-21 07:00", finished=True, seconds=41.3, sent=1204, skipped=31, papers=11_022),
    RunFigures(
        8, "2025-11-21 07:15", finished=True, seconds=4000.0, sent=950, deferred=7, rejected=31, uncertain=2,
        papers=8000, late_sources=(("arxiv-rss", "late"), ("huggingface", "down")),
        notice="arXiv's announcement of 20 November had not arrived when this was made. Its papers come next time.",
    ),
    RunFigures(9, "2025-11-21 07:30", finished=False, seconds=21_600.0, sent=1, waiting=960, papers=1),
)  # fmt: skip
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: its name in reports, its kind, what was rendered, and the bytes that go out."""

    name: str
    kind: str
    rendered: RenderedMail
    raw: bytes

    @property
    def transactional(self) -> bool:
        return self.kind in message_builder.TRANSACTIONAL


def mails(shared: Path | None, number: int) -> tuple[list[Mail], str]:
    """At least `number` mails, and the text of the DNS record that their signatures verify with."""
    pem, record = dkim.generate_key()
    signer = dkim.DkimSigner(DOMAIN, SELECTOR, pem)
    samples_made = []
    for place, (name, kind, rendered) in enumerate(_rendered(shared, number)):
        unsubscribe = samples.LINKS.unsubscribe if kind not in message_builder.TRANSACTIONAL else None
        envelope = message_builder.Envelope(
            kind=kind,
            sender=("Papers Inbox", f"digest@{DOMAIN}"),
            to="ada.byron@reader.example",
            message_id=message_id(DeliveryKey(place, kind, place, 0, SENT_AT), installation="a key", domain=DOMAIN),
            date=SENT_AT,
            list_id=f"papers.{DOMAIN}",
            reply_to=("Papers Inbox", f"help@{DOMAIN}") if place % 2 else None,
            unsubscribe_url=unsubscribe,
            archive_url="https://papers.example",
            feedback_id=f"{place}:{kind}:papers-inbox",
        )
        samples_made.append(Mail(name, kind, rendered, signer.sign(message_builder.build_message(rendered, envelope))))
    return samples_made, record


def spoiled(mail: Mail) -> Mail:
    """The mail with a fault for every checker: one that accepts it checks nothing."""
    fault = '<p style="position:fixed;width:1200px;color:#fffdf9;background-color:#fffdf9">pale<img src="x"></div><h9>'
    start = b"quoted-printable\r\n\r\n"
    raw = mail.raw.replace(b"Subject: ", b"Subject: \xe4 ", 1).replace(start, start + GTUBE + b"\r\n", 1)
    html = mail.rendered.html.replace("</h1>", f"</h1>{fault}", 1)
    return replace(mail, name="spoiled", rendered=replace(mail.rendered, html_pieces=(html,)), raw=raw)


def _rendered(shared: Path | None, number: int) -> Iterator[tuple[str, str, RenderedMail]]:
    """Every kind of mail, then days of all sizes."""
    yield from _small()
    rng = random.Random(11)
    all_records = _papers(shared)
    heavy = sorted(all_records, key=lambda record: -(record.title + record.abstract).count("$"))[:60]
    yield "formulas", "digest", _day(heavy[:5], rng)
    yield "formulas-many", "digest", _day(heavy, rng)
    yield "odd", "digest", _day(ODD, rng)
    for place in range(max(0, number - 18)):
        size = (1, 10, 60, 3, 20, 2, 5)[place % 7]
        papers = [*rng.sample(all_records, min(size, len(all_records)))]
        if place % 5 == 0:
            papers = [*papers[: max(1, size - 2)], *rng.sample(ODD, 2)]
        kind = ("digest", "digest", "welcome", "digest", "resend")[place % 5]
        yield f"day-{place:02}-{len(papers)}", kind, _day(papers, rng, kind=kind)


def _small() -> Iterator[tuple[str, str, RenderedMail]]:
    recipient, links, service = samples.RECIPIENT, samples.LINKS, samples.SERVICE
    yield "notice", "notice", other_emails.no_matches_notice(recipient, links, 412, service=service)
    silent_topic_notice = other_emails.no_matches_notice(
        recipient, links, 412, quiet=QuietDay((LONG, 23)), service=service
    )
    yield "notice-silent", "notice", silent_topic_notice
    week = WeekFigures(1204, 5, date(2025, 11, 14), is_whole=True)
    weekend_notice = other_emails.no_matches_notice(recipient, links, 0, quiet=QuietDay(week=week), service=service)
    yield "notice-weekend", "notice", weekend_notice
    first_notice = other_emails.first_notice(
        recipient, links, 412, since=date(2025, 11, 8), next_day=date(2025, 11, 22), comes_anyway=False, service=service
    )
    yield "first-notice", "notice", first_notice
    yield "empty", "digest", other_emails.digest(Content(considered=412), {}, recipient, links, service=service)
    yield "confirmation", "confirmation", other_emails.confirmation(samples.URL, f"{samples.URL}n", service=service)
    for action in ("export", "erase", "change-address", "new-address"):
        kind = "new-address" if action == "new-address" else "account-link"
        yield action, kind, other_emails.account_link(action, samples.URL, minutes=60, service=service)
    yield "moved", "moved", other_emails.address_changed(service=service)
    yield "link", "link", other_emails.preferences_link(samples.URL, service=service)
    yield "sign-in", "sign-in", other_emails.sign_in(samples.URL, service=service)
    facts = ("Queue: 1,204 waiting", "Oldest: 48 min", f"Server: {LONG[:100]}")
    yield (
        "alarm",
        "alarm",
        other_emails.alarm("Mail is late", facts, url="https://papers.example/admin", service=service),
    )
    admin = "https://papers.example/admin"
    for number, figures in enumerate(RUNS):
        report = run_report_email.run_report(
            figures, run_url=f"{admin}/runs/{figures.run}", sources_url=f"{admin}/sources", service=service
        )
        yield f"run-report-{number}", "run-report", report
    yield "test", "test", other_emails.delivery_test_mail(service=service)
    invented = samples.edition(samples.INVENTED)
    for kind in ("digest", "welcome", "resend"):
        recipient_of_kind = replace(recipient, kind=kind)
        papers = samples.papers(samples.INVENTED)
        yield f"invented-{kind}", kind, other_emails.digest(invented, papers, recipient_of_kind, links, service=service)


def _papers(shared: Path | None) -> list[Record]:
    if shared is None:
        return [*samples.INVENTED, *ODD]
    return [record for day in DAYS for record in samples.real(shared, day)[:400]]


def _day(records: Sequence[Record], rng: random.Random, *, kind: str = "digest") -> RenderedMail:
    """These papers as somebody's day: some by a followed author, some rising, most new."""
    topics = tuple(rng.sample(TOPICS, 3))
    entries = []
    for number, record in enumerate(records):
        section = (
            FOLLOWED if number == 1 and record.authors else RISING if len(records) > 2 and number % 7 == 2 else NEW
        )
        topic = rng.randrange(3)
        matched_words = tuple(word for word in topics[topic].split() if word in record.abstract.lower())
        entries.append(
            Entry(
                paper=number,
                revision=1,
                section=section,
                strict=bool(matched_words),
                topic=topic if matched_words else -1,
                matched=((topic, matched_words),) if matched_words else (),
                followed=record.authors[:1] if section == FOLLOWED else (),
                reason="41 votes 10 h after listing, 2nd of 28 listed today" if section == RISING else "",
                spark="▁▂▅█" if section == RISING else "",
            )
        )
    recipient = replace(samples.RECIPIENT, topics=topics, kind=kind)
    papers = samples.papers(records)
    content = Content(tuple(entries), considered=412, more=len(records) % 4)
    return other_emails.digest(content, papers, recipient, samples.LINKS, service=samples.SERVICE)

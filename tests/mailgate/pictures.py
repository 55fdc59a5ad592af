"""Screenshots of every mail: `python -m tests.mailgate.pictures [FOLDER]` (make preview-mail).

Papers are the seed documents'. Each mail as text, and as pictures, light and dark, 375 and 800 pixels wide.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from playwright.sync_api import Page

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import other_emails, run_report_email
from digest.compose.email.subject_line import QuietDay, WeekFigures
from digest.compose.email.template_context import RenderedMail
from digest.papers import Record
from seeds import loader
from tests.browser import chromium
from tests.browser.pictures import reduced_png
from tests.digest.compose import samples
from tests.mailgate.looks import SCHEMES
from tests.mailgate.mails import RUNS

WIDTHS = (375, 800)
TALLEST = {"day": 2600, "sources": 2600, "welcome": 600, "resend": 600}  # pixels of a picture; the text has the rest
TOPICS = ("offline reinforcement learning", "policy gradient", "KV cache")
FOLLOWS = "Yuejie Chi"
FACTS = (
    ("41 votes 10 h after listing, 2nd of 28 listed today; code, 120 stars", "▁▂▅█"),
    ("23 votes 3 days after listing, +9 since yesterday, 4th of 31 listed that day", "▂▃▅█"),
)


def all_mails() -> Iterator[tuple[str, RenderedMail]]:
    """Each kind of mail by its name."""
    recipient, service = replace(samples.RECIPIENT, topics=TOPICS), samples.SERVICE
    links = replace(samples.LINKS, paper=lambda paper: f"https://papers.example/papers/{paper + 1}")
    records = [paper.record for day in loader.announcements(samples.DAY) for paper in day.papers]
    content, papers = _edition(records), samples.papers(records)
    for kind, name in (("digest", "day"), ("welcome", "welcome"), ("resend", "resend")):
        yield name, other_emails.digest(content, papers, replace(recipient, kind=kind), links, service=service)
    records = _three_sources()
    entries = [_entry(n, 0, -1, [])._replace(matched=((0, ("synapses",)),)) for n in range(len(records))]
    content = Content(tuple(entries), considered=214, more=0)
    about_synapses = replace(recipient, topics=("synapses",))
    yield "sources", other_emails.digest(content, samples.papers(records), about_synapses, links, service=service)
    yield (
        "notice",
        other_emails.no_matches_notice(
            recipient,
            links,
            412,
            quiet=QuietDay((TOPICS[2], 23), week=WeekFigures(2196, 9, date(2025, 11, 14), is_whole=True)),
            service=service,
        ),
    )
    yield (
        "first-notice",
        other_emails.first_notice(
            recipient,
            replace(links, web_view=None),
            3871,
            since=date(2025, 11, 8),
            next_day=date(2025, 11, 22),
            comes_anyway=False,
            service=service,
        ),
    )
    yield "confirmation", other_emails.confirmation(samples.URL, f"{samples.URL}n", service=service)
    yield "link", other_emails.preferences_link("https://papers.example/preferences/WzFd.abc-DEF_123", service=service)
    yield (
        "sign-in",
        other_emails.sign_in("https://papers.example/admin/enter/WzFd.aRx1.abc-DEF_123", minutes=30, service=service),
    )
    facts = ("Queue: 1,204 mails waiting", "The oldest waits for 48 min")
    yield "alarm", other_emails.alarm("Mail is late", facts, url="https://papers.example/admin", service=service)
    admin = "https://papers.example/admin"
    report = run_report_email.run_report(
        RUNS[1], run_url=f"{admin}/runs/7", sources_url=f"{admin}/sources", service=service
    )
    yield "run-report", report
    yield "test", other_emails.delivery_test_mail(service=service)


def _edition(records: list[Record]) -> Content:
    """Papers whose titles match the topics: one by a followed author, three new, two rising."""
    topic_by_paper = {n: topic for topic in range(3) for n in _with(TOPICS[topic], records)[:2]}
    followed = next(n for n in topic_by_paper if FOLLOWS in records[n].authors)
    rising = [n for n in topic_by_paper if n != followed and records[n].code_url][:1]
    rising += [n for n in reversed(topic_by_paper) if n not in {followed, *rising}][:1]
    order = [followed, *(n for n in topic_by_paper if n not in {followed, *rising}), *rising]
    return Content(
        tuple(_entry(n, topic_by_paper[n], followed, rising) for n in order), considered=len(records), more=3
    )


def _three_sources() -> list[Record]:
    """A paper of arXiv, one of bioRxiv and one of a journal's feed, on one topic."""
    arxiv_record = Record(
        title="Learning rules for synapses that remember",
        abstract="A synapse changes within seconds and must keep what it learned for years. We derive a local rule with"
        " two time constants that does both, and show that it stores ten times more patterns than its parts.",
        authors=("Mina Okafor", "Jonas Berg"),
        arxiv_id="2511.09999",
        categories=("q-bio.NC", "cs.NE"),
    )
    preprint = Record(
        title="Synapses of the mouse cortex grow with use",
        abstract="Whether use makes synapses grow is debated. We imaged 4,120 synapses of awake mice for forty days and"
        " found that their size follows the activity of the week before, in all layers alike.",
        authors=("Ada Sample", "Robin Example", "Mai Tran"),
        doi="10.1101/2026.11.20.123456",
        categories=("bio.neuroscience",),
        institutions=("University of Examples",),
        outlets=("bioRxiv",),
    )
    article = Record(
        title="Microglia prune synapses at night",
        abstract="Microglia remove synapses, but when? Recordings around the clock show that they do so in sleep, and"
        " that mice without sleep keep weak synapses.",
        authors=("Noor Haddad", "Wei Li"),
        doi="10.5555/brains.2026.0142",
        categories=("bio.neuroscience",),
        outlets=("Journal of Brains",),
    )
    return [arxiv_record, preprint, article]


def _entry(number: int, topic: int, followed: int, rising: list[int]) -> Entry:
    section = FOLLOWED if number == followed else RISING if number in rising else NEW
    reason, spark = FACTS[rising.index(number)] if number in rising else ("", "")
    return Entry(
        paper=number,
        revision=1,
        section=section,
        strict=True,
        topic=topic,
        matched=((topic, (TOPICS[topic],)),),
        followed=(FOLLOWS,) if section == FOLLOWED else (),
        reason=reason,
        spark=spark,
    )


def _with(phrase: str, records: list[Record]) -> list[int]:
    return [n for n, record in enumerate(records) if phrase.lower() in record.title.lower()]


def _screenshot(page: Page, width: int, tallest: int) -> bytes:
    page.set_viewport_size({"width": width, "height": 100})
    height = min(tallest, page.evaluate("document.documentElement.scrollHeight"))
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def main() -> int:
    """Write all of them; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/mails"))
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    mails = list(all_mails())
    for name, mail in mails:
        (folder / f"{name}.txt").write_text(f"Subject: {mail.subject}\n\n{mail.text}", encoding="utf-8")
    path = chromium.find()
    if path is None:
        print("NOT RUN: pictures: no chromium here; the texts are written")
        return 1
    with chromium.launched(path) as browser:
        scaling_page = browser.new_page()
        for scheme in SCHEMES:
            page = browser.new_page(color_scheme=scheme)
            for name, mail in mails:
                page.set_content(mail.html, wait_until="load")
                for width in WIDTHS:
                    file = folder / f"{name}-{width}-{scheme}.png"
                    file.write_bytes(reduced_png(scaling_page, _screenshot(page, width, TALLEST.get(name, 1200))))
    print(f"{len(mails)} mails in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

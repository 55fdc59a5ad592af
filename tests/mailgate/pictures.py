"""Every mail as its readers see it: `python -m tests.mailgate.pictures [FOLDER]` (make preview-mail).

Papers are the seed documents'. Each mail as text, and as pictures, light and dark, 375 and 800 pixels wide.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from digest.compose import render
from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.views import Rendered
from digest.papers import Record
from seeds import loader
from tests.browser import chromium
from tests.digest.compose import samples
from tests.mailgate.looks import SCHEMES

WIDTHS = (375, 800)
TALLEST = {"day": 2400, "welcome": 600, "resend": 600}  # pixels of a picture; the text has the rest
WORDS = ("reinforcement learning", "offline", "regret")


def every() -> Iterator[tuple[str, Rendered]]:
    """Each kind of mail by its name."""
    reader, links, service = replace(samples.READER, topics=WORDS), samples.LINKS, samples.SERVICE
    records = [paper.record for day in loader.announcements(samples.DAY) for paper in day.papers]
    content, papers = _edition(records), samples.papers(records)
    for kind, name in (("digest", "day"), ("welcome", "welcome"), ("resend", "resend")):
        yield name, render.digest(content, papers, replace(reader, kind=kind), links, service=service)
    yield "notice", render.notice(reader, links, 412, service=service)
    yield "confirmation", render.confirmation(samples.URL, service=service)
    yield "link", render.link(samples.URL, service=service)
    yield "sign-in", render.sign_in(samples.URL, minutes=30, service=service)
    facts = ("Queue: 1,204 mails waiting", "The oldest waits for 48 min")
    yield "alarm", render.alarm("Mail is late", facts, url="https://papers.example/admin", service=service)
    yield "test", render.trial(service=service)


def _edition(records: list[Record]) -> Content:
    """Ten of them: the first by a followed author, those that match a topic, three that rise."""
    matching = [n for n, record in enumerate(records) if _words(record)][:7]
    others = [n for n in range(len(records)) if n not in matching][:3]
    entries = []
    for place, number in enumerate(matching + others):
        record, words = records[number], _words(records[number])
        section = FOLLOWED if place == 0 and record.authors else RISING if number in others else NEW
        entries.append(
            Entry(
                paper=number,
                revision=1,
                section=section,
                strict=True,
                topic=WORDS.index(words[0]) if words else -1,
                matched=tuple((WORDS.index(word), (word,)) for word in words),
                followed=record.authors[:1] if section == FOLLOWED else (),
                reason="41 votes 10 h after listing, 2nd of 28 listed today" if section == RISING else "",
                spark="▁▂▅█" if section == RISING else "",
            )
        )
    return Content(tuple(entries), considered=len(records))


def _words(record: Record) -> tuple[str, ...]:
    text = f"{record.title} {record.abstract}".lower()
    return tuple(word for word in WORDS if word in text)


def main() -> int:
    """Write all of them; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/mails"))
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    mails = list(every())
    for name, mail in mails:
        (folder / f"{name}.txt").write_text(f"Subject: {mail.subject}\n\n{mail.text}", encoding="utf-8")
    path = chromium.find()
    if path is None:
        print("NOT RUN: pictures: no chromium here; the texts are written")
        return 1
    with chromium.launched(path) as browser:
        for scheme in SCHEMES:
            page = browser.new_page(color_scheme=scheme)
            for name, mail in mails:
                page.set_content(mail.html, wait_until="load")
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 600})
                    height = min(TALLEST.get(name, 1200), page.evaluate("document.documentElement.scrollHeight"))
                    page.screenshot(
                        path=folder / f"{name}-{width}-{scheme}.png",
                        full_page=True,
                        clip={"x": 0, "y": 0, "width": width, "height": height},
                    )
    print(f"{len(mails)} mails in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

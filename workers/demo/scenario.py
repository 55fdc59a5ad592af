"""The demo's two days: subscribers sign up on the page, two announcements arrive, mails are sent; then a summary."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx
from rich.text import Text
from sqlmodel import col, select

from digest import clock
from digest.cli import output
from digest.db.core.engine import reading
from digest.db.subscribers import subscribers
from digest.errors import DigestError
from digest.interfaces import Enqueue
from digest.models import Delivery, Edition, Subscriber
from digest.models.delivery import CONFIRMATION, DIGEST, SENT
from digest.services.catalog import novelty_and_score
from digest.services.ingestion.import_document import IngestCounts, store_document
from digest.services.runs import daily_run as days
from seeds import loader
from seeds.demo_subscribers import DEMO_SUBSCRIBERS, DemoSubscriber
from workers.demo.mailbox import Mailbox

_LINK = re.compile(r"https?://\S+/confirm/\S+")
_SECONDS = 60.0


class DemoFailed(DigestError):
    """The demo did not have the expected result; the text says why."""


@dataclass(slots=True)
class DemoScenario:
    """Plays the demo against the running service."""

    base_url: str
    mailbox: Mailbox
    enqueue: Enqueue
    today: date = field(default_factory=lambda: clock.now().astimezone(clock.ARXIV_ZONE).date())

    def run(self) -> None:
        """Sign up, play two days, add a late subscriber. Raises DemoFailed."""
        with httpx.Client(base_url=self.base_url, timeout=30.0) as client:
            for reader in DEMO_SUBSCRIBERS:
                if not reader.subscribes_late:
                    self._sign_up(client, reader)
            output.print_line(f"{sum(not r.subscribes_late for r in DEMO_SUBSCRIBERS)} people subscribed and confirmed")
            for announced in loader.announcements(self.today):
                self._day(announced)
            for reader in DEMO_SUBSCRIBERS:
                if reader.subscribes_late:
                    self._sign_up(client, reader)
                    self._expect(reader, "welcome")
                    output.print_line(f"{reader.name} subscribed late and got a welcome edition")
        self._settle()

    def _sign_up(self, client: httpx.Client, reader: DemoSubscriber) -> None:
        """Sign up as a person does: the form, the confirmation mail, its page, the button."""
        form = {
            "address": reader.address,
            "topics": "\n".join(reader.topics),
            "exclusions": "\n".join(reader.exclusions),
            "categories": " ".join(reader.categories),
            "authors": "\n".join(reader.authors),
            "time_zone": reader.time_zone,
            "send_at": reader.send_at,
        }
        _check(client.post("/subscribe", data=form), f"{reader.name} could not subscribe")
        mail = self.mailbox.wait(reader.address, "", seconds=_SECONDS)
        body = mail.get_body(("plain",)) if mail else None
        link = _LINK.search(body.get_content()) if body else None
        if link is None:
            raise DemoFailed(f"no confirmation mail for {reader.name} after {_SECONDS:.0f} s")
        _check(client.get(link[0]), "the confirmation page")
        _check(client.post(link[0]), f"{reader.name} could not confirm")
        if reader.paused:
            self._pause(client, reader, form)

    def _pause(self, client: httpx.Client, reader: DemoSubscriber, form: dict[str, str]) -> None:
        """Pause for a month on the preferences page."""
        from digest.services.security import signed_links

        with reading() as session:
            found = subscribers.by_key(session, reader.address)
        until = (self.today + timedelta(days=30)).isoformat()
        wishes = {k: v for k, v in form.items() if k != "address"} | {"paused_until": until}
        _check(client.post(signed_links.preferences(found.id if found and found.id else 0), data=wishes), "pausing")

    def _day(self, announced: loader.DemoAnnouncement) -> None:
        total = IngestCounts("seeds")
        for name, parsed in announced.documents:
            total.add(store_document("seeds", name, parsed, day=announced.day))
        novelty_and_score.measure_novelty()
        result = days.run_queued(announced.day, enqueue=self.enqueue, wait=True)
        output.print_line(
            f"{announced.day:%a %d %b}: {total.new} new papers, {total.updated} updated, "
            f"{total.bad} refused; {result.to_line()}"
        )

    def _expect(self, reader: DemoSubscriber, kind: str) -> None:
        """Wait until a delivery of that kind was sent to a subscriber."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            with reading() as session:
                found = session.exec(
                    select(Delivery).where(Delivery.kind == kind, Delivery.address == reader.address)
                ).first()
            if found is not None and found.state == SENT:
                return
            time.sleep(0.2)
        raise DemoFailed(f"no {kind} mail for {reader.name} after {_SECONDS:.0f} s")

    def _settle(self) -> None:
        """Check that each mail is in the mailbox once, and that paused subscribers got only the confirmation."""
        names = [str(kept.parsed()["Message-ID"]) for kept in self.mailbox.all()]
        with reading() as session:
            owed = list(session.exec(select(Delivery)))
        missing = [d for d in owed if d.state != SENT or d.message_id not in names]
        if missing:
            raise DemoFailed(f"{len(missing)} of {len(owed)} mails are not in the mailbox")
        if len(set(names)) != len(names):
            raise DemoFailed("a mail came twice")
        for reader in DEMO_SUBSCRIBERS:
            got = [d for d in owed if d.address == reader.address and d.kind != CONFIRMATION]
            if reader.paused and got:
                raise DemoFailed(f"{reader.name} is paused and got {len(got)} mails")
            if not reader.paused and not got:
                raise DemoFailed(f"{reader.name} got no mail")


def summary() -> None:
    """Print a table: subscriber, topics, papers by date, states of the mails."""
    rows: list[Sequence[object]] = []
    with reading() as session:
        for reader in DEMO_SUBSCRIBERS:
            found = session.exec(select(Subscriber).where(Subscriber.address_key == reader.address)).one()
            editions = session.exec(
                select(Edition).where(Edition.subscriber_id == found.id).order_by(col(Edition.day))
            ).all()
            mails = session.exec(
                select(Delivery).where(Delivery.address == reader.address).order_by(col(Delivery.id))
            ).all()
            who = Text.assemble(reader.name, "\n", (reader.description, "muted"))
            rows.append((who, _wants(reader), _papers(editions), _states(mails)))
    output.table(["subscriber", "topics", "papers", "mails"], rows, whole=["papers", "mails"])


def _wants(reader: DemoSubscriber) -> str:
    """What a subscriber typed, one preference per line."""
    followed = [f"★ {author}" for author in reader.authors]
    refused = [f"not {query}" for query in reader.exclusions]
    return "\n".join([*reader.topics, *followed, *reader.categories, *refused]) or "–"


def _papers(editions: Sequence[Edition]) -> str:
    """The papers of each edition by section, oldest first."""
    shown = []
    for edition in editions:
        sections = [entry["section"] for entry in edition.content["entries"]]
        parts = [f"{n} {name}" for name in ("followed", "new", "rising") if (n := sections.count(name))]
        kind = "" if edition.kind == DIGEST else f"{edition.kind}, "
        shown.append(f"{edition.day:%d %b}: {kind}{', '.join(parts)}")
    return "\n".join(shown) or "none"


def _states(mails: Sequence[Delivery]) -> str:
    """The number of mails in each state."""
    return ", ".join(f"{count} {state}" for state, count in Counter(mail.state for mail in mails).items())


def _check(response: httpx.Response, what: str) -> None:
    if response.is_error:
        raise DemoFailed(f"{what}: HTTP {response.status_code} {response.text[:200]}")

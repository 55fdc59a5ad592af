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
from sqlmodel import Session

from digest import clock
from digest.cli import output
from digest.db.core.engine import reading
from digest.db.outbox import subscriber_mail
from digest.db.runs import editions
from digest.db.subscribers import subscribers
from digest.errors import DigestError
from digest.models import Delivery, Edition, Subscriber
from digest.models.delivery import DIGEST, EDITION_KINDS, SENT
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.catalog import novelty_and_score
from digest.services.ingestion.import_document import IngestCounts, store_document
from digest.services.runs import daily_run
from digest.services.search import search_indexing
from seeds import loader
from seeds.demo_subscribers import DEMO_SUBSCRIBERS, DemoSubscriber
from workers.demo.mail_server import Maildir

_CONFIRMATION_LINK = re.compile(r"https?://\S+/confirm/\S+")
_TIMEOUT_SECONDS = 60.0


class DemoFailed(DigestError):
    """The demo did not have the expected result; the text says why."""


@dataclass(slots=True)
class DemoScenario:
    """Plays the demo against the running service."""

    base_url: str
    mailbox: Maildir
    enqueue: Enqueue
    today: date = field(default_factory=lambda: clock.now().astimezone(clock.ARXIV_ZONE).date())

    def run(self) -> None:
        """Sign up, play two days, add a late subscriber. Raises DemoFailed."""
        with httpx.Client(base_url=self.base_url, timeout=30.0) as client:
            for subscriber in DEMO_SUBSCRIBERS:
                if not subscriber.subscribes_late:
                    self._sign_up(client, subscriber)
            early_count = sum(not subscriber.subscribes_late for subscriber in DEMO_SUBSCRIBERS)
            output.print_line(f"{early_count} people subscribed and confirmed")
            for announcement in loader.announcements(self.today):
                self._play_day(announcement)
            for subscriber in DEMO_SUBSCRIBERS:
                if subscriber.subscribes_late:
                    self._sign_up(client, subscriber)
                    self._wait_for_delivery(subscriber, "welcome")
                    output.print_line(f"{subscriber.name} subscribed late and got a welcome edition")
        self._check_mailbox()

    def _sign_up(self, client: httpx.Client, subscriber: DemoSubscriber) -> None:
        """Sign up as a person does: the form, the confirmation mail, its page, the button."""
        form = {
            "address": subscriber.address,
            "topics": "\n".join(subscriber.topics),
            "exclusions": "\n".join(subscriber.exclusions),
            "categories": " ".join(subscriber.categories),
            "authors": "\n".join(subscriber.authors),
            "time_zone": subscriber.time_zone,
            "send_at": subscriber.send_at,
        }
        _require_success(client.post("/subscribe", data=form), f"{subscriber.name} could not subscribe")
        mail = self.mailbox.wait_for(subscriber.address, "", seconds=_TIMEOUT_SECONDS)
        body = mail.get_body(("plain",)) if mail else None
        link = _CONFIRMATION_LINK.search(body.get_content()) if body else None
        if link is None:
            raise DemoFailed(f"no confirmation mail for {subscriber.name} after {_TIMEOUT_SECONDS:.0f} s")
        _require_success(client.get(link[0]), "the confirmation page")
        _require_success(client.post(link[0]), f"{subscriber.name} could not confirm")
        if subscriber.paused:
            self._pause(client, subscriber, form)

    def _pause(self, client: httpx.Client, subscriber: DemoSubscriber, form: dict[str, str]) -> None:
        """Pause for a month on the preferences page."""
        from digest.services.security import signed_links

        with reading() as session:
            subscriber_id = stored_id(_find_subscriber(session, subscriber))
        until = (self.today + timedelta(days=30)).isoformat()
        preferences = {k: v for k, v in form.items() if k != "address"} | {"paused_until": until}
        _require_success(client.post(signed_links.preferences(subscriber_id), data=preferences), "pausing")

    def _play_day(self, announcement: loader.DemoAnnouncement) -> None:
        total = IngestCounts("seeds")
        for name, parsed in announcement.documents:
            total.add(store_document("seeds", name, parsed, day=announcement.day))
        novelty_and_score.measure_novelty()
        search_indexing.index_papers()
        result = daily_run.run_queued(announcement.day, enqueue=self.enqueue, wait=True)
        output.print_line(
            f"{announcement.day:%a %d %b}: {total.new} new papers, {total.updated} updated, "
            f"{total.bad} refused; {result.to_line()}"
        )

    def _wait_for_delivery(self, subscriber: DemoSubscriber, kind: str) -> None:
        """Wait until a delivery of that kind was sent to a subscriber."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with reading() as session:
                mails = subscriber_mail.mail_to_address(session, subscriber.address)
            if any(mail.kind == kind and mail.state == SENT for mail in mails):
                return
            time.sleep(0.2)
        raise DemoFailed(f"no {kind} mail for {subscriber.name} after {_TIMEOUT_SECONDS:.0f} s")

    def _check_mailbox(self) -> None:
        """Check that each mail is in the mailbox once, and that paused subscribers got no papers."""
        message_ids = [str(mail.parse()["Message-ID"]) for mail in self.mailbox.received()]
        with reading() as session:
            deliveries = subscriber_mail.all_mail(session)
        missing = [d for d in deliveries if d.state != SENT or d.message_id not in message_ids]
        if missing:
            raise DemoFailed(f"{len(missing)} of {len(deliveries)} mails are not in the mailbox")
        if len(set(message_ids)) != len(message_ids):
            raise DemoFailed("a mail came twice")
        for subscriber in DEMO_SUBSCRIBERS:
            received = [d for d in deliveries if d.address == subscriber.address and d.kind in EDITION_KINDS]
            if subscriber.paused and received:
                raise DemoFailed(f"{subscriber.name} is paused and got {len(received)} mails")
            if not subscriber.paused and not received:
                raise DemoFailed(f"{subscriber.name} got no mail")


def print_summary() -> None:
    """Print a table: subscriber, topics, papers by date, states of the mails."""
    rows: list[Sequence[object]] = []
    with reading() as session:
        for subscriber in DEMO_SUBSCRIBERS:
            stored_subscriber = _find_subscriber(session, subscriber)
            received = editions.all_editions_of_subscriber(session, stored_id(stored_subscriber))
            mails = subscriber_mail.mail_to_address(session, subscriber.address)
            name_cell = Text.assemble(subscriber.name, "\n", (subscriber.description, "muted"))
            rows.append((name_cell, _preference_lines(subscriber), _edition_lines(received), _state_counts(mails)))
    output.print_table(["subscriber", "topics", "papers", "mails"], rows, unbroken=["papers", "mails"])


def _find_subscriber(session: Session, subscriber: DemoSubscriber) -> Subscriber:
    stored_subscriber = subscribers.by_key(session, subscriber.address)
    if stored_subscriber is None:
        raise DemoFailed(f"{subscriber.name} is not stored")
    return stored_subscriber


def _preference_lines(subscriber: DemoSubscriber) -> str:
    """What a subscriber typed, one preference per line."""
    author_lines = [f"★ {author}" for author in subscriber.authors]
    exclusion_lines = [f"not {query}" for query in subscriber.exclusions]
    return "\n".join([*subscriber.topics, *author_lines, *subscriber.categories, *exclusion_lines]) or "–"


def _edition_lines(editions: Sequence[Edition]) -> str:
    """The papers of each edition by section, oldest first."""
    lines = []
    for edition in editions:
        sections = [entry["section"] for entry in edition.content["entries"]]
        parts = [f"{count} {name}" for name in ("followed", "new", "rising") if (count := sections.count(name))]
        kind = "" if edition.kind == DIGEST else f"{edition.kind}, "
        lines.append(f"{edition.day:%d %b}: {kind}{', '.join(parts)}")
    return "\n".join(lines) or "none"


def _state_counts(mails: Sequence[Delivery]) -> str:
    """The number of mails in each state."""
    return ", ".join(f"{count} {state}" for state, count in Counter(mail.state for mail in mails).items())


def _require_success(response: httpx.Response, action: str) -> None:
    if response.is_error:
        raise DemoFailed(f"{action}: HTTP {response.status_code} {response.text[:200]}")

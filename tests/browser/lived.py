"""A service after three weeks of use: real papers, subscribers who joined and left, mails and bounces."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import time_machine
from sqlmodel import col, select

from digest.compose.edition import Content
from digest.compose.email.template_context import RATE, feedback_suffix
from digest.db.core import engine
from digest.models import Bounce, Delivery, Edition, Paper, Subscriber
from digest.papers import ListedPaper, ParsedDocument
from digest.services.security import signed_links
from seeds import loader
from seeds.demo_subscribers import DEMO_SUBSCRIBERS, DemoSubscriber
from tests.browser.site import Site, link

LAST = date(2025, 11, 21)  # a Friday
ANNOUNCEMENTS = 14
GUESTS = 6  # who sign up one by one; the second and the fifth unsubscribe
NOON = timedelta(hours=12)


def weekdays(announcements: int) -> list[date]:
    """The last mailing days, oldest first."""
    days = (LAST - timedelta(days=n) for n in range(2 * announcements + 7))
    return sorted(day for day in days if day.weekday() < 5)[-announcements:]


def live_through(site: Site, clock: time_machine.Traveller, *, announcements: int = ANNOUNCEMENTS) -> None:
    """Sign all subscribers up, then announce papers and mail day by day."""
    days = weekdays(announcements)
    clock.move_to(_noon(days[0] - timedelta(days=1)))
    for demo_subscriber in DEMO_SUBSCRIBERS:
        if not demo_subscriber.subscribes_late:
            _sign_up(site, demo_subscriber)
    for number, (day, papers) in enumerate(zip(days, _shares(len(days)), strict=True)):
        clock.move_to(_noon(day))
        site.announce(day, {"the day's papers": ParsedDocument(papers)})
        site.run()
        if number % 2 and number // 2 < GUESTS:
            _guest(site, number // 2)
    _bounces(days)


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _shares(parts: int) -> list[tuple[ListedPaper, ...]]:
    """All seed papers, dealt out to so many days."""
    papers = [paper for announced in loader.announcements(LAST) for paper in announced.papers]
    return [tuple(papers[part::parts]) for part in range(parts)]


def _sign_up(site: Site, demo_subscriber: DemoSubscriber) -> None:
    form = {
        "address": demo_subscriber.address,
        "topics": "\n".join(demo_subscriber.topics),
        "exclusions": "\n".join(demo_subscriber.exclusions),
        "categories": " ".join(demo_subscriber.categories),
        "authors": "\n".join(demo_subscriber.authors),
        "time_zone": demo_subscriber.time_zone,
        "send_at": demo_subscriber.send_at,
    }
    httpx.post(f"{site.url}/subscribe", data=form, follow_redirects=True).raise_for_status()
    httpx.post(link(site.mail(demo_subscriber.address), "confirm"), follow_redirects=True).raise_for_status()


def _guest(site: Site, number: int) -> None:
    guest = replace(DEMO_SUBSCRIBERS[-1], name=f"guest{number}")
    _sign_up(site, guest)
    if number in {1, 4}:
        with engine.reading() as session:
            guest_row = session.exec(select(Subscriber).where(Subscriber.address == guest.address)).one()
        httpx.post(signed_links.unsubscribe(guest_row.id or 0)).raise_for_status()


def _bounces(days: list[date]) -> None:
    """A few bounce reports of two weeks."""
    bounces_by_day = ((2, "soft"), (5, "soft"), (5, "hard"), (9, "soft"), (11, "complaint"))
    with engine.transaction() as session:
        for number, (day, kind) in enumerate(bounces_by_day):
            bounced_at = _noon(days[day % len(days)])
            session.add(
                Bounce(report_key=f"told:{number}", address_key=f"x{number}@one.example", kind=kind, at=bounced_at)
            )


def addresses(site: Site) -> dict[str, str]:
    """Every page that opens without a sign-in or a click."""
    with engine.reading() as session:
        ada = session.exec(select(Subscriber).where(Subscriber.address == DEMO_SUBSCRIBERS[0].address)).one()
        unsubscribed = session.exec(select(Subscriber).where(Subscriber.state == "left")).first()
        edition = session.exec(select(Edition).where(Edition.subscriber_id == ada.id).order_by(col(Edition.day))).all()
        paper = session.exec(select(Paper).where(Paper.announcement_id == LAST.toordinal())).first()
        pending = session.exec(select(Delivery).where(Delivery.kind == "confirmation").order_by(col(Delivery.id))).all()
    assert unsubscribed
    rated_id = Content.from_json(edition[-1].content).entries[0].paper
    assert paper
    topics = "%0A".join(topic.replace(" ", "+") for topic in DEMO_SUBSCRIBERS[0].topics)
    confirmed = pending[0]
    return {
        "start": f"{site.url}/",
        "preview": f"{site.url}/?topics={topics}&time_zone=Europe/Berlin",
        "mistake": f'{site.url}/?topics="open',
        "trending": f"{site.url}/trending",
        "category": f"{site.url}/trending/cs.LG",
        "paper": f"{site.url}/papers/{paper.id}",
        "author": f"{site.url}/authors/Niao He",
        "search": f"{site.url}/search?q=learning",
        "list of papers": f"{site.url}/papers?ids=2310.18919",
        "feedback": f"{signed_links.feedback(edition[-1].id or 0)}{feedback_suffix(rated_id, RATE)}",
        "further papers": f"{signed_links.edition(edition[-1].id or 0)}/more",
        "confirmed": signed_links.confirm(confirmed.subscriber_id or 0, (confirmed.payload or {})["request_id"]),
        "preferences": signed_links.preferences(ada.id or 0),
        "preferences of one who left": signed_links.preferences(unsubscribed.id or 0),
        "unsubscribe": signed_links.unsubscribe(ada.id or 0),
        "unsubscribed": signed_links.unsubscribe(unsubscribed.id or 0),
        "edition": signed_links.edition(edition[-1].id or 0),
        "mail me my link": f"{signed_links.edition(edition[-1].id or 0)}/link",
        "sign-in": f"{site.url}/admin",
        "nothing": f"{site.url}/nothing",
    }


def request_link(site: Site, address: str = "newton@digest.example", page: str = "confirm") -> str:
    """The link in the confirmation mail of a new sign-up; with `page` not-me, the link to reject it."""
    form = {"address": address, "topics": "\n".join(DEMO_SUBSCRIBERS[0].topics), "time_zone": "Europe/Berlin"}
    httpx.post(f"{site.url}/subscribe", data=form, follow_redirects=True).raise_for_status()
    return link(site.mail(address), page)


def request_address_change(site: Site) -> str:
    """The link in the mail for a change of address."""
    with engine.reading() as session:
        ada = session.exec(select(Subscriber).where(Subscriber.address == DEMO_SUBSCRIBERS[0].address)).one()
    httpx.post(
        signed_links.preferences(ada.id or 0), data={"action": "change-address"}, follow_redirects=True
    ).raise_for_status()
    return link(site.mail(ada.address, "Change your address"), "account")

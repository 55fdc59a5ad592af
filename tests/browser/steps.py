"""What people do on the pages, step by step, with and without the script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from email.message import EmailMessage

import httpx
import pytest
from playwright.sync_api import Page
from sqlmodel import col, select

from digest.compose.email.paper_block import paper_block
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.reference import reference_matcher
from digest.models import Paper, Subscriber
from digest.services.catalog import epochs
from tests.browser.site import Site, link, text_of

ADA = "ada@digest.example"
TOPICS = ("offline reinforcement learning", "sample complexity", "linear function approximation")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
# Of a test that the script changes nothing for: one window in `make test`, the other in `make soak`.
MAINLY_SCRIPT, MAINLY_NO_SCRIPT = (
    pytest.mark.parametrize(
        "context",
        [pytest.param(has_script), pytest.param(not has_script, marks=pytest.mark.soak)],
        indirect=True,
    )
    for has_script in (True, False)
)


def type_topics(page: Page, topics: Sequence[str]) -> None:
    """Type into the tag field where the script has made one, else into the text area."""
    entry = page.locator("#topic")
    if entry.count() == 0:
        page.fill("#topics", "\n".join(topics))
        return
    for topic in topics:
        entry.fill(topic)
        entry.press("Enter")


def unfold_list(page: Page) -> None:
    """Show the list of topics in the preferences."""
    page.get_by_text("Edit the topics as a list").click()


def sign_up(page: Page, site: Site, topics: Sequence[str] = TOPICS, address: str = ADA) -> EmailMessage:
    """Fill and send the form; return the confirmation mail."""
    page.goto(site.url)
    type_topics(page, topics)
    page.fill("#time_zone", "Europe/Berlin")
    page.fill("#address", address)
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()
    return site.mail(address)


def subscribe(site: Site, topics: Sequence[str] = TOPICS, address: str = ADA) -> None:
    """Sign up and press the button of the mail as a client without a browser, which takes a fraction of the time."""
    form = {"address": address, "topics": "\n".join(topics), "time_zone": "Europe/Berlin"}
    httpx.post(f"{site.url}/subscribe", data=form, follow_redirects=True).raise_for_status()
    httpx.post(link(site.mail(address), "confirm"), follow_redirects=True).raise_for_status()
    assert subscriber_row(address).state == "active"


def sign_in(page: Page, site: Site, address: str) -> None:
    """Sign in as administrator, by the link in the mail."""
    httpx.post(f"{site.url}/admin/sign-in", data={"address": address}, follow_redirects=True).raise_for_status()
    page.goto(link(site.mail(address, "ign in"), "admin/enter"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def titles(page: Page) -> list[str]:
    """The papers that a mail, or its web view, shows, in order."""
    return [" ".join(text.split()) for text in page.locator("h3").all_inner_texts()]


def titles_of(mail: EmailMessage, page: Page) -> list[str]:
    """The papers of a mail as its HTML shows them."""
    page.set_content(text_of(mail, "html"))
    return titles(page)


def titles_by_reference(topics: Sequence[str], day: date, *, limit: int = 10) -> list[str]:
    """The papers that the reference matcher gives for that announcement, none of which has a signal."""
    with reading() as session:
        numbers = session.exec(select(Paper.id).where(col(Paper.announcement_id) == day.toordinal())).all()
        records = {
            number: record for number, (_, record) in store.newest_versions(session, [n for n in numbers if n]).items()
        }
        epoch = runs.newest_epoch(session)
    weights = epochs.weights(epoch)
    candidates = [Candidate(number, record, day.toordinal()) for number, record in records.items()]
    profile = Profile(topics=tuple(map(Topic, topics)), limit=limit)
    return [
        paper_block(records[match.paper]).title
        for match in reference_matcher.match(profile, candidates, weights, tau=None)
    ]


def subscriber_row(address: str = ADA) -> Subscriber:
    with reading() as session:
        return session.exec(select(Subscriber).where(Subscriber.address == address)).one()

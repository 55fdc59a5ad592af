"""Who is subscribed already and signs up again is offered to add what is new."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine

from digest import settings
from digest.db.core.engine import reading
from digest.db.subscribers import subscribers
from digest.matching.profile import Profile
from digest.matching.profile_limits import MAX_TOPICS
from digest.services.delivery.render_messages import MailComposer
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, Browser, everything, mails, only_subscriber, subscribed
from tests.outbox import as_claimed

FOLLOW = {"topics": 'au:"Niao He"', "authors": "Niao He"}


@pytest.fixture
def ada(web: Browser, clock_stands: time_machine.Traveller) -> Browser:
    """The application a day after Ada subscribed to offline reinforcement learning."""
    subscribed(web)
    clock_stands.shift(timedelta(days=1))
    return web


def profile() -> Profile:
    with reading() as session:
        return subscribers.profile_of(session, only_subscriber())


def mail_after(web: Browser, **fields: str) -> str:
    """Sign up again. Returns the text of the mail that follows."""
    assert web.post("/subscribe", data={"address": ADA} | fields).status_code == 303
    ((_, mail),) = MailComposer(settings.get()).compose([as_claimed(mails()[-1])])
    return mail.raw.decode().replace("=\r\n", "").replace("=3D", "=")  # type: ignore[union-attr]


def offer(text: str) -> str:
    """The path of the link that offers the addition."""
    match = re.search(r"http://testserver(/confirm/[^\s>\"]+)", text)
    assert match
    return match[1]


@MAINLY_SQLITE
def test_following_an_author_as_a_subscriber_offers_the_addition_by_mail(ada: Browser) -> None:
    before = profile()
    page = offer(mail_after(ada, **FOLLOW))
    text = ada.get(page).text

    assert "Add this to your subscription?" in text
    assert "Niao He" in text
    assert profile() == before


@MAINLY_SQLITE
def test_the_button_adds_topics_and_authors_and_leaves_everything_else(ada: Browser) -> None:
    before = profile()
    page = offer(mail_after(ada, **FOLLOW, limit="3", exclusions="survey"))

    assert "Added to your subscription" in ada.post(page).text
    after = profile()
    assert [topic.text for topic in after.topics] == [topic.text for topic in before.topics] + ['au:"Niao He"']
    assert (after.authors, after.limit, after.exclusions) == (("Niao He",), before.limit, before.exclusions)


@MAINLY_SQLITE
def test_adding_a_second_time_changes_nothing(ada: Browser) -> None:
    page = offer(mail_after(ada, **FOLLOW))
    ada.post(page)
    before = everything()

    assert "Nothing has changed" in ada.post(page).text
    assert everything() == before


@MAINLY_SQLITE
def test_a_sign_up_with_nothing_new_gets_the_preferences_link_alone(ada: Browser) -> None:
    text = mail_after(ada, topics="offline reinforcement learning")

    assert "/preferences/" in text
    assert "/confirm/" not in text


@MAINLY_SQLITE
def test_an_addition_beyond_the_limit_of_topics_is_refused_in_plain_words(ada: Browser) -> None:
    page = offer(mail_after(ada, topics="\n".join(f"graphs {number}" for number in range(MAX_TOPICS))))
    before = profile()
    response = ada.post(page)

    assert response.status_code == 409
    assert "remove some in your preferences" in response.text
    assert profile() == before


@MAINLY_SQLITE
def test_the_mail_shows_nothing_that_a_stranger_typed(ada: Browser) -> None:
    assert "buy gold" not in mail_after(ada, topics="buy gold")


@MAINLY_SQLITE
def test_the_offer_goes_out_of_date(ada: Browser, clock_stands: time_machine.Traveller) -> None:
    page = offer(mail_after(ada, **FOLLOW))
    before = profile()
    clock_stands.shift(timedelta(days=60))

    assert "Added" not in ada.post(page).text
    assert profile() == before


@MAINLY_SQLITE
def test_a_script_that_sends_the_form_without_its_button_adds_nothing(ada: Browser) -> None:
    page = offer(mail_after(ada, **FOLLOW))
    before = profile()
    ada.post(page, data={"on_page": "yes"})

    assert profile() == before

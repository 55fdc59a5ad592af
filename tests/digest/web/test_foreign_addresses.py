"""The sign-up form with somebody else's address: nothing happens that its owner did not confirm."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlmodel import select

from digest import settings
from digest.db.bounces import reports
from digest.db.core import engine
from digest.mail.mime.composer_interface import OutgoingMessage, WithheldMail
from digest.models import Suppression
from digest.services.admin import subscriber_admin
from digest.services.delivery.render_messages import MailComposer
from digest.services.security import signed_links
from digest.services.subscriptions import pending_cleanup
from digest.web.http import constant_time
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, NOW, Browser, everything, mails, only_subscriber, path, subscribed
from tests.outbox import as_claimed

STRANGE = {
    "address": ADA,
    "topics": "what a stranger typed",
    "cadence": "weekly",
    "weekday": "3",
    "time_zone": "Asia/Tokyo",
    "send_at": "23:00",
    "quiet_day": "notice",
}
PRIVATE = ("subscriber", "profile_version", "consent", "edition", "feedback", "suppression")


def private() -> dict[str, object]:
    """All stored data about subscribers."""
    return {name: rows for name, rows in everything().items() if name in PRIVATE}


def pending(web: Browser) -> None:
    web.post("/subscribe", data={"address": ADA, "topics": "graphs", "send_at": "06:30"})


def active(web: Browser) -> None:
    subscribed(web)


def former(web: Browser) -> None:
    subscribed(web)
    web.post(path(signed_links.unsubscribe(1)))


def suppress(reason: str = "no such address", suppressed_at: datetime = NOW, source: str = "report 5.1.1") -> None:
    with engine.transaction() as session:
        reports.suppress(session, ADA, reason=reason, source=source, at=suppressed_at)


def sign_up(web: Browser) -> None:
    assert web.post("/subscribe", data=STRANGE).status_code == 303


def confirmations() -> int:
    return [mail.kind for mail in mails()].count("confirmation")


def newest_confirmation() -> str:
    payload = next(mail.payload for mail in reversed(mails()) if mail.kind == "confirmation")
    assert payload
    return path(signed_links.confirm(1, payload["request_id"]))


def composed() -> OutgoingMessage | WithheldMail:
    """The newest mail, as the sender would send it."""
    ((_, mail),) = MailComposer(settings.get()).compose([as_claimed(mails()[-1])])
    return mail


@MAINLY_SQLITE
@pytest.mark.parametrize("before", [pending, active, former])
@pytest.mark.parametrize("door", ["/subscribe", "/api/v1/subscriptions"])
def test_a_sign_up_changes_nothing_that_is_kept_about_a_known_address(
    web: Browser, before: Callable[[Browser], None], door: str
) -> None:
    before(web)
    stored = private()
    form = {"data": STRANGE} if door == "/subscribe" else {"json": STRANGE | {"topics": ["x"], "weekday": 3}}
    assert web.post(door, **form).status_code in {303, 202}

    assert private() == stored


def test_the_requested_subscription_starts_when_it_is_confirmed(web: Browser) -> None:
    former(web)
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        sign_up(web)
        page = web.get(newest_confirmation())
        web.post(newest_confirmation())
    subscriber = only_subscriber()

    assert "what a stranger typed" in page.text
    assert "Asia/Tokyo" in page.text
    assert (subscriber.state, subscriber.time_zone, subscriber.send_at.hour, subscriber.cadence) == (
        "active",
        "Asia/Tokyo",
        23,
        "weekly",
    )


@MAINLY_SQLITE
def test_a_confirmation_page_shows_its_own_request_and_not_what_is_kept(web: Browser) -> None:
    """The mail may be old, or forwarded: the page shows what was requested then."""
    pending(web)
    first = newest_confirmation()
    web.post(first)
    web.post(path(signed_links.preferences(1)), data={"topics": "a secret topic", "send_at": "21:45"})
    page = web.get(first).text

    assert "graphs" in page
    assert "a secret topic" not in page
    assert "21:45" not in page


def test_the_older_of_two_requests_starts_its_own_schedule(web: Browser) -> None:
    pending(web)
    first = newest_confirmation()
    sign_up(web)
    web.post(first)

    assert only_subscriber().send_at.isoformat() == "06:30:00"
    assert "what a stranger typed" not in str(everything()["profile_version"])


def test_a_second_confirmation_of_an_active_subscriber_changes_nothing(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    pending(web)
    clock_stands.shift(timedelta(minutes=2))  # an inbox gets its next confirmation after a minute
    sign_up(web)
    web.post(path(signed_links.confirm(1, 1)))
    before = everything()

    assert web.post(path(signed_links.confirm(1, 2))).status_code == 200
    assert everything() == before


@MAINLY_SQLITE
@pytest.mark.parametrize("before", [pending, active, former, lambda web: None, lambda web: suppress("complaint")])
def test_the_answer_takes_the_same_time_whether_or_not_the_address_is_known(
    web: Browser, monkeypatch: pytest.MonkeyPatch, before: Callable[[Browser], None]
) -> None:
    """The wait makes the times equal; the requested wait is compared, no time is measured."""
    before(web)
    durations: list[float] = []
    started = time.perf_counter()

    async def sleep(seconds: float) -> None:
        durations.append(time.perf_counter() - started + seconds)

    monkeypatch.setattr(constant_time.asyncio, "sleep", sleep)
    started = time.perf_counter()
    sign_up(web)

    assert len(durations) == 1
    assert durations[0] >= constant_time.STEP_SECONDS


# An address that bounced


@pytest.mark.parametrize("reason", ["no such address", "keeps failing"])
@pytest.mark.parametrize("before", [pending, active, former])
def test_confirming_lifts_a_suppression_after_bounces(
    web: Browser, clock_stands: time_machine.Traveller, reason: str, before: Callable[[Browser], None]
) -> None:
    before(web)
    suppress(reason)
    clock_stands.shift(timedelta(days=8))
    sign_up(web)
    assert isinstance(composed(), OutgoingMessage)
    assert len(everything()["suppression"]) == 1
    web.post(newest_confirmation())

    assert everything()["suppression"] == []
    assert only_subscriber().state == "active"
    assert only_subscriber().send_at.hour == 23


@MAINLY_SQLITE
def test_an_address_that_bounced_gets_one_confirmation_a_week(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    suppress()
    sent = []
    for _ in range(15):
        sign_up(web)
        sent.append(confirmations())
        clock_stands.shift(timedelta(days=1))

    assert sent == [1] * 7 + [2] * 7 + [3]


@pytest.mark.parametrize("before", [active, former])
def test_an_address_that_bounced_right_after_sign_up_can_confirm_again_at_once(
    web: Browser, clock_stands: time_machine.Traveller, before: Callable[[Browser], None]
) -> None:
    before(web)
    suppress()
    clock_stands.shift(timedelta(hours=2))
    for _ in range(2):
        sign_up(web)

    assert confirmations() == 2
    web.post(newest_confirmation())
    assert everything()["suppression"] == []


def test_a_confirmation_from_before_the_bounce_does_not_lift_it(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    pending(web)
    first = newest_confirmation()
    clock_stands.shift(timedelta(hours=1))
    suppress(suppressed_at=NOW + timedelta(hours=1))

    assert web.post(first).status_code == 410
    assert len(everything()["suppression"]) == 1


@MAINLY_SQLITE
@pytest.mark.parametrize("reason", ["complaint", "not me", "asked us by phone"])
def test_no_sign_up_lifts_another_suppression(web: Browser, clock_stands: time_machine.Traveller, reason: str) -> None:
    active(web)
    suppress(reason)
    queued = len(mails())
    clock_stands.shift(timedelta(days=30))
    sign_up(web)

    assert len(mails()) == queued
    assert web.post(path(signed_links.preferences(1)), data={"action": "return"}).status_code == 200
    assert len(everything()["suppression"]) == 1


def test_what_an_administrator_suppressed_stays_so_whatever_reason_was_given(web: Browser) -> None:
    subscriber_admin.suppress_address(ADA, reason="no such address")
    sign_up(web)

    assert mails() == []


@pytest.mark.parametrize("reason", ["complaint", "not me"])
def test_a_persons_own_reason_replaces_that_of_a_bounce(web: Browser, reason: str) -> None:
    suppress("keeps failing")
    suppress(reason)
    suppress("no such address")
    sign_up(web)

    with engine.reading() as session:
        assert session.exec(select(Suppression)).one().reason == reason
    assert mails() == []


@MAINLY_SQLITE
def test_editions_to_an_address_that_bounced_are_still_withheld(web: Browser) -> None:
    active(web)
    sign_up(web)
    suppress()

    assert isinstance(composed(), WithheldMail)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("no such address", "Its mail server says that this address does not exist."),
        ("keeps failing", "Our mail to it failed again and again."),
        ("complaint", "One of our mails was reported as spam from there."),
        ("not me", "not me, never mail me again"),
        ("asked us by phone", "An administrator stopped it."),
    ],
)
def test_the_preferences_tell_why_no_mail_comes(web: Browser, reason: str, words: str) -> None:
    active(web)
    suppress(reason)
    page = web.get(path(signed_links.preferences(1))).text

    assert "No mail has gone to this address since Fri 21 Nov 2025." in page
    assert words in page
    assert "asked us by phone" not in page
    assert ("subscribe once more" in page) == (reason in {"no such address", "keeps failing"})


# Not me


@pytest.mark.parametrize("door", ["the confirmation page", "the mail"])
def test_not_me_sends_nothing_to_the_address_ever_again(
    web: Browser, clock_stands: time_machine.Traveller, door: str
) -> None:
    pending(web)
    if door == "the mail":
        response = web.post(path(signed_links.not_me(1, 1)))
    else:
        response = web.post(newest_confirmation(), data={"on_page": "yes", "action": "not-me"})
    clock_stands.shift(timedelta(days=9))
    sign_up(web)

    assert response.status_code == 200
    assert [(mail.kind, mail.state) for mail in mails()] == [("confirmation", "cancelled")]
    assert [row[1:3] for row in everything()["suppression"]] == [(ADA, "not me")]
    assert only_subscriber().state == "pending"


def test_not_me_may_be_repeated(web: Browser) -> None:
    pending(web)
    link = path(signed_links.not_me(1, 1))

    assert [web.post(link).status_code for _ in range(2)] == [200, 200]


def test_after_not_me_the_confirmation_starts_nothing(web: Browser) -> None:
    pending(web)
    confirm = newest_confirmation()
    web.post(path(signed_links.not_me(1, 1)))

    assert web.post(confirm).status_code == 409
    assert only_subscriber().state == "pending"


@MAINLY_SQLITE
def test_not_me_of_a_confirmed_subscription_is_refused(web: Browser) -> None:
    active(web)
    before = everything()

    assert web.post(path(signed_links.not_me(1, 1))).status_code == 409
    assert everything() == before


@MAINLY_SQLITE
def test_not_me_of_a_sign_up_that_was_deleted_says_so(web: Browser, clock_stands: time_machine.Traveller) -> None:
    pending(web)
    clock_stands.shift(timedelta(days=31))
    while_kept = web.get(path(signed_links.not_me(1, 1))).status_code
    pending_cleanup.delete_unconfirmed()

    assert while_kept == 200
    assert web.get(path(signed_links.not_me(1, 1))).status_code == 410

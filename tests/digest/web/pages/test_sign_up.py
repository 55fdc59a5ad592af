"""Signing up, confirming, and what nobody else can learn or change by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlmodel import delete, select

from digest.db.core import engine
from digest.models import Batch, Consent, FeedSource, ProfileVersion, SignUpRequest, Subscriber, Suppression
from digest.models.paper import Announcement
from digest.services.admin import source_admin
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import (
    ADA,
    NOW,
    Browser,
    RecordingQueue,
    everything,
    mails,
    only_subscriber,
    path,
    subscribed,
)

PREFERENCES = {
    "address": ADA,
    "topics": 'offline reinforcement learning\r\n"diffusion model*" AND protein',
    "exclusions": "survey",
    "categories": ["cs.LG", "stat.ML"],
    "authors": "Yingbin Liang",
    "cadence": "weekdays",
    "weekday": "2",
    "time_zone": "Europe/Berlin",
    "send_at": "07:22",
    "close": "false",
    "limit": "5",
    "quiet_day": "notice",
}


@MAINLY_SQLITE
def test_the_sign_up_form_stores_every_field(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)
    web.post(path(signed_links.confirm(1, 1)))
    subscriber = only_subscriber()

    assert (subscriber.address, subscriber.state, subscriber.cadence, subscriber.weekday) == (
        ADA,
        "active",
        "weekdays",
        2,
    )
    assert (subscriber.time_zone, subscriber.send_at.isoformat(), subscriber.quiet_day) == (
        "Europe/Berlin",
        "07:15:00",
        "notice",
    )
    with engine.reading() as session:
        profile = session.exec(select(ProfileVersion)).one().profile
    assert [topic["text"] for topic in profile["topics"]] == [
        "offline reinforcement learning",
        '"diffusion model*" AND protein',
    ]
    assert profile["exclusions"] == ["survey"]
    assert profile["categories"] == ["cs.LG", "stat.ML"]
    assert profile["authors"] == ["Yingbin Liang"]
    assert (profile["close"], profile["limit"]) == (False, 5)


@MAINLY_SQLITE
def test_subjects_by_name_sources_and_languages_of_a_sign_up_are_stored(
    web: Browser, configured: Callable[..., None]
) -> None:
    configured(SOURCES="default,biorxiv")
    choices = {"categories": ["cs.LG", "Neuroscience"], "sources": ["arxiv", "biorxiv"], "languages": ["en"]}
    web.post("/subscribe", data=PREFERENCES | choices)
    web.post(path(signed_links.confirm(1, 1)))
    with engine.reading() as session:
        profile = session.exec(select(ProfileVersion)).one().profile
    page = web.get(path(signed_links.preferences(1))).text

    assert profile["categories"] == ["cs.LG", "bio.neuroscience"]
    assert (profile["sources"], profile["languages"]) == (["arxiv", "biorxiv"], ["en"])
    for box in ("bio.neuroscience", "arxiv", "biorxiv", "en"):
        assert f'value="{box}" checked' in page


@MAINLY_SQLITE
@pytest.mark.parametrize(("sources", "is_offered"), [("default", False), ("default,biorxiv", True)])
def test_sources_are_offered_where_there_are_several(
    web: Browser, configured: Callable[..., None], sources: str, is_offered: bool
) -> None:
    configured(SOURCES=sources)

    assert ('name="sources" value="arxiv"' in web.get("/?topics=graphs").text) is is_offered


def test_a_sign_up_queues_one_confirmation_and_wakes_the_sender(web: Browser, queue: RecordingQueue) -> None:
    web.post("/subscribe", data=PREFERENCES)

    assert [(mail.kind, mail.address, mail.state) for mail in mails()] == [("confirmation", ADA, "queued")]
    assert queue.delivered == 1


@MAINLY_SQLITE
def test_the_answer_is_the_same_for_every_address(web: Browser) -> None:
    unknown = web.post("/subscribe", data=PREFERENCES)
    pending = web.post("/subscribe", data=PREFERENCES)
    subscribed(web, "bob@digest.example")
    active = web.post("/subscribe", data=PREFERENCES | {"address": "bob@digest.example"})
    with engine.transaction() as session:
        session.add(Suppression(address_key="eve@digest.example", reason="complaint", at=NOW))
    suppressed = web.post("/subscribe", data=PREFERENCES | {"address": "eve@digest.example"})

    assert {unknown.text, pending.text, active.text, suppressed.text} == {unknown.text}
    assert {unknown.status_code, pending.status_code, active.status_code, suppressed.status_code} == {303}


def test_nothing_is_queued_for_a_suppressed_address(web: Browser) -> None:
    with engine.transaction() as session:
        session.add(Suppression(address_key=ADA, reason="complaint", at=NOW))
    web.post("/subscribe", data=PREFERENCES)

    assert mails() == []


@MAINLY_SQLITE
def test_a_sign_up_for_an_active_subscriber_changes_nothing_and_mails_their_link(web: Browser) -> None:
    before = subscribed(web)
    web.post("/subscribe", data=PREFERENCES | {"topics": "something else", "send_at": "23:00"})

    assert only_subscriber() == before
    assert [mail.kind for mail in mails()] == ["confirmation", "link"]


@MAINLY_SQLITE
def test_an_address_gets_three_confirmations_a_day_at_most_with_growing_gaps(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    sent_after_minutes = []
    for minute in (*range(0, 70, 5), *range(70, 1504, 90), 1504, 1505):
        clock_stands.move_to(NOW + timedelta(minutes=minute))
        before = len(mails())
        browser = Browser(web.app, host=f"198.51.100.{minute % 250}")
        assert browser.post("/subscribe", data=PREFERENCES).status_code == 303
        sent_after_minutes += [minute] * (len(mails()) - before)

    assert sent_after_minutes == [0, 5, 65, 65 + 24 * 60]
    assert [mail.serial for mail in mails()] == [0, 1, 2, 3]


@MAINLY_SQLITE
def test_the_spellings_of_one_inbox_share_its_limit(web: Browser) -> None:
    for address in ("ada@gmail.com", "a.d.a@gmail.com", "ADA+x@gmail.com", "ada+y+z@googlemail.com"):
        assert web.post("/subscribe", data=PREFERENCES | {"address": address}).status_code == 303
    web.post("/subscribe", data=PREFERENCES | {"address": "a.da@digest.example"})
    web.post("/subscribe", data=PREFERENCES | {"address": "ada@digest.example"})

    assert [mail.address for mail in mails()] == ["ada@gmail.com", "a.da@digest.example", "ada@digest.example"]


@MAINLY_SQLITE
def test_above_the_ceiling_sign_ups_are_refused_and_administrators_are_notified(
    web: Browser, configured: Callable[..., None], clock_stands: time_machine.Traveller
) -> None:
    configured(SIGN_UP_CEILING=2)
    responses = [
        Browser(web.app, host=f"198.51.100.{n}").post(
            "/subscribe", data=PREFERENCES | {"address": f"r{n}@digest.example"}
        )
        for n in range(4)
    ]
    clock_stands.shift(timedelta(minutes=61))
    later = web.post("/subscribe", data=PREFERENCES | {"address": "r9@digest.example"})

    assert [response.status_code for response in responses] == [303, 303, 429, 429]
    assert later.status_code == 303
    assert [mail.kind for mail in mails()] == ["confirmation", "confirmation", "alarm", "confirmation"]


def test_at_the_ceiling_an_address_that_gets_nothing_anyway_is_answered_alike(
    web: Browser, configured: Callable[..., None]
) -> None:
    configured(SIGN_UP_CEILING=1)
    web.post("/subscribe", data=PREFERENCES)

    assert web.post("/subscribe", data=PREFERENCES).status_code == 429


@MAINLY_SQLITE
def test_a_client_gets_twenty_sign_ups_an_hour_at_most(web: Browser) -> None:
    responses = [web.post("/subscribe", data=PREFERENCES | {"address": f"reader{n}@digest.example"}) for n in range(21)]

    assert [response.status_code for response in responses] == [303] * 20 + [429]
    assert responses[-1].headers["retry-after"] == "3600"
    assert len(mails()) == 20
    assert Browser(web.app, host="203.0.113.8").post("/subscribe", data=PREFERENCES).status_code == 303


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [("address", "nobody"), ("topics", '"open'), ("time_zone", "Mars"), ("send_at", "25:00"), ("cadence", "hourly"),
     ("weekday", "9"), ("limit", "500"), ("categories", "all of them"), ("authors", "?"), ("close", "maybe"),
     ("quiet_day", "x"), ("exclusions", "a AND")],
)  # fmt: skip
def test_a_wrong_field_is_named_and_what_was_typed_is_kept(web: Browser, field: str, value: str) -> None:
    response = web.post("/subscribe", data=PREFERENCES | {field: value})

    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert "Yingbin Liang" in response.text or field == "authors"
    assert everything()["subscriber"] == []


@MAINLY_SQLITE
def test_a_missing_address_is_named(web: Browser) -> None:
    response = web.post("/subscribe", data={"topics": "graphs"})

    assert response.status_code == 422
    assert 'id="address-error"' in response.text


@MAINLY_SQLITE
def test_looking_at_a_confirmation_changes_nothing(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)
    link = path(signed_links.confirm(1, 1))
    before = everything()
    responses = [web.get(link), web.head(link), web.ask("OPTIONS", link)]

    assert everything() == before
    assert [response.status_code for response in responses] == [200, 200, 405]


def test_confirming_starts_the_mail_and_keeps_the_proof(web: Browser, queue: RecordingQueue) -> None:
    with engine.transaction() as session:
        session.add(Announcement(id=1, day=NOW.date()))
        session.flush()
        session.add(Batch(source="seeds", announcement_id=1, started_at=NOW, known_at=NOW))
        session.add(Batch(source="seeds", announcement_id=1, started_at=NOW, known_at=NOW + timedelta(hours=1)))
    web.post("/subscribe", data=PREFERENCES)
    response = web.post(path(signed_links.confirm(1, 1)))
    subscriber = only_subscriber()

    assert response.status_code == 200
    assert (subscriber.state, subscriber.confirmed_at, subscriber.profile_id, subscriber.seen_through) == (
        "active",
        NOW,
        1,
        1,
    )
    assert subscriber.next_due_at == datetime(2025, 11, 24, 6, 15, tzinfo=UTC)
    assert queue.welcomed == [1]
    with engine.reading() as session:
        events = session.exec(select(Consent)).all()
    assert [event.event for event in events] == ["asked", "confirmed"]
    assert all(event.wording and len(event.client) == 64 for event in events)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("days_ago", "promise"),
    [
        ((), "No papers have been announced here yet: the first mail comes after the next announcement."),
        ((0,), "the best of the last day"),
        ((0, 2), "the best of the last 3 days"),
        ((0, 1, 11), "the best of the last two weeks"),
    ],
)
def test_the_page_after_confirming_promises_only_the_days_that_are_stored(
    web: Browser, days_ago: tuple[int, ...], promise: str
) -> None:
    with engine.transaction() as session:
        session.execute(delete(Announcement))
        for days in days_ago:
            day = NOW.date() - timedelta(days=days)
            session.add(Announcement(id=day.toordinal(), day=day))
    web.post("/subscribe", data=PREFERENCES)
    page = web.post(path(signed_links.confirm(1, 1))).text

    assert promise in page


def test_confirming_twice_starts_the_mail_once(web: Browser, queue: RecordingQueue) -> None:
    web.post("/subscribe", data=PREFERENCES)
    web.post(path(signed_links.confirm(1, 1)))
    before = everything()
    second_answer = web.post(path(signed_links.confirm(1, 1)))

    assert second_answer.status_code == 200
    assert everything() == before
    assert queue.welcomed == [1]


@MAINLY_SQLITE
def test_each_confirmation_starts_the_topics_it_was_sent_for(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)
    web.post("/subscribe", data=PREFERENCES | {"topics": "what a stranger typed later", "send_at": "23:00"})
    web.post(path(signed_links.confirm(1, 1)))

    assert "what a stranger typed later" not in str(everything()["profile_version"])
    assert only_subscriber().send_at.isoformat() == "07:15:00"


def test_a_source_that_was_removed_before_the_confirmation_is_not_chosen(web: Browser) -> None:
    with engine.transaction() as session:
        session.add(FeedSource(name="journal", title="A Journal", url="https://x.example/feed", added_at=NOW))
    web.post("/subscribe", data={**PREFERENCES, "sources": ["a-journal"]})
    source_admin.remove_feed("journal", actor="test")
    web.post(path(signed_links.confirm(1, 1)))

    with engine.reading() as session:
        (profile,) = session.exec(select(ProfileVersion.profile)).all()
        (requested,) = session.exec(select(SignUpRequest.profile)).all()
    assert (requested["sources"], profile.get("sources")) == (["a-journal"], None)


def test_a_confirmation_is_good_for_two_weeks(web: Browser, clock_stands: time_machine.Traveller) -> None:
    web.post("/subscribe", data=PREFERENCES)
    clock_stands.shift(timedelta(days=15))
    response = web.post(path(signed_links.confirm(1, 1)))

    assert response.status_code == 410
    assert only_subscriber().state == "pending"


@MAINLY_SQLITE
def test_an_old_confirmation_does_not_resubscribe_an_unsubscribed_person(web: Browser) -> None:
    subscribed(web)
    web.post(path(signed_links.unsubscribe(1)))
    response = web.post(path(signed_links.confirm(1, 1)))

    assert response.status_code == 410
    assert only_subscriber().state == "left"


def test_an_unsubscribed_person_can_sign_up_again(web: Browser, clock_stands: time_machine.Traveller) -> None:
    subscribed(web)
    web.post(path(signed_links.unsubscribe(1)))
    clock_stands.shift(timedelta(minutes=5))
    web.post("/subscribe", data=PREFERENCES)
    web.post(path(signed_links.confirm(1, 2)))

    assert (only_subscriber().state, only_subscriber().profile_id) == ("active", 2)


def test_an_address_suppressed_since_is_not_started(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)
    with engine.transaction() as session:
        session.add(Suppression(address_key=ADA, reason="complaint", at=NOW))
    response = web.post(path(signed_links.confirm(1, 1)))

    assert response.status_code == 409
    assert only_subscriber().state == "pending"


@MAINLY_SQLITE
def test_the_request_of_another_subscriber_can_not_be_confirmed(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)
    web.post("/subscribe", data=PREFERENCES | {"address": "bob@digest.example"})

    assert web.post(path(signed_links.confirm(1, 2))).status_code == 404


def test_two_spellings_of_one_address_are_one_subscriber(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)
    web.post("/subscribe", data=PREFERENCES | {"address": "ADA@Digest.Example"})

    with engine.reading() as session:
        assert len(session.exec(select(Subscriber)).all()) == 1


@MAINLY_SQLITE
def test_no_address_stands_in_the_counters_of_limits(web: Browser) -> None:
    web.post("/subscribe", data=PREFERENCES)

    assert everything()["rate_limit_counter"]
    assert ADA not in str(everything()["rate_limit_counter"])
    assert "203.0.113" not in str(everything())


@MAINLY_SQLITE
def test_a_sign_up_redirects_so_that_reloading_sends_nothing_again(web: Browser) -> None:
    response = web.post("/subscribe", data=PREFERENCES)
    page = web.get(response.headers["location"])

    assert (response.status_code, response.headers["location"]) == (303, "/subscribed")
    assert (page.status_code, "Check your inbox" in page.text) == (200, True)
    assert len(mails()) == 1


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("typed", "topics"),
    [
        ("graph neural network, transformers, diffusion", ["graph neural network", "transformers", "diffusion"]),
        ("bandits,\nprotein folding,,", ["bandits", "protein folding"]),
        ("KV cache; quantization;", ["KV cache", "quantization"]),
        ("bandits，protein folding；graphs、trees", ["bandits", "protein folding", "graphs", "trees"]),
        ('"risk; return", bandits', ['"risk; return"', "bandits"]),
        ('"risk, return" AND trading, bandits', ['"risk, return" AND trading', "bandits"]),
        ('(folding OR "a, b") AND protein, bandits', ['(folding OR "a, b") AND protein', "bandits"]),
    ],
)
def test_commas_and_semicolons_separate_topics_outside_of_quotes(web: Browser, typed: str, topics: list[str]) -> None:
    web.post("/subscribe", data=PREFERENCES | {"topics": typed})
    web.post(path(signed_links.confirm(1, 1)))

    with engine.reading() as session:
        profile = session.exec(select(ProfileVersion)).one().profile
    assert [topic["text"] for topic in profile["topics"]] == topics


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("cadence", "hourly", "Use one of daily, weekdays or weekly"),
        ("limit", "500", "Use 50 or less"),
        ("limit", "many", "Use a whole number"),
        ("close", "maybe", "Use true or false"),
        ("address", "", "This is required"),
    ],
)
def test_an_error_is_in_plain_words_beside_its_field(web: Browser, field: str, value: str, message: str) -> None:
    response = web.post("/subscribe", data=PREFERENCES | {field: value})

    assert f'id="{field}-error">{message}</p>' in response.text


@MAINLY_SQLITE
def test_too_many_sign_ups_keep_what_was_typed(web: Browser) -> None:
    for n in range(20):
        web.post("/subscribe", data=PREFERENCES | {"address": f"subscriber{n}@digest.example"})
    response = web.post("/subscribe", data=PREFERENCES)

    assert (response.status_code, 'id="address-error"' in response.text) == (429, True)
    assert "Yingbin Liang" in response.text

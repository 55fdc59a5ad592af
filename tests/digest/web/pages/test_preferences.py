"""The preferences page: changes, pauses, export and erasure."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlmodel import col, select

from digest.db.core import engine
from digest.db.outbox import deliveries
from digest.models import Bounce, Edition, ProfileVersion, Subscriber, Suppression
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import (
    ADA,
    NOW,
    Browser,
    RecordingQueue,
    account_link,
    everything,
    mails,
    only_subscriber,
    path,
    subscribed,
)

CHANGED = {
    "topics": "protein folding",
    "cadence": "weekly",
    "weekday": "0",
    "time_zone": "Asia/Tokyo",
    "send_at": "18:00",
    "limit": "7",
    "close": "true",
    "quiet_day": "notice",
    "paused_until": "2025-12-24",
}


def profiles() -> list[ProfileVersion]:
    with engine.reading() as session:
        return list(session.exec(select(ProfileVersion).order_by(col(ProfileVersion.id))))


@MAINLY_SQLITE
def test_looking_changes_nothing(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    before = everything()
    responses = [web.get(link), web.head(link)]

    assert everything() == before
    assert [response.status_code for response in responses] == [200] * 2
    assert {answer.headers["cache-control"] for answer in responses} == {"no-store"}


def test_saving_keeps_a_further_version_and_the_next_slot(web: Browser) -> None:
    subscribed(web)
    response = web.post(path(signed_links.preferences(1)), data=CHANGED)
    subscriber = only_subscriber()

    assert "Saved." in response.text
    assert [(version.number, version.profile["topics"][0]["text"]) for version in profiles()] == [
        (1, "offline reinforcement learning"),
        (2, "protein folding"),
    ]
    assert (subscriber.profile_id, subscriber.send_at, subscriber.quiet_day) == (2, time(18, 0), "notice")
    assert subscriber.paused_until == date(2025, 12, 24)
    assert subscriber.next_due_at == datetime(2025, 12, 29, 9, 0, tzinfo=UTC)


def test_at_most_so_many_and_how_relevant_are_kept_and_shown_again(web: Browser) -> None:
    subscribed(web)
    text = web.post(path(signed_links.preferences(1)), data=CHANGED | {"minimum": "high"}).text

    assert [(version.profile["limit"], version.profile["minimum"]) for version in profiles()] == [
        (10, "usual"),
        (7, "high"),
    ]
    assert '<option value="high" selected>' in text


def test_saving_the_same_topics_makes_no_further_version(web: Browser) -> None:
    subscribed(web)
    web.post(path(signed_links.preferences(1)), data={"topics": "offline reinforcement learning", "send_at": "09:00"})

    assert len(profiles()) == 1
    assert only_subscriber().send_at == time(9, 0)


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paused_until", "soon"),
        ("paused_until", "2027-12-24"),
        ("topics", '"open'),
        ("time_zone", "Mars"),
        ("limit", "0"),
        ("minimum", "enormous"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(web: Browser, field: str, value: str) -> None:
    subscribed(web)
    before = everything()
    response = web.post(path(signed_links.preferences(1)), data=CHANGED | {field: value})

    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert everything() == before


def test_the_data_comes_as_json_whole(web: Browser) -> None:
    subscribed(web)
    response = web.post(account_link(web, "export"))
    message = json.loads(response.text)

    assert message["subscriber"]["address"] == ADA
    assert message["profile"]["topics"][0]["text"] == "offline reinforcement learning"
    assert [event["event"] for event in message["consent"]] == ["asked", "confirmed"]
    assert [mail["kind"] for mail in message["mails"]] == ["confirmation", "account-link"]
    assert "attachment" in response.headers["content-disposition"]


def leave_traces() -> None:
    """Store everything that may be kept about a subscriber."""
    with engine.transaction() as session:
        deliveries.enqueue(
            session, [deliveries.NewDelivery("digest", 1, ADA, subscriber_id=1, payload={"to": ADA})], NOW
        )
        session.add(
            Edition(
                subscriber_id=1,
                day=NOW.date(),
                announcement_id=1,
                profile_id=1,
                created_at=NOW,
                previous_seen=0,
                content={},
            )
        )
        session.add(Bounce(report_key="r1", address_key=ADA, kind="soft", at=NOW))
        session.flush()
        session.connection().exec_driver_sql("UPDATE delivery SET reply = '550 5.1.1 <ada@digest.example> unknown'")


def test_erasing_leaves_no_trace_of_the_address_in_any_table(web: Browser) -> None:
    subscribed(web)
    leave_traces()
    response = web.post(account_link(web, "erase"))
    remaining = everything()

    assert response.status_code == 200
    assert ADA not in str(remaining)
    assert remaining["subscriber"] == remaining["profile_version"] == remaining["consent"] == remaining["edition"] == []
    assert {(mail.state, mail.address, mail.payload) for mail in mails()} == {("cancelled", "", None)}
    assert web.get(path(signed_links.preferences(1))).status_code == 404


@MAINLY_SQLITE
def test_only_a_hash_of_a_suppressed_address_stays(web: Browser) -> None:
    subscribed(web)
    link = account_link(web, "erase")
    with engine.transaction() as session:
        session.add(Suppression(address_key=ADA, reason="complaint", source=f"report of {ADA}", at=NOW))
    web.post(link)
    remaining = everything()

    assert ADA not in str(remaining)
    assert remaining["suppression"] == []
    assert [row[2:4] for row in remaining["former_address"]] == [("complaint", True)]


@MAINLY_SQLITE
def test_links_of_an_erased_subscriber_never_open_another_ones_page(web: Browser) -> None:
    subscribed(web)
    web.post(account_link(web, "erase"))
    web.post("/subscribe", data={"address": "bob@digest.example"})

    assert only_subscriber().id == 2
    assert web.get(path(signed_links.preferences(1))).status_code == 404


@MAINLY_SQLITE
def test_an_unknown_button_is_refused(web: Browser) -> None:
    subscribed(web)

    assert web.post(path(signed_links.preferences(1)), data={"action": "explode"}).status_code == 422


def test_a_pause_that_is_over_is_no_obstacle_to_saving(web: Browser) -> None:
    subscribed(web)
    response = web.post(
        path(signed_links.preferences(1)), data=CHANGED | {"paused_until": (NOW - timedelta(days=9)).date().isoformat()}
    )

    assert response.status_code == 200


def _version(text: str) -> str:
    match = re.search(r'name="version" value="([0-9a-f]{16})"', text)
    assert match is not None
    return match[1]


def test_of_two_tabs_the_second_to_save_is_refused_and_overwrites_nothing(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    version = _version(web.get(link).text)
    first = web.post(link, data=CHANGED | {"version": version})
    second = web.post(link, data=CHANGED | {"topics": "bandits", "version": version})

    assert (first.status_code, second.status_code) == (200, 409)
    assert ("changed elsewhere" in second.text, "bandits" in second.text) == (True, True)
    assert profiles()[-1].profile["topics"][0]["text"] == "protein folding"


@MAINLY_SQLITE
def test_saving_again_after_a_conflict_replaces_the_other_change(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    version = _version(web.get(link).text)
    web.post(link, data=CHANGED | {"version": version})
    conflict = web.post(link, data=CHANGED | {"topics": "bandits", "version": version})
    second_save = web.post(link, data=CHANGED | {"topics": "bandits", "version": _version(conflict.text)})

    assert second_save.status_code == 200
    assert profiles()[-1].profile["topics"][0]["text"] == "bandits"


def _shown_versions(text: str) -> str:
    match = re.search(r'name="shown" value="([^"]+)"', text)
    assert match is not None
    return match[1]


@MAINLY_SQLITE
def test_the_page_says_when_the_next_mail_comes(web: Browser) -> None:
    subscribed(web)
    text = web.get(path(signed_links.preferences(1))).text

    assert re.search(r"Next mail (today|tomorrow|\w{3} \d+ Nov 2025) at \d\d:\d\d\.", text)


@MAINLY_SQLITE
def test_a_section_is_saved_alone_and_what_was_typed_elsewhere_stays(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    form = {
        "action": "save-schedule",
        "topics": "bandits",
        "send_at": "18:00",
        "shown": _shown_versions(web.get(link).text),
    }
    response = web.post(link, data=form)

    assert (response.status_code, "bandits" in response.text) == (200, True)
    assert only_subscriber().send_at == time(18, 0)
    assert len(profiles()) == 1


@MAINLY_SQLITE
def test_sections_changed_in_two_tabs_do_not_conflict(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    shown_versions = _shown_versions(web.get(link).text)
    first = web.post(link, data={"action": "save-schedule", "send_at": "18:00", "shown": shown_versions})
    second = web.post(link, data={"action": "save-topics", "topics": "bandits", "shown": shown_versions})

    assert (first.status_code, second.status_code) == (200, 200)
    assert profiles()[-1].profile["topics"][0]["text"] == "bandits"


@MAINLY_SQLITE
def test_the_second_tab_is_told_the_new_value_and_loses_nothing_typed(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    shown_versions = _shown_versions(web.get(link).text)
    web.post(link, data={"action": "save-schedule", "send_at": "18:00", "shown": shown_versions})
    second = web.post(link, data={"action": "save-schedule", "send_at": "06:15", "shown": shown_versions})
    third_answer = web.post(
        link, data={"action": "save-schedule", "send_at": "06:15", "shown": _shown_versions(second.text)}
    )

    assert second.status_code == 409
    assert ("Send time: 18:00" in second.text, 'value="06:15"' in second.text) == (True, True)
    assert (third_answer.status_code, only_subscriber().send_at) == (200, time(6, 15))


@MAINLY_SQLITE
def test_a_section_saved_first_hides_no_conflict_in_another(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    shown_versions = _shown_versions(web.get(link).text)
    web.post(link, data={"action": "save-topics", "topics": "bandits", "shown": shown_versions})
    saved = web.post(
        link, data={"action": "save-schedule", "topics": "graphs", "send_at": "18:00", "shown": shown_versions}
    )
    conflict = web.post(link, data={"action": "save-topics", "topics": "graphs", "shown": _shown_versions(saved.text)})

    assert (saved.status_code, conflict.status_code) == (200, 409)
    assert profiles()[-1].profile["topics"][0]["text"] == "bandits"


@MAINLY_SQLITE
def test_a_topic_is_edited_limited_and_muted_in_its_row(web: Browser) -> None:
    subscribed(web)
    topic = "offline reinforcement learning"
    row = {"topic": topic, "edited": "offline RL", "cap": "3", "muted": topic, "new_topic": "bandits"}
    response = web.post(path(signed_links.preferences(1)), data={"action": "tune"} | row)
    topics = profiles()[-1].profile["topics"]

    assert response.status_code == 200
    assert (topics[0]["text"], topics[-1]["text"]) == ("offline RL", "bandits")
    assert (topics[0]["cap"], topics[0]["muted"]) == (3, True)


@MAINLY_SQLITE
def test_a_topic_is_deleted_in_its_row(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    web.post(link, data={"action": "save-topics", "topics": "graphs\nbandits"})
    rows = {"topic": ["graphs", "bandits"], "edited": ["graphs", "bandits"], "cap": ["", ""]}
    web.post(link, data={"action": "remove 0"} | rows)

    assert [item["text"] for item in profiles()[-1].profile["topics"]] == ["bandits"]


@MAINLY_SQLITE
def test_a_wrong_topic_in_a_row_is_named_and_everything_typed_stays(web: Browser) -> None:
    subscribed(web)
    topic = "offline reinforcement learning"
    row = {"topic": topic, "edited": topic, "cap": "7", "new_topic": '"open'}
    response = web.post(path(signed_links.preferences(1)), data={"action": "tune"} | row)

    assert response.status_code == 422
    assert 'id="new_topic-error"' in response.text
    assert ('value="7"' in response.text, "&#34;open" in response.text) == (True, True)
    assert len(profiles()) == 1


@MAINLY_SQLITE
def test_pausing_and_resuming_take_a_button_each(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    paused = web.post(link, data={"action": "pause", "days": "7"})
    paused_until = only_subscriber().paused_until
    resumed = web.post(link, data={"action": "resume"})

    assert ("End the pause" in paused.text, "End the pause" in resumed.text) == (True, False)
    assert paused_until == NOW.date() + timedelta(days=7)
    assert only_subscriber().paused_until is None


@MAINLY_SQLITE
@pytest.mark.parametrize("days", ["", "0", "-1", "x", "367", "9" * 400])
def test_a_pause_of_no_length_is_refused(web: Browser, days: str) -> None:
    subscribed(web)
    response = web.post(path(signed_links.preferences(1)), data={"action": "pause", "days": days})

    assert response.status_code == 422
    assert only_subscriber().paused_until is None


@MAINLY_SQLITE
def test_the_newest_edition_is_sent_again_three_times_a_day_at_most(web: Browser, queue: RecordingQueue) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    before = queue.delivered
    statuses = [web.post(link, data={"action": "send-now"}).status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert queue.delivered == before + 3


@MAINLY_SQLITE
def test_leaving_takes_a_button_at_the_bottom(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    response = web.post(link, data={"action": "leave"})

    assert "You get no mail." in response.text
    assert only_subscriber().state == "left"


@MAINLY_SQLITE
def test_topics_are_previewed_without_being_saved(web: Browser) -> None:
    subscribed(web)
    response = web.post(path(signed_links.preferences(1)), data={"action": "preview", "topics": "bandits"})

    assert 'class="bars"' in response.text
    assert len(profiles()) == 1


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("typed", "added"),
    [
        ("graphs, bandits", ["graphs", "bandits"]),
        ('"graphs, directed", bandits', ['"graphs, directed"', "bandits"]),
        ("(graphs OR trees), ,bandits,", ["(graphs OR trees)", "bandits"]),
    ],
)
def test_commas_separate_topics_that_are_added(web: Browser, typed: str, added: list[str]) -> None:
    subscribed(web)
    web.post(path(signed_links.preferences(1)), data={"action": "tune", "new_topic": typed})

    assert [topic["text"] for topic in profiles()[-1].profile["topics"]][1:] == added


def test_a_pause_that_is_over_is_not_called_a_pause(web: Browser) -> None:
    subscribed(web)
    link = path(signed_links.preferences(1))
    pages = {}
    for name, days in (("paused", 3), ("over", -9)):
        until = (NOW + timedelta(days=days)).date()
        with engine.transaction() as session:
            session.get_one(Subscriber, 1).paused_until = until
        pages[name] = web.get(link).text

    assert "paused until" in pages["paused"]
    assert "End the pause" in pages["paused"]
    assert "paused until" not in pages["over"]
    assert 'value="pause"' in pages["over"]

"""Weekly and weekday mail, caps and pauses: what comes, and that nothing between is lost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from digest.compose.edition import Content
from digest.db.core.engine import transaction
from digest.models import Signal
from digest.services.subscriptions.topic_feedback import TopicSetting, save_topic_settings
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, utc

DAYS = [MONDAY + timedelta(days=n) for n in range(9)]


def announce(lab: Lab, day: date) -> str:
    """One paper on bandits, new that day; the clock goes there."""
    lab.set_time(utc(day, 5))
    title = f"Bandits of {day:%A} {day.day}"
    lab.announce(day, title)
    return title


def test_a_weekly_mail_holds_the_whole_week(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", cadence="weekly", weekday=4)
    titles = [announce(lab, day) for day in DAYS[:5]]
    lab.run(DAYS[4])

    assert sorted(lab.papers("ada")) == sorted(titles)
    assert [edition.day for edition in lab.editions("ada")] == [DAYS[4]]


def test_two_weekly_mails_leave_nothing_out_and_repeat_nothing(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", cadence="weekly", weekday=1)
    titles = []
    for day in DAYS:
        if day.weekday() < 5:
            titles.append(announce(lab, day))
        else:
            lab.set_time(utc(day, 5))
        lab.set_time(utc(day, 7, 1))
        lab.run()

    assert [edition.day for edition in lab.editions("ada")] == [DAYS[1], DAYS[8]]
    assert sorted(lab.papers("ada")) == sorted(titles)


def test_weekday_mail_is_silent_at_the_weekend_and_makes_up_for_it_on_monday(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", cadence="weekdays")
    saturday_title = ""
    for day in DAYS[:8]:
        lab.set_time(utc(day, 5))
        saturday_title = announce(lab, day) if day.weekday() == 5 else saturday_title
        lab.set_time(utc(day, 7, 1))
        lab.run()

    assert [edition.day for edition in lab.editions("ada")] == [DAYS[7]]
    assert lab.papers("ada") == [saturday_title]


@MAINLY_SQLITE
def test_a_topics_cap_bounds_that_topic_alone(lab: Lab) -> None:
    number = lab.subscribe("ada", "bandits", "kernels")
    save_topic_settings(number, {"bandits": TopicSetting(cap=1)})
    lab.announce(MONDAY, "Bandits one", "Bandits two", "Bandits three", "Kernels one", "Kernels two")
    lab.run(MONDAY)
    titles = lab.papers("ada")

    assert sum(title.startswith("Bandits") for title in titles) == 1
    assert sum(title.startswith("Kernels") for title in titles) == 2


@MAINLY_SQLITE
def test_a_muted_topic_brings_nothing_until_it_is_unmuted(lab: Lab) -> None:
    number = lab.subscribe("ada", "bandits", "kernels")
    save_topic_settings(number, {"bandits": TopicSetting(muted=True)})
    announce(lab, DAYS[0])
    lab.announce(DAYS[0], "Kernels one")
    lab.run(DAYS[0])
    save_topic_settings(number, {"bandits": TopicSetting()})
    second = announce(lab, DAYS[1])
    lab.run(DAYS[1])

    assert lab.papers("ada", DAYS[0]) == ["Kernels one"]
    assert lab.papers("ada", DAYS[1]) == [second]


@pytest.mark.parametrize(("cadence", "first"), [("daily", 3), ("weekdays", 3), ("weekly", 4)])
def test_the_first_mail_after_a_pause_says_so_and_no_other(lab: Lab, cadence: str, first: int) -> None:
    lab.subscribe("ada", "bandits", cadence=cadence, weekday=4)
    lab.change("ada", paused_until=DAYS[3])
    for day in DAYS[:5]:
        announce(lab, day)
        lab.set_time(utc(day, 7, 1))
        lab.run()
    notices_by_day = {edition.day: Content.from_json(edition.content).notice for edition in lab.editions("ada")}

    assert notices_by_day.pop(DAYS[first]).startswith("Your pause is over.")
    assert set(notices_by_day.values()) <= {""}


def test_a_riser_shows_how_its_votes_grew(lab: Lab) -> None:
    lab.subscribe("ada", "kernels")
    lab.announce(MONDAY, "Kernels", signals={"upvotes": 1.0})
    with transaction() as session:
        for hours, votes in ((1, 9.0), (2, 20.0), (3, 40.0)):
            session.add(
                Signal(paper_id=1, source="jsonl", name="upvotes", taken_at=utc(MONDAY, 5 + hours), value=votes)
            )
    lab.set_time(utc(MONDAY, 12))
    lab.run(MONDAY)

    assert lab.entries("ada")[0].spark == "▁▄█"  # announced before seven

"""Mails without papers say what was looked at and since when, which topic is silent, and what helps."""

from __future__ import annotations

from datetime import timedelta

from digest.services.subscriptions.topic_feedback import TopicSetting, save_topic_settings
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, MailServer, paper, utc
from tests.digest.services.editions.test_web_view import text


@MAINLY_SQLITE
def test_a_quiet_day_names_the_topic_that_has_been_silent_for_longest(lab: Lab, smtp: MailServer) -> None:
    later, quiet = MONDAY + timedelta(days=4), MONDAY + timedelta(days=15)
    lab.subscribe("ada", "bandits", "kernel methods", quiet_day="notice")
    for number, (day, title) in enumerate(((MONDAY, "Bandits"), (later, "Kernel methods"), (quiet, "Galaxies")), 1):
        lab.set_time(utc(day, 5))
        lab.store(day, paper(number, title))
        lab.run(day)

    subject, body = text(smtp)

    assert subject == "Nothing on bandits for 15 days"
    assert "“bandits” has brought nothing for 15 days." in body


@MAINLY_SQLITE
def test_the_subjects_of_three_sundays_differ(lab: Lab, smtp: MailServer) -> None:
    sunday = MONDAY - timedelta(days=1)
    lab.set_time(utc(sunday - timedelta(days=2), 5))
    lab.subscribe("ada", "bandits", quiet_day="notice")
    subjects = []
    for week in range(3):
        for number in range(week):
            day = sunday + timedelta(days=7 * week - 3 - number)
            lab.set_time(utc(day, 5))
            lab.store(day, paper(10 * week + number, "Bandits"))
            lab.run(day)
        lab.set_time(utc(sunday + timedelta(days=7 * week), 5))
        lab.run(sunday + timedelta(days=7 * week))
        subjects.append(text(smtp)[0])

    assert subjects[0] == "Sun 16 Nov: nothing announced"
    assert subjects[1:] == [
        "Sun 23 Nov: nothing announced, 1 paper for you this week",
        "Sun 30 Nov: nothing announced, 2 papers for you this week",
    ]


def test_a_topic_is_not_called_silent_after_a_day(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits", quiet_day="notice")
    lab.store(MONDAY, paper(1, "Kernel methods"))

    lab.run(MONDAY)

    assert "has brought nothing" not in text(smtp)[1]


def test_a_quiet_day_says_that_all_topics_are_muted_and_calls_none_silent(lab: Lab, smtp: MailServer) -> None:
    quiet = MONDAY + timedelta(days=15)
    number = lab.subscribe("ada", "bandits", quiet_day="notice")
    for place, day in enumerate((MONDAY, quiet), 1):
        lab.set_time(utc(day, 5))
        lab.store(day, paper(place, "Bandits"))
        lab.run(day)
        save_topic_settings(number, {"bandits": TopicSetting(muted=True)})

    subject, body = text(smtp)

    assert subject == "Tue 2 Dec: all your topics are muted"
    assert "All your topics are muted, so nothing can match them." in body
    assert "has brought nothing" not in body


@MAINLY_SQLITE
def test_in_the_first_week_nothing_is_said_about_days_before(lab: Lab, smtp: MailServer) -> None:
    friday = MONDAY + timedelta(days=4)
    lab.set_time(utc(friday, 5))
    lab.subscribe("ada", "bandits", quiet_day="notice")
    lab.store(friday, paper(1, "Kernel methods"))
    lab.run(friday)
    saturday = friday + timedelta(days=1)
    lab.set_time(utc(saturday, 5))
    lab.run(saturday)

    subject, body = text(smtp)

    assert subject == "Sat 22 Nov: nothing announced, 1 paper looked at since Fri 21 Nov"
    assert "Nothing was announced. 1 paper was looked at for you since Fri 21 Nov. None matched." in body
    assert "has brought nothing" not in body
    assert "week" not in body.replace("weekends", "").replace("weekdays", "")


def test_a_first_edition_that_looks_back_knows_how_long_a_topic_has_been_silent(lab: Lab, smtp: MailServer) -> None:
    for number in range(10):
        lab.store(MONDAY - timedelta(days=number), paper(number + 1, f"Kernel methods {number}"))
    lab.subscribe("ada", "bandits", "kernel methods", limit=20, quiet_day="notice")
    lab.run(MONDAY)
    lab.set_time(utc(MONDAY + timedelta(days=1), 5))
    lab.run(MONDAY + timedelta(days=1))

    assert "“bandits” has brought nothing for 10 days." in text(smtp)[1]


def test_the_figures_of_a_week_count_what_was_looked_at_and_mailed(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits", quiet_day="notice")
    for number in range(9):
        day = MONDAY + timedelta(days=number)
        lab.set_time(utc(day, 5))
        lab.store(day, paper(number + 1, "Galaxies" if number % 2 == 0 else f"Bandits {number}"))
        lab.run(day)

    assert "1 paper was announced. 7 papers were looked at for you since Tue 18 Nov. 3 came to you." in text(smtp)[1]

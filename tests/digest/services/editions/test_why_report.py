"""Why a subscriber did not get a paper: the first reason is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.services.editions import why_report
from digest.services.subscriptions.unsubscribe import unsubscribe
from tests.digest.services.conftest import MONDAY, Lab, paper, utc

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def reason(number: int) -> str:
    return why_report.why_paper("ada@example.com", f"2511.{number:05d}")[-1]


def test_what_kept_a_paper_back_is_named(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", exclusions=["survey"], categories=["cs.LG"])
    lab.store(MONDAY, paper(1, "Bandits withdrawn", withdrawn=True), paper(2, "Bandits: a survey"))
    lab.store(MONDAY, paper(3, "Seeing bandits", categories=("cs.CV",)), paper(4, "Kernel methods"))
    lab.store(MONDAY, paper(5, "Revised bandits", announce_type="replace"), paper(6, "Linear bandits"))

    assert reason(1) == "it was withdrawn"
    assert reason(2) == "your exclusion 'survey' leaves it out"
    assert reason(3) == "your categories (cs.LG) leave it out"
    assert reason(4).startswith("it matches none of your topics as written, and is not close enough")
    assert reason(5).startswith("it was never announced as new here")
    assert reason(6) == "it matches; it has not been in a run of yours yet"


def test_a_paper_past_the_limit_is_reported_as_such(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=1)
    lab.store(MONDAY, paper(1, "Bandits"), paper(2, "Something on the many kinds of bandits that there are"))
    lab.run(MONDAY)

    assert "your limit was reached" in reason(2)


def test_a_paper_too_old_to_be_new_is_reported_as_such(lab: Lab) -> None:
    for days_ago in range(20, -1, -1):
        lab.store(MONDAY - timedelta(days=days_ago), paper(days_ago + 1, f"Bandits of {days_ago} days ago"))
    lab.subscribe("ada", "bandits")

    assert "more than 14 announcements have passed" in reason(20)


def test_the_report_of_an_unsubscribed_address_says_that_there_is_no_mail(lab: Lab) -> None:
    unsubscribe(lab.subscribe("ada", "bandits"))

    assert why_report.why_mail("ada@example.com")[0] == "no mail: unsubscribed on 2025-11-17"


def test_the_report_names_a_pause_and_the_next_mail(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", time_zone="Asia/Tokyo")
    lab.change("ada", paused_until=MONDAY + timedelta(days=3), next_due_at=utc(MONDAY + timedelta(days=2), 22))

    report_lines = why_report.why_mail("ada@example.com")

    assert report_lines[0] == "no mail before 2025-11-20: paused"
    assert report_lines[1] == "next mail: Thu 2025-11-20 07:00 Asia/Tokyo, daily"


def test_a_paper_unlike_earlier_papers_with_the_topic_is_reported_as_such(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    for days_ago in range(16, 0, -1):
        day, number = MONDAY - timedelta(days=days_ago), 10 * days_ago
        lab.store(day, paper(number, "Error correction codes for qubits with stabilizers and syndromes"))
        lab.store(
            day, *(paper(number + 1 + i, f"On {word}") for i, word in enumerate(("graphs", "proteins", "violins")))
        )
    lab.store(MONDAY, paper(501, "Codes of the civil law and the correction of an error in wills of merchants"))
    lab.subscribe("ada", "error correction codes")
    lab.run(MONDAY)

    assert reason(501) == (
        "it has words of your topics, but is not like earlier papers about one whose words it has, or about two"
    )


def test_of_a_young_installation_a_paper_with_common_words_of_a_topic_is_reported_as_such(lab: Lab) -> None:
    lab.set_time(utc(MONDAY, 12))
    lab.store(MONDAY, paper(501, "Processing of an image"), paper(502, "Sparrows"))
    lab.subscribe("ada", "image processing")
    lab.run(MONDAY)

    assert reason(501) == "it has words of your topics, but too few of any one topic, or only common ones"

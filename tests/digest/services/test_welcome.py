"""The first edition: minutes after confirming, from the last announcements, and it is that date's edition."""

from __future__ import annotations

from datetime import timedelta

from digest.services import welcome
from digest.services.leave import leave
from tests.digest.services.conftest import MONDAY, Lab, at, paper
from tests.servers import MailServer

TUESDAY = MONDAY + timedelta(days=1)


def test_a_welcome_brings_what_was_announced_before(lab: Lab, smtp: MailServer) -> None:
    lab.announce(MONDAY, "Linear bandits", "Kernel methods")
    reader = lab.subscribe("ada", "bandits")

    made = welcome.first_edition(reader)
    lab.run()

    assert made
    assert lab.papers("ada") == ["Linear bandits"]
    assert smtp.recipients() == {"ada@example.com": 1}


def test_a_welcome_given_twice_is_one_mail(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    reader = lab.subscribe("ada", "bandits")

    given = [welcome.first_edition(reader), welcome.first_edition(reader)]

    assert given == [True, False]
    assert [d.kind for d in lab.deliveries()] == ["welcome"]


def test_the_same_days_run_sends_nothing_more_and_keeps_what_is_new_for_the_next(lab: Lab, smtp: MailServer) -> None:
    lab.announce(MONDAY, "Linear bandits")
    welcome.first_edition(lab.subscribe("ada", "bandits"))
    lab.announce(MONDAY, "Dueling bandits")

    lab.go_to(at(MONDAY, 7, 1))
    lab.run()
    once = dict(smtp.recipients())
    lab.go_to(at(TUESDAY, 7, 1))
    lab.run()

    assert once == {"ada@example.com": 1}
    assert lab.papers("ada", TUESDAY) == ["Dueling bandits"]


def test_after_the_days_run_there_is_no_welcome(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    reader = lab.subscribe("ada", "bandits")
    lab.go_to(at(MONDAY, 7, 1))
    lab.run()

    assert not welcome.first_edition(reader)


def test_without_a_match_there_is_none_and_the_run_comes_as_ever(lab: Lab) -> None:
    lab.announce(MONDAY, "Kernel methods")
    reader = lab.subscribe("ada", "bandits")
    lab.announce(MONDAY, "Linear bandits")

    made = welcome.first_edition(reader)
    lab.run(MONDAY)

    assert not made
    assert lab.papers("ada") == ["Linear bandits"]


def test_a_lost_welcome_is_made_good_by_the_first_run(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    lab.subscribe("ada", "bandits")

    lab.run(MONDAY)

    assert lab.papers("ada") == ["Linear bandits"]


def test_who_left_meanwhile_gets_none(lab: Lab) -> None:
    lab.announce(MONDAY, "Linear bandits")
    reader = lab.subscribe("ada", "bandits")
    leave(reader)

    assert not welcome.first_edition(reader)


def test_before_any_announcement_there_is_none(lab: Lab) -> None:
    assert not welcome.first_edition(lab.subscribe("ada", "bandits"))


def test_papers_older_than_seven_announcements_stay_out(lab: Lab) -> None:
    for back in range(9, -1, -1):
        lab.store(MONDAY - timedelta(days=back), paper(back + 1, f"Bandits of {back} days ago"))
    reader = lab.subscribe("ada", "bandits")

    welcome.first_edition(reader)

    assert sorted(lab.papers("ada")) == [f"Bandits of {back} days ago" for back in range(7)]

"""The content of an edition: topics, categories, exclusions, authors, rising, nothing twice; epochs, thresholds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from digest.db.core.engine import reading
from digest.models import Epoch, Threshold
from digest.services.catalog import epochs
from digest.services.subscriptions import update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from tests.digest.services.conftest import MONDAY, Lab, paper, utc

TUESDAY = MONDAY + timedelta(days=1)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@SQLITE
def test_categories_and_exclusions_hold_for_every_match(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", categories=["cs.LG"], exclusions=["survey"])
    lab.store(MONDAY, paper(1, "Bandits in learning"), paper(2, "Bandits: a survey"))
    lab.store(MONDAY, paper(3, "Bandits in vision", categories=("cs.CV", "cs.AI")))

    lab.run(MONDAY)

    assert lab.papers("ada") == ["Bandits in learning"]


@SQLITE
def test_a_subscriber_of_a_category_alone_gets_what_is_new_in_it(lab: Lab) -> None:
    lab.subscribe("ada", categories=["cs.CV"])
    lab.store(MONDAY, paper(1, "Bandits in learning"), paper(2, "Seeing bandits", categories=("cs.CV",)))

    lab.run(MONDAY)

    assert lab.papers("ada") == ["Seeing bandits"]


@SQLITE
def test_a_subscriber_without_topics_gets_what_trends(lab: Lab) -> None:
    lab.subscribe("ada")
    lab.store(MONDAY, paper(1, "Quiet bandits"), paper(2, "Loud bandits", signals={"upvotes": 40}))

    lab.run(MONDAY)

    (entry,) = lab.entries("ada")
    assert lab.papers("ada") == ["Loud bandits"]
    assert (entry.section, "40 votes" in entry.reason) == ("rising", True)


@SQLITE
def test_a_followed_author_stands_on_top_past_categories_but_not_past_exclusions(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", authors=["Grace Hopper"], categories=["cs.LG"], exclusions=["survey"])
    hers = {"authors": ("Grace Hopper",), "categories": ("cs.PL",)}
    lab.store(
        MONDAY, paper(1, "Linear bandits"), paper(2, "Compilers", **hers), paper(3, "Compilers: a survey", **hers)
    )

    lab.run(MONDAY)

    assert lab.papers("ada") == ["Compilers", "Linear bandits"]


def test_a_paper_rises_once_and_is_never_sent_twice(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.change("ada", profile_id=None)
    lab.store(MONDAY, paper(1, "Linear bandits"))
    lab.run(MONDAY)
    update_preferences.save_preferences(lab.subscriber("ada").id or 0, Preferences(topics=("bandits",)))  # type: ignore[arg-type]
    for day in (1, 2, 3):
        lab.set_time(utc(MONDAY + timedelta(days=day), 6))
        lab.store(None, paper(1, "Linear bandits", signals={"upvotes": 10 * day}), source="huggingface")
        lab.announce(MONDAY + timedelta(days=day), "Kernel methods")
        lab.run(MONDAY + timedelta(days=day))

    assert lab.papers("ada") == ["Linear bandits"]
    assert [entry.section for entry in lab.entries("ada")] == ["rising"]


@SQLITE
def test_a_withdrawn_paper_is_never_chosen(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits", withdrawn=True))

    lab.run(MONDAY)

    assert lab.editions("ada") == []


def test_an_epoch_is_made_at_each_announcement_while_they_are_few(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    for day in (MONDAY, TUESDAY):
        lab.set_time(utc(day, 6))
        lab.announce(day, "Linear bandits" if day == MONDAY else "Dueling bandits")
        lab.run(day)
        lab.run(day)

    with reading() as session:
        epochs_stored = session.exec(select(Epoch.announcement_id, Epoch.announcements).order_by(Epoch.id)).all()  # type: ignore[arg-type]
    assert epochs_stored == [(MONDAY.toordinal(), 0), (TUESDAY.toordinal(), 1)]


def test_from_fourteen_announcements_on_an_epoch_lasts_a_week_and_its_thresholds_stay(lab: Lab) -> None:
    for days_ago in range(14, 0, -1):
        lab.announce(
            MONDAY - timedelta(days=days_ago), f"Kernel bandits of day {days_ago}", f"Bandits on day {days_ago}"
        )
    lab.subscribe("ada", "bandits")
    for day in range(3):
        lab.set_time(utc(MONDAY + timedelta(days=day), 6))
        lab.announce(MONDAY + timedelta(days=day), f"Fresh bandits, part {day}")
        lab.run(MONDAY + timedelta(days=day))

    with reading() as session:
        assert [epoch.announcements for epoch in session.exec(select(Epoch))] == [14]
        assert len(session.exec(select(Threshold)).all()) == 1


def test_two_that_make_an_epoch_at_once_make_one(lab: Lab) -> None:
    from tests.digest.services.runs.test_build_editions import _at_once

    lab.announce(MONDAY, "Linear bandits")

    numbers = _at_once(3, lambda: epochs.current_epoch_id(MONDAY.toordinal()))

    assert len(set(numbers)) == 1

"""The content of an edition: topics, categories, exclusions, authors, rising, nothing twice; epochs, thresholds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.models import Epoch, Threshold
from digest.services.catalog import epochs
from digest.services.selection import engine_need
from digest.services.subscriptions import update_preferences
from digest.services.subscriptions.preference_fields import Preferences
from tests.combinations import MAINLY_SQLITE
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


def yesterday_voted(lab: Lab, *votes: int, **fields: object) -> None:
    """Papers of Monday that were sent to nobody; on Tuesday they have votes."""
    titles = [f"Linear bandits {number}" for number in range(len(votes))]
    lab.store(MONDAY, *(paper(number, title, **fields) for number, title in enumerate(titles, 1)))
    lab.run(MONDAY)
    lab.set_time(utc(TUESDAY, 6))
    listed = [
        paper(number, title, signals={"upvotes": count}, **fields)
        for number, (title, count) in enumerate(zip(titles, votes, strict=True), 1)
    ]
    lab.store(None, *listed, source="huggingface")


def subscribe_now(lab: Lab, *topics: str, **preferences: object) -> None:
    """An old subscriber to whom only what comes from now on is new."""
    subscribe_now_as(lab, "ada", *topics, **preferences)


def subscribe_now_as(lab: Lab, name: str, *topics: str, **preferences: object) -> None:
    lab.subscribe(name, *topics, **preferences)
    with reading() as session:
        newest = store.newest_batch(session)
    joined = utc(MONDAY - timedelta(days=60), 6)
    lab.change(name, seen_through=newest, created_at=joined, confirmed_at=joined)


def rising(lab: Lab, name: str) -> list[str]:
    return [t for t, entry in zip(lab.papers(name), lab.entries(name), strict=True) if entry.section == "rising"]


@MAINLY_SQLITE
def test_only_the_upper_quarter_of_a_day_rises(lab: Lab) -> None:
    yesterday_voted(lab, *range(20, 0, -1))
    subscribe_now(lab, "bandits")
    lab.announce(TUESDAY, "Kernel bandits")
    lab.run(TUESDAY)

    assert rising(lab, "ada") == ["Linear bandits 0", "Linear bandits 1", "Linear bandits 2"]
    assert lab.papers("ada")[0] == "Kernel bandits"


@SQLITE
@pytest.mark.parametrize("votes", [(2, 1, 1, 1, 0, 0, 0, 0), (9, 9, 9, 9, 9, 9, 9, 9), (2, 0, 0, 0)])
def test_without_a_paper_that_stands_out_nothing_rises(lab: Lab, votes: tuple[int, ...]) -> None:
    yesterday_voted(lab, *votes)
    subscribe_now(lab, "bandits")
    lab.announce(TUESDAY, "Kernel bandits")
    lab.run(TUESDAY)

    assert lab.papers("ada") == ["Kernel bandits"]


@SQLITE
def test_the_least_votes_of_a_rising_paper_are_those_that_half_of_the_voted_papers_have(lab: Lab) -> None:
    lab.store(MONDAY - timedelta(days=3), *(paper(90 + n, f"Old {n}", signals={"upvotes": 50}) for n in range(9)))
    yesterday_voted(lab, 20, 6, 5, 4, 3, 2, 1, 0)
    subscribe_now(lab, "bandits")
    lab.announce(TUESDAY, "Kernel bandits")
    lab.run(TUESDAY)

    assert rising(lab, "ada") == []


@pytest.mark.parametrize("engine", [False, True], ids=["reference", "engine"])
def test_a_paper_that_merely_comes_close_to_a_topic_does_not_rise(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, engine: bool
) -> None:
    other_papers = [paper(1000 + n, f"Remarks on subject {n}") for n in range(900)]
    lab.store(MONDAY - timedelta(days=3), *other_papers)  # so that the words of the topic are rare
    yesterday_voted(lab, *range(20, 0, -1))
    subscribe_now_as(lab, "ada", "bandits linear")
    subscribe_now_as(lab, "eve", "bandits linear", authors=["Ada Byron"])
    lab.store(TUESDAY, paper(31, "Linear bandits today", authors=("Emmy Noether",)))
    if engine:
        monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    lab.run(TUESDAY)

    assert lab.papers("ada") == ["Linear bandits today"]
    assert rising(lab, "eve") == ["Linear bandits 0", "Linear bandits 1", "Linear bandits 2"]


@SQLITE
@pytest.mark.parametrize(("gained", "rises"), [(0, False), (5, True)])
def test_more_than_three_days_after_its_listing_a_paper_rises_only_while_it_gains_votes(
    lab: Lab, gained: int, rises: bool
) -> None:
    friday = MONDAY + timedelta(days=4)
    yesterday_voted(lab, 40, *[3] * 20)
    subscribe_now(lab, "bandits")
    lab.set_time(utc(friday, 6))
    lab.store(None, paper(1, "Linear bandits 0", signals={"upvotes": 40 + gained}), source="huggingface")
    lab.announce(friday, "Kernel bandits")
    lab.run(friday)

    assert rising(lab, "ada") == (["Linear bandits 0"] if rises else [])


@SQLITE
@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({"authors": ["Grace Hopper"]}, ["Compilers"]),
        ({"authors": ["Grace Hopper"], "categories": ["cs.CV"]}, ["Compilers", "Seeing"]),
        ({"categories": ["cs.CV"]}, ["Seeing"]),
    ],
)
def test_who_follows_only_authors_or_categories_gets_no_trending_papers(
    lab: Lab, preferences: dict[str, object], expected: list[str]
) -> None:
    yesterday_voted(lab, 40, 20, 5, 4, 3, 2, 1, 0, categories=("cs.CV",))
    subscribe_now(lab, **preferences)
    lab.store(TUESDAY, paper(31, "Seeing", categories=("cs.CV",)))
    lab.store(TUESDAY, paper(32, "Compilers", authors=("Grace Hopper",), categories=("cs.PL",)))
    lab.run(TUESDAY)

    assert lab.papers("ada") == expected
    assert rising(lab, "ada") == []


def test_a_category_alone_is_ordered_by_trend_then_by_content(lab: Lab) -> None:
    lab.subscribe("ada", categories=["cs.LG"])
    lab.store(
        MONDAY,
        paper(1, "Nothing known"),
        paper(2, "An institution", institutions=("Analytical Society",)),
        paper(3, "Code", has_code=True),
        paper(4, "Many authors", authors=("Ada Byron", "Grace Hopper", "Emmy Noether")),
        paper(5, "Few votes", signals={"upvotes": 5}),
        paper(6, "Votes", signals={"upvotes": 40}),
    )
    lab.run(MONDAY)

    assert lab.papers("ada") == ["Votes", "Few votes", "Code", "An institution", "Many authors", "Nothing known"]
    assert {entry.section for entry in lab.entries("ada")} == {"new"}


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


@MAINLY_SQLITE
@pytest.mark.parametrize("engine", [False, True], ids=["reference", "engine"])
def test_the_limit_holds_for_new_papers_and_rising_ones_come_on_top(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, engine: bool
) -> None:
    yesterday_voted(lab, *range(20, 0, -1))
    for limit in (1, 2, 3, 4, 6):
        subscribe_now_as(lab, f"ada{limit}", "bandits", limit=limit)
    subscribe_now_as(lab, "eve", "bandits", limit=3, authors=["Grace Hopper"])
    lab.store(TUESDAY, paper(31, "Kernel bandits"), paper(32, "Sparse bandits"))
    lab.store(TUESDAY, paper(33, "Compilers", authors=("Grace Hopper",)))
    if engine:
        monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    lab.run(TUESDAY)

    sections = {name: [entry.section for entry in lab.entries(name)] for name in ("ada2", "ada3", "ada4", "ada6")}
    assert [len(lab.papers(f"ada{limit}")) for limit in (1, 2, 3, 4, 6)] == [4, 5, 5, 5, 5]
    assert sections == {name: ["new", "new", "rising", "rising", "rising"] for name in sections}
    assert [entry.section for entry in lab.entries("eve")] == ["followed", "new", "new", "rising", "rising", "rising"]


@MAINLY_SQLITE
@pytest.mark.parametrize("engine", [False, True], ids=["reference", "engine"])
def test_papers_of_followed_authors_always_come_and_take_places_of_the_limit(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, engine: bool
) -> None:
    hers = {"authors": ("Grace Hopper",), "categories": ("cs.PL",)}
    lab.subscribe("ada", "bandits", limit=3, authors=["Grace Hopper"])
    lab.subscribe("bob", "bandits", limit=1, authors=["Grace Hopper"])
    lab.subscribe("eve", categories=["cs.LG"], limit=3, authors=["Grace Hopper"])
    lab.store(MONDAY, paper(1, "Compilers", **hers), paper(2, "Linkers", **hers))
    lab.store(MONDAY, *(paper(number, f"Bandits number {number}") for number in range(3, 7)))
    if engine:
        monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)
    lab.run(MONDAY)

    sections = {name: [entry.section for entry in lab.entries(name)] for name in ("ada", "bob", "eve")}
    assert sections == {
        "ada": ["followed", "followed", "new"],
        "bob": ["followed", "followed"],
        "eve": ["followed", "followed", "new"],
    }
    assert [lab.editions(name)[0].content["more"] for name in ("ada", "bob", "eve")] == [3, 4, 3]

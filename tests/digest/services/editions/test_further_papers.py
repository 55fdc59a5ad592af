"""The page behind "58 more": it lists what the mail counted, whatever has happened since."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape

import pytest

from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.models import Edition, ProfileVersion
from digest.services.editions import welcome
from digest.services.editions.further_papers import further_papers
from digest.services.security import signed_links
from digest.web.app import build
from digest.web.wiring import page_services
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, MailServer, paper, utc
from tests.digest.services.editions.test_web_view import text
from tests.digest.web.conftest import Browser, RecordingQueue

TUESDAY = MONDAY + timedelta(days=1)
BANDITS = tuple(f"{word} bandits" for word in (
    "Linear", "Dueling", "Contextual", "Sleeping", "Restless", "Rotting", "Adversarial", "Convex", "Sparse", "Private",
    "Batched", "Federated"))  # fmt: skip
LINK = re.compile(r"https://digest\.example(/editions/\S+/more)")


def edition(lab: Lab, name: str = "ada", day: date | None = None) -> Edition:
    return next(edition for edition in reversed(lab.editions(name)) if day in {None, edition.day})


def listed(number: int | None) -> list[str]:
    return [paper.title for group in further_papers(number or 0).groups for paper in group.papers]


def browser() -> Browser:
    return Browser(build(RecordingQueue(), page_services()))


def further_of(lab: Lab, day: date | None = None) -> tuple[int, set[str]]:
    """The number in the edition, and the titles that its page lists."""
    mailed_edition = edition(lab, day=day)
    titles = listed(mailed_edition.id)
    assert len(titles) == len(set(titles))
    return mailed_edition.content["more"], set(titles)


def test_the_page_lists_what_the_mail_counted_and_the_mail_links_to_it(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits", limit=3)
    lab.announce(MONDAY, *BANDITS, "Galaxies")
    lab.run(MONDAY)

    _, body = text(smtp)
    raw = smtp.log[-1].raw.decode()
    link = LINK.search(body)
    assert link
    answer = browser().get(link[1])
    page = unescape(answer.text)

    assert "9 more on your topics: https://" in body
    assert raw.replace("=\r\n", "").count(f"{link[1]}") == 2  # in the text and in the HTML part
    assert "9 more on your topics" in page
    assert {title for title in BANDITS if title in page} == {*BANDITS} - {*lab.papers("ada")}
    assert "Galaxies" not in page
    assert answer.headers["cache-control"] == "no-store"


def test_the_web_view_links_to_the_same_page(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=3)
    lab.announce(MONDAY, *BANDITS)
    lab.run(MONDAY)
    view = signed_links.edition(edition(lab).id or 0).removeprefix("https://digest.example")
    page = browser().get(view).text

    assert f'href="{view}/more"' in page
    assert browser().get(f"{view}/more").status_code == 200


@MAINLY_SQLITE
def test_later_editions_change_nothing(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=10)
    set_cap(lab, 3)  # leaves places for what rises
    lab.announce(MONDAY, *BANDITS)
    lab.run(MONDAY)
    before = further_of(lab)
    lab.set_time(utc(TUESDAY, 5))
    lab.store(TUESDAY, *(paper(n, f"Bandits number {n}") for n in range(900, 906)))
    risen = {*sorted(before[1])[:2]}  # what was beyond the limit rises the day after
    voted = [paper(n, title, signals={"upvotes": 50 if title in risen else 3}) for n, title in enumerate(BANDITS, 101)]
    lab.store(TUESDAY, *voted)
    lab.run(TUESDAY)

    assert before[1] & {*lab.papers("ada", TUESDAY)}
    assert further_of(lab, MONDAY) == before
    assert further_of(lab, TUESDAY)[0] == len(further_of(lab, TUESDAY)[1]) == 3


@MAINLY_SQLITE
def test_a_changed_profile_changes_nothing(lab: Lab) -> None:
    number = lab.subscribe("ada", "bandits", limit=3)
    lab.announce(MONDAY, *BANDITS)
    lab.run(MONDAY)
    before = further_of(lab)
    with transaction() as session:
        version = ProfileVersion(subscriber_id=number, number=9, created_at=utc(MONDAY, 9), profile={"topics": []})
        session.add(version)
        session.flush()
    lab.change("ada", profile_id=version.id)

    assert further_of(lab) == before
    assert before[0] == len(before[1]) == 9


def test_a_first_edition_lists_what_the_two_weeks_before_had(lab: Lab) -> None:
    for days_back in range(9, 0, -1):
        lab.announce(MONDAY - timedelta(days=days_back), f"{BANDITS[days_back]} of day {days_back}")
    lab.subscribe("ada", "bandits", limit=3)
    welcome.first_edition(lab.subscriber("ada").id or 0)

    more, titles = further_of(lab)

    assert more == len(titles) == 6


def set_cap(lab: Lab, cap: int) -> None:
    """Cap ada's first topic."""
    with transaction() as session:
        version = session.get_one(ProfileVersion, lab.subscriber("ada").profile_id)
        first, *others = version.profile["topics"]
        version.profile = {**version.profile, "topics": [{**first, "cap": cap}, *others]}


def test_topic_caps_leave_papers_for_the_page(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", "galaxies", limit=10)
    set_cap(lab, 2)
    lab.announce(MONDAY, *BANDITS, "Galaxies", "Dwarf galaxies")
    lab.run(MONDAY)

    more, titles = further_of(lab)

    assert len(lab.papers("ada")) == 4
    assert more == len(titles) == 10
    assert titles == {*BANDITS} - {*lab.papers("ada")}


@MAINLY_SQLITE
def test_subscribers_of_fields_get_the_rest_of_their_fields(lab: Lab) -> None:
    lab.subscribe("ada", categories=["cs.LG"], limit=3)
    lab.announce(MONDAY, *BANDITS)
    lab.announce(MONDAY, "Seeing", categories=("cs.CV",))
    lab.run(MONDAY)

    more, titles = further_of(lab)
    page = browser().get(f"/editions/{_token(edition(lab).id or 0)}/more").text

    assert more == len(titles) == 9
    assert "9 more in your fields" in page
    assert "Seeing" not in page


def test_rising_papers_beyond_the_limit_of_an_empty_profile_are_listed_alone(lab: Lab) -> None:
    lab.subscribe("ada", limit=2)
    voted = [paper(n, title, signals={"upvotes": 10 + n}) for n, title in enumerate(BANDITS, 1)]
    lab.store(MONDAY, *voted, *(paper(n, f"Galaxies {n}") for n in range(50, 60)))
    lab.run(MONDAY)

    more, titles = further_of(lab)

    assert more == len(titles) == 1
    assert {*lab.papers("ada")} | titles == {*BANDITS[-3:]}  # the upper quarter of the twelve with votes


def test_a_rising_paper_in_the_mail_is_marked_on_the_page(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=10)
    set_cap(lab, 2)
    voted = [paper(n, title, signals={"upvotes": 10 * n}) for n, title in enumerate(BANDITS, 1)]
    lab.store(MONDAY, *voted)
    lab.run(MONDAY)
    page = further_papers(edition(lab).id or 0)
    rising = {entry.paper for entry in lab.entries("ada") if entry.section == "rising"}

    assert rising
    assert page.total == page.listed == 10
    assert {row.id for group in page.groups for row in group.papers if row.in_edition} == rising


def test_from_eight_papers_on_titles_stand_under_their_topics(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", "galaxies", limit=1)
    lab.announce(MONDAY, *BANDITS[:6], *(f"{word} galaxies" for word in ("Dwarf", "Spiral", "Dusty")))
    lab.run(MONDAY)
    many = further_papers(edition(lab).id or 0)
    lab.subscribe("bob", "galaxies", limit=1)
    lab.run(MONDAY)
    few = further_papers(edition(lab, "bob").id or 0)

    assert [group.label for group in many.groups] == ["bandits", "galaxies"]
    assert sum(len(group.papers) for group in many.groups) == many.total == 8
    assert [(group.label, len(group.papers)) for group in few.groups] == [("", 2)]


@MAINLY_SQLITE
def test_a_paper_withdrawn_since_is_not_listed_and_the_page_says_so(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=3)
    lab.announce(MONDAY, *BANDITS)
    lab.run(MONDAY)
    number = edition(lab).id or 0
    with reading() as session:
        withdrawn_id = next(row.id for group in further_papers(number).groups for row in group.papers)
        assert store.paper_by_id(session, withdrawn_id)
    with transaction() as session:
        title = store.versions(session, [(withdrawn_id, 1)])[withdrawn_id, 1].title
    lab.store(TUESDAY, paper(100 + withdrawn_id, title, withdrawn=True), source="arxiv-oai")

    page = browser().get(f"/editions/{_token(number)}/more").text

    assert "9 more on your topics" in page
    assert "1 of them was withdrawn or revised since and is not listed." in page


def test_very_many_are_cut_at_two_hundred_and_the_page_says_so(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=3)
    lab.store(MONDAY, *(paper(n, f"Bandits number {n}") for n in range(1, 221)))
    lab.run(MONDAY)

    number = edition(lab).id or 0
    page = browser().get(f"/editions/{_token(number)}/more").text

    assert len(listed(number)) == 200
    assert "217 more on your topics" in page
    assert "The best 200 of them:" in page


def test_a_cancelled_edition_has_no_page(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=3)
    lab.announce(MONDAY, *BANDITS)
    lab.run(MONDAY)
    number = edition(lab).id or 0
    with transaction() as session:
        session.get_one(Edition, number).cancelled = True

    assert browser().get(f"/editions/{_token(number)}/more").status_code == 404


@MAINLY_SQLITE
def test_the_page_counts_as_a_preview(lab: Lab) -> None:
    lab.subscribe("ada", "bandits", limit=3)
    lab.announce(MONDAY, *BANDITS)
    lab.run(MONDAY)
    pages, token = browser(), _token(edition(lab).id or 0)

    statuses = [pages.get(f"/editions/{token}/more").status_code for _ in range(31)]

    assert statuses == [200] * 30 + [429]


def _token(number: int) -> str:
    return signed_links.edition(number).rpartition("/")[2]


@pytest.fixture(autouse=True)
def mail_from(lab: Lab, configured: Callable[..., None]) -> None:
    configured(
        SECRET_KEY="a key for tests of at least 32 bytes",
        BASE_URL="https://digest.example",
        MAIL_FROM="digest@digest.example",
    )

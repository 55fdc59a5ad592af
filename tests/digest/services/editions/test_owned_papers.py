"""A subscriber's own papers are no news: examples, and papers with feedback, are never mailed to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.compose.email.template_context import LESS, MORE
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers as store
from digest.db.runs import owned_papers
from digest.db.subscribers import feedback
from digest.matching.profile import Profile, Topic
from digest.models import Paper
from digest.services.editions import why_report
from digest.services.editions.further_papers import further_papers
from digest.services.preview import preview
from digest.services.runs import replay
from digest.services.selection import engine_need
from digest.services.subscriptions import example_papers
from digest.services.subscriptions.example_papers import ExampleEntry
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, paper, utc
from tests.digest.services.editions.test_assemble_edition import subscribe_now, yesterday_voted

TUESDAY = MONDAY + timedelta(days=1)
BACK_ENDS = pytest.mark.parametrize("engine", [False, True], ids=["reference", "engine"])


@pytest.fixture
def back_end(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Chooses the engine where it is called with True."""

    def choose(engine: bool) -> None:
        if engine:
            monkeypatch.setattr(engine_need, "REFERENCE_WORK", -1)

    return choose


def number_of(arxiv_id: str) -> int:
    with reading() as session:
        return store.by_arxiv_id(session, arxiv_id) or 0


def own(subscriber: int, *entries: ExampleEntry) -> None:
    example_papers.add_examples(subscriber, entries)


def own_stored(subscriber: int, *arxiv_ids: str) -> None:
    own(subscriber, *(ExampleEntry("", "", arxiv_id, number_of(arxiv_id)) for arxiv_id in arxiv_ids))


@MAINLY_SQLITE
@BACK_ENDS
def test_an_example_is_never_a_match(lab: Lab, back_end: Callable[[bool], None], engine: bool) -> None:
    ada = lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"), paper(2, "Dueling bandits"), paper(3, "Sparse bandits"))
    own_stored(ada, "2511.00002")
    back_end(engine)
    lab.run(MONDAY)

    assert sorted(lab.papers("ada")) == ["Linear bandits", "Sparse bandits"]


@MAINLY_SQLITE
@BACK_ENDS
def test_an_example_never_rises(lab: Lab, back_end: Callable[[bool], None], engine: bool) -> None:
    yesterday_voted(lab, *range(20, 0, -1))
    subscribe_now(lab, "bandits")
    own_stored(lab.subscriber("ada").id or 0, "2511.00001")
    lab.announce(TUESDAY, "Kernel bandits")
    back_end(engine)
    lab.run(TUESDAY)

    assert lab.papers("ada") == ["Kernel bandits", "Linear bandits 1", "Linear bandits 2", "Linear bandits 3"]


@MAINLY_SQLITE
@BACK_ENDS
@pytest.mark.parametrize("verb", [MORE, LESS])
def test_a_paper_with_feedback_does_not_return_to_who_has_no_topics(
    lab: Lab,
    back_end: Callable[[bool], None],
    engine: bool,
    verb: str,
) -> None:
    ada = lab.subscribe("ada", categories=["cs.CV"], authors=["Grace Hopper"])
    hers = {"authors": ("Grace Hopper",), "categories": ("cs.PL",)}
    lab.store(MONDAY, paper(1, "Seeing", categories=("cs.CV",)), paper(2, "Looking", categories=("cs.CV",)))
    lab.store(MONDAY, paper(3, "Compilers", **hers), paper(4, "Linkers", **hers))
    give_feedback(ada, verb, "2511.00001", "2511.00003")
    back_end(engine)
    lab.run(MONDAY)

    assert lab.papers("ada") == ["Linkers", "Looking"]


@BACK_ENDS
def test_a_liked_paper_does_not_return_to_who_gets_what_trends(
    lab: Lab,
    back_end: Callable[[bool], None],
    engine: bool,
) -> None:
    yesterday_voted(lab, *range(20, 0, -1))
    subscribe_now(lab)
    give_feedback(lab.subscriber("ada").id or 0, MORE, "2511.00001")
    lab.announce(TUESDAY, "Kernel methods")
    back_end(engine)
    lab.run(TUESDAY)

    assert lab.papers("ada")[:2] == ["Linear bandits 1", "Linear bandits 2"]


def give_feedback(subscriber: int, verb: str, *arxiv_ids: str) -> None:
    with transaction() as session:
        for arxiv_id in arxiv_ids:
            paper_id = store.by_arxiv_id(session, arxiv_id) or 0
            feedback.store_feedback(session, subscriber, paper_id, verb, topic="", now=utc(MONDAY, 4))


def test_the_page_of_further_papers_leaves_examples_out_and_agrees_with_the_mail(lab: Lab) -> None:
    ada = lab.subscribe("ada", "bandits", limit=2)
    lab.store(MONDAY, *(paper(number, f"Bandits number {number}") for number in range(1, 9)))
    own_stored(ada, "2511.00003", "2511.00008")
    lab.run(MONDAY)
    own_stored(ada, "2511.00004", "2511.00005", "2511.00006", "2511.00007")  # after the mail: its page stays
    [edition] = lab.editions("ada")
    page = further_papers(edition.id or 0)
    listed = {item.title for group in page.groups for item in group.papers}

    assert edition.content["more"] == page.total == page.listed == 4
    assert len(listed | {*lab.papers("ada")}) == 6
    assert not {"Bandits number 3", "Bandits number 8"} & listed


def test_a_preview_and_a_replay_leave_examples_out(lab: Lab) -> None:
    ada = lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"), paper(2, "Dueling bandits"), paper(3, "Sparse bandits"))
    own_stored(ada, "2511.00002")
    owned = example_papers.stored_examples(ada)
    [day] = preview.preview(Profile((Topic("bandits"),)), days=1, owned=owned).days
    lab.set_time(utc(TUESDAY, 12))

    assert {item.title for item in day.papers} == {"Linear bandits", "Sparse bandits"}
    assert day.total == 2
    assert [replayed.papers for replayed in replay.replay(MONDAY, MONDAY)] == [2]


@pytest.mark.parametrize(
    "entry",
    [
        ExampleEntry("", "", "2511.00001"),
        ExampleEntry("Something else", "", "10.5555/Own"),
        ExampleEntry("", "", "PMID:77"),
        ExampleEntry("linear bandits with DELAYED feedback.", "", "10.5555/elsewhere"),
        ExampleEntry("Über linear bandits with delayed feedback"),
    ],
    ids=["arxiv id", "doi", "pmid", "title", "title without ascii"],
)
def test_a_paper_that_is_stored_after_the_import_of_its_library_is_not_sent(lab: Lab, entry: ExampleEntry) -> None:
    ada = lab.subscribe("ada", "bandits")
    own(ada, entry)
    title = (
        "ÜBER linear bandits with delayed feedback"
        if entry.title[:1] == "Ü"
        else "Linear bandits with delayed feedback"
    )
    ids = {"arxiv_id": "2511.00001", "doi": "10.5555/Own", "pmid": "77"}
    lab.store(MONDAY, paper(1, title, **ids), paper(2, "Sparse bandits in practice"))
    lab.run(MONDAY)

    assert lab.papers("ada") == ["Sparse bandits in practice"]


@MAINLY_SQLITE
def test_a_short_title_alone_is_no_proof_that_a_paper_is_an_example(lab: Lab) -> None:
    own(lab.subscribe("ada", "bandits"), ExampleEntry("Linear bandits revisited"))
    lab.store(MONDAY, paper(1, "Linear bandits revisited"))
    lab.run(MONDAY)

    assert lab.papers("ada") == ["Linear bandits revisited"]


@MAINLY_SQLITE
def test_the_examples_of_an_unconfirmed_sign_up_and_of_others_hold_nothing_back(lab: Lab) -> None:
    lab.subscribe("ada", "bandits")
    bob = lab.subscribe("bob", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    own_stored(bob, "2511.00001")
    lab.run(MONDAY)

    assert (lab.papers("ada"), lab.papers("bob")) == (["Linear bandits"], [])


def test_the_paper_that_an_example_was_joined_to_is_not_sent(lab: Lab) -> None:
    ada = lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"), paper(2, "Dueling bandits"))
    own_stored(ada, "2511.00002")
    with transaction() as session:
        session.get_one(Paper, number_of("2511.00002")).merged_into = number_of("2511.00001")
    with reading() as session:
        owned = owned_papers.owned_papers(session, [ada], 0)

    assert [*owned[ada]] == [number_of("2511.00001")]


def test_why_says_that_a_paper_is_one_of_the_library(lab: Lab) -> None:
    ada = lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"))
    own_stored(ada, "2511.00001")
    lab.run(MONDAY)

    assert "it is one of the papers you start from" in "\n".join(why_report.why_paper("ada@example.com", "2511.00001"))

"""Papers that a subscriber starts from: stored, listed, undone, erased; those of a sign-up wait for confirmation."""

from __future__ import annotations

import pytest
import time_machine
from sqlmodel import col, select

from digest.db.core.engine import reading, transaction
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.matching.profile import Profile, Topic
from digest.models import ExamplePaper, Paper, SignUpRequest
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.queues import NoQueue
from digest.services.ingestion.import_document import store_document
from digest.services.preview import preview
from digest.services.subscriptions import erasure, example_papers, sign_up, sign_up_confirmation
from digest.services.subscriptions.example_papers import ExampleEntry
from digest.services.subscriptions.preference_fields import Subscription
from tests.digest.services.stored_rows import add_subscriber, later

MAPS, WAVES = ExampleEntry("Maps", "Of the sea.", "10.1/maps"), ExampleEntry("Waves")


def _titles(subscriber_id: int) -> list[str]:
    return [example.title for example in example_papers.list_examples(subscriber_id)]


def _stored() -> list[ExamplePaper]:
    with reading() as session:
        return list(session.exec(select(ExamplePaper).order_by(col(ExamplePaper.id))))


def test_an_import_is_listed_in_the_order_of_its_file(service: str) -> None:
    ada = add_subscriber("ada@one.example")

    answer = example_papers.add_examples(ada, [MAPS, WAVES])

    assert (answer.added, answer.already_listed, answer.over_limit) == (2, 0, 0)
    assert _titles(ada) == ["Maps", "Waves"]


def test_a_later_import_is_listed_before_an_earlier_one(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    example_papers.add_examples(ada, [MAPS])

    example_papers.add_examples(ada, [WAVES])

    assert _titles(ada) == ["Waves", "Maps"]


def test_an_old_page_can_not_undo_a_later_import(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False) as traveller:
        first = example_papers.add_examples(ada, [MAPS])
        example_papers.undo_import(ada, first.import_id)
        traveller.shift(5)
        example_papers.add_examples(ada, [WAVES])
        removed = example_papers.undo_import(ada, first.import_id)

    assert (removed, _titles(ada)) == (0, ["Waves"])


def test_a_paper_is_added_once_by_identifier_or_title(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    example_papers.add_examples(ada, [MAPS, WAVES])

    answer = example_papers.add_examples(ada, [ExampleEntry("Atlas", identifier="10.1/MAPS"), ExampleEntry("WAVES ")])

    assert (answer.import_id, answer.added, answer.already_listed) == (0, 0, 2)


def test_entries_over_the_limit_are_counted_and_left_out(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_papers, "MAX_EXAMPLES", 2)
    ada = add_subscriber("ada@one.example")

    answer = example_papers.add_examples(ada, [MAPS, WAVES, ExampleEntry("Winds")])

    assert (answer.added, answer.over_limit, _titles(ada)) == (2, 1, ["Maps", "Waves"])


def test_undoing_an_import_leaves_the_earlier_ones(service: str) -> None:
    ada, bob = add_subscriber("ada@one.example"), add_subscriber("bob@one.example")
    example_papers.add_examples(ada, [MAPS])
    second = example_papers.add_examples(ada, [MAPS, WAVES])
    example_papers.add_examples(bob, [MAPS])
    example_papers.add_examples(bob, [WAVES])

    assert example_papers.undo_import(ada, second.import_id) == 1
    assert (_titles(ada), _titles(bob)) == (["Maps"], ["Waves", "Maps"])


def test_one_example_or_all_can_be_removed(service: str) -> None:
    ada, bob = add_subscriber("ada@one.example"), add_subscriber("bob@one.example")
    for subscriber in (ada, bob):
        example_papers.add_examples(subscriber, [MAPS, WAVES, ExampleEntry("Winds")])
    last = example_papers.list_examples(ada)[-1].id

    assert example_papers.remove_example(bob, last) == 0
    assert example_papers.remove_example(ada, last) == 1
    assert _titles(ada) == ["Maps", "Waves"]
    assert example_papers.remove_example(ada) == 2
    assert len(_titles(bob)) == 3


def test_stored_text_is_bounded_and_without_nul(service: str) -> None:
    ada = add_subscriber("ada@one.example")

    example_papers.add_examples(ada, [ExampleEntry("a\0b" + "c" * 900, "d" * 9000, "10.1/" + "e" * 900)])

    row = _stored()[0]
    assert (len(row.title), len(row.abstract), len(row.identifier or "")) == (500, 4000, 250)
    assert "\0" not in row.title


def test_erasing_a_subscriber_deletes_the_examples(service: str) -> None:
    ada, bob = add_subscriber("ada@one.example"), add_subscriber("bob@one.example")
    example_papers.add_examples(ada, [MAPS])
    example_papers.add_examples(bob, [MAPS])

    erasure.erase(ada)

    assert [row.subscriber_id for row in _stored()] == [bob]
    with pytest.raises(NotFound):
        example_papers.add_examples(ada, [MAPS])


def _request(subscriber_id: int) -> SignUpRequest:
    with transaction() as session:
        request = SignUpRequest(subscriber_id=subscriber_id, created_at=later(), profile={}, schedule={})
        session.add(request)
        session.flush()
        example_papers.add_request_examples(session, request, [MAPS, WAVES])
    return request


def test_examples_of_a_sign_up_count_only_when_it_is_confirmed(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    example_papers.add_examples(ada, [WAVES])
    request = _request(ada)
    assert _titles(ada) == ["Waves"]

    with transaction() as session:
        subscriber = subscribers.by_id(session, ada, lock=True)
        assert subscriber is not None
        example_papers.adopt_request_examples(session, subscriber, request)

    assert sorted(_titles(ada)) == ["Maps", "Waves"]
    assert len(_stored()) == 2


def test_examples_of_a_deleted_sign_up_are_deleted(service: str) -> None:
    request = _request(add_subscriber("ada@one.example"))

    with transaction() as session:
        session.delete(session.merge(request))

    assert _stored() == []


def _profile(subscriber_id: int) -> Profile:
    with reading() as session:
        subscriber = subscribers.by_id(session, subscriber_id)
        assert subscriber is not None
        return subscribers.profile_of(session, subscriber)


def _written_terms(subscriber_id: int) -> set[str]:
    return {term.written for term in _profile(subscriber_id).example_terms}


def test_an_import_is_a_version_of_the_profile_and_undoing_it_restores_the_earlier_one(service: str) -> None:
    ada = add_subscriber("ada@one.example", profile=Profile((Topic("birds"),)))
    before = _profile(ada)

    imported = example_papers.add_examples(ada, [ExampleEntry("Speculative decoding", "With a draft model.")])
    assert {"speculative decoding", "draft model"} <= _written_terms(ada)
    assert _profile(ada).topics == before.topics

    example_papers.undo_import(ada, imported.import_id)
    assert _profile(ada) == before


def test_removing_one_example_leaves_the_terms_of_the_others(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    example_papers.add_examples(ada, [ExampleEntry("Speculative decoding"), ExampleEntry("Migratory seabirds")])
    last = example_papers.list_examples(ada)[-1]

    example_papers.remove_example(ada, last.id)

    assert "speculative decoding" in _written_terms(ada)
    assert "migratory seabirds" not in _written_terms(ada)


def _store_paper(record: Record) -> int:
    day = later().date()
    listed = ParsedDocument(papers=(ListedPaper(record, "new", ()),))
    store_document("jsonl", day.isoformat(), listed, day=day)
    with reading() as session:
        return session.exec(select(col(Paper.id)).order_by(col(Paper.id).desc())).first() or 0


@pytest.mark.parametrize(("withdrawn", "has_terms"), [(False, True), (True, False)])
def test_a_stored_paper_counts_with_its_own_record_unless_it_is_withdrawn(
    service: str, withdrawn: bool, has_terms: bool
) -> None:
    record = Record("Migratory seabirds", "We ring them.", arxiv_id="2501.00001", withdrawn=withdrawn)
    ada = add_subscriber("ada@one.example")

    example_papers.add_examples(ada, [ExampleEntry("Another title", paper_id=_store_paper(record))])

    assert ("migratory seabirds" in _written_terms(ada)) == has_terms
    assert "another title" not in _written_terms(ada)


def test_an_unconfirmed_sign_up_does_not_change_the_profile(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    before = _profile(ada)

    _request(ada)

    assert _profile(ada) == before


def test_examples_of_a_sign_up_are_in_the_confirmed_profile(service: str) -> None:
    address, entries = "ada@one.example", [ExampleEntry("Migratory seabirds")]
    sign_up.subscribe(Subscription(address=address, topics="birds"), "192.0.2.1", NoQueue(), examples=entries)
    with reading() as session:
        request = session.exec(select(SignUpRequest)).one()

    sign_up_confirmation.confirm(request.subscriber_id, request.id or 0, "192.0.2.1", NoQueue())

    assert [topic.text for topic in _profile(request.subscriber_id).topics] == ["birds"]
    assert "migratory seabirds" in _written_terms(request.subscriber_id)
    assert _titles(request.subscriber_id) == ["Migratory seabirds"]


def test_examples_alone_find_papers_and_name_the_nearest(service: str) -> None:
    record = Record("Routes of migratory seabirds", "Migratory seabirds cross the sea.", arxiv_id="2501.00002")
    _store_paper(record)
    ada = add_subscriber("ada@one.example")
    example_papers.add_examples(ada, [ExampleEntry("Migratory seabirds of the Arctic")])

    result = preview.preview(_profile(ada), days=1)

    [paper] = [paper for day in result.days for paper in day.papers]
    assert (paper.title, paper.matched) == ("Routes of migratory seabirds", ())
    assert (paper.example, paper.example_words) == ("Migratory seabirds of the Arctic", ("migratory seabirds",))

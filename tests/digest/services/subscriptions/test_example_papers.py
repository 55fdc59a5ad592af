"""Papers that a subscriber starts from: stored, listed, undone, erased; those of a sign-up wait for confirmation."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from digest.db.core.engine import reading, transaction
from digest.db.subscribers import subscribers
from digest.errors import NotFound
from digest.models import ExamplePaper, SignUpRequest
from digest.services.subscriptions import erasure, example_papers
from digest.services.subscriptions.example_papers import ExampleEntry
from tests.digest.services.stored_rows import add_subscriber, later

MAPS, WAVES = ExampleEntry("Maps", "Of the sea.", "10.1/maps"), ExampleEntry("Waves")


def _titles(subscriber_id: int) -> list[str]:
    return [example.title for example in example_papers.list_examples(subscriber_id)]


def _stored() -> list[ExamplePaper]:
    with reading() as session:
        return list(session.exec(select(ExamplePaper).order_by(col(ExamplePaper.id))))


def test_an_import_is_listed_newest_first(service: str) -> None:
    ada = add_subscriber("ada@one.example")

    answer = example_papers.add_examples(ada, [MAPS, WAVES])

    assert (answer.added, answer.already_listed, answer.over_limit) == (2, 0, 0)
    assert _titles(ada) == ["Waves", "Maps"]


def test_a_paper_is_added_once_by_identifier_or_title(service: str) -> None:
    ada = add_subscriber("ada@one.example")
    example_papers.add_examples(ada, [MAPS, WAVES])

    answer = example_papers.add_examples(ada, [ExampleEntry("Atlas", identifier="10.1/MAPS"), ExampleEntry("WAVES ")])

    assert (answer.import_id, answer.added, answer.already_listed) == (0, 0, 2)


def test_entries_over_the_limit_are_counted_and_left_out(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_papers, "MAX_EXAMPLES", 2)
    ada = add_subscriber("ada@one.example")

    answer = example_papers.add_examples(ada, [MAPS, WAVES, ExampleEntry("Winds")])

    assert (answer.added, answer.over_limit, _titles(ada)) == (2, 1, ["Waves", "Maps"])


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
    newest = example_papers.list_examples(ada)[0].id

    assert example_papers.remove_example(bob, newest) == 0
    assert example_papers.remove_example(ada, newest) == 1
    assert _titles(ada) == ["Waves", "Maps"]
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

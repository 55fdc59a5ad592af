"""Bulk inserts of editions: each row holds what was passed, and sent papers are recorded."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from digest.compose.edition import Content, Entry, StoredContent
from digest.db.core.engine import reading, transaction
from digest.db.runs import edition_writes, sent_papers
from digest.models import Delivery, Edition, Subscriber
from digest.models.types import compress

NOON = datetime(2025, 11, 20, 12, 0, 1, 234567, tzinfo=UTC)
DAY = date(2025, 11, 20)
COUNTS = (1, 3 * edition_writes.BULK_COPY_FROM)  # few, and so many that PostgreSQL gets them in binary


def papers(number: int) -> list[int]:
    """The papers of that subscriber: none for every third."""
    return [number, 10 * number, 2**31 - number] if number % 3 else []


def columns(count: int) -> dict[str, Any]:
    """Editions of the subscribers from 1 to `count`."""
    contents = [
        StoredContent.from_content(Content(tuple(Entry(paper_id, 1, "new") for paper_id in papers(n))))
        for n in range(1, count + 1)
    ]
    return {
        "subscriber_id": [*range(1, count + 1)],
        "day": [DAY] * count,
        "run_id": None,
        "announcement_id": DAY.toordinal(),
        "profile_id": [7] * count,
        "created_at": NOON,
        "previous_seen": [*range(count)],
        "kind": "digest",
        "papers": [content.papers for content in contents],
        "content": [compress(content.text) for content in contents],
        "shown": [content.paper_ids for content in contents],
    }


def freeze(session: Session, count: int) -> list[int]:
    """Store subscribers and their editions, with queued mails."""
    for n in range(1, count + 1):
        address = f"r{n}@Lab.Example"
        session.add(Subscriber(id=n, address=address, address_key=address, created_at=NOON))
    session.flush()
    numbers = edition_writes.insert_editions(session, columns(count))
    edition_writes.enqueue_digests(session, numbers, NOON)
    return numbers


@pytest.mark.parametrize("count", COUNTS)
def test_every_edition_is_stored_as_it_was_given(database: str, count: int) -> None:
    with transaction() as session:
        numbers = freeze(session, count)
    with reading() as session:
        rows = session.exec(select(Edition).order_by(col(Edition.subscriber_id))).all()

    assert [row.id for row in rows] == numbers
    assert [(row.subscriber_id, row.previous_seen + 1) for row in rows] == [(n, n) for n in range(1, count + 1)]
    assert {(r.day, r.created_at, r.kind, r.cancelled, r.run_id, r.profile_id) for r in rows} == {
        (DAY, NOON, "digest", False, None, 7)
    }
    assert [[entry["paper"] for entry in row.content["entries"]] for row in rows] == [
        papers(r.subscriber_id) for r in rows
    ]


@pytest.mark.parametrize("count", COUNTS)
def test_each_edition_enqueues_one_mail_to_its_subscriber(database: str, count: int) -> None:
    with transaction() as session:
        numbers = freeze(session, count)
    with reading() as session:
        mails = session.exec(select(Delivery).order_by(col(Delivery.subject_id))).all()

    assert [(mail.subject_id, mail.address, mail.domain, mail.kind, mail.due_at, mail.state) for mail in mails] == [
        (number, f"r{n}@Lab.Example", "lab.example", "digest" if papers(n) else "notice", NOON, "queued")
        for n, number in enumerate(numbers, 1)
    ]


@pytest.mark.parametrize("count", COUNTS)
def test_a_second_edition_of_a_date_is_refused(database: str, count: int) -> None:
    with transaction() as session:
        freeze(session, count)

    with pytest.raises(IntegrityError), transaction() as session:
        edition_writes.insert_editions(session, columns(count))


def test_sent_papers_of_each_subscriber_include_those_of_older_editions(database: str) -> None:
    with transaction() as session:
        freeze(session, 5)
        old = Content((Entry(41, 1, "new"), Entry(42, 1, "rising"))).to_json()
        common = {"announcement_id": DAY.toordinal(), "profile_id": 7, "created_at": NOON, "previous_seen": 0}
        session.add(Edition(subscriber_id=2, day=date(2025, 11, 21), content=old, papers=2, **common))
    with reading() as session:
        sent = sent_papers.papers_sent_since(session, [1, 2, 3, 4], DAY.toordinal())

    assert {subscriber_id: sorted(paper_ids) for subscriber_id, paper_ids in sent.items()} == {
        1: sorted(papers(1)), 2: sorted([*papers(2), 41, 42]), 4: sorted(papers(4)),
    }  # fmt: skip


def test_old_sent_papers_are_deleted(database: str) -> None:
    with transaction() as session:
        freeze(session, 2)
    with reading() as session:
        sent = sent_papers.papers_sent_since(session, [1, 2], DAY.toordinal() + 1)

    assert sent == {}


def test_a_frozen_edition_names_its_papers_in_four_bytes_each() -> None:
    content = StoredContent.from_content(Content((Entry(1, 1, "new"), Entry(70000, 2, "rising"))))

    assert struct.unpack("<2i", content.paper_ids) == (1, 70000)

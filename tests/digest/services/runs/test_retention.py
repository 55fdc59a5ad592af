"""Retention: old rows are deleted, waiting and recent ones stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.errors import Misconfigured
from digest.models import AdminLogin, Attempt, Bounce, Delivery, DomainPause, Edition, ExamplePaper
from digest.papers import ListedPaper, Record
from digest.services.editions import web_view
from digest.services.runs import retention
from digest.services.search import search_indexing
from digest.services.search.paper_search import search
from digest.services.search.search_schemas import SearchRequest
from tests.digest.services.conftest import MONDAY, Lab, paper, utc
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, bounces, later, store_row
from tests.outbox import Outbox


def age(outbox: Outbox, days: int) -> None:
    outbox.change(lambda row, now: setattr(row, "created_at", now - timedelta(days=days)))


def test_old_deliveries_go_with_their_addresses(service: str, outbox: Outbox, configured: Callable[..., None]) -> None:
    configured(RETENTION_DAYS=30)
    ada, run = add_subscriber("ada@one.example"), add_run()
    add_mail(ada, run)
    age(outbox, 31)
    young = add_mail(add_subscriber("bob@one.example"), run)

    deleted = retention.delete_expired()

    assert deleted == 1
    assert [row.id for row in outbox.rows()] == [young]


def test_what_waits_is_never_forgotten(service: str, outbox: Outbox) -> None:
    add_mail(add_subscriber("ada@one.example"), add_run(), state="uncertain", is_held=True)
    age(outbox, 1000)

    assert retention.delete_expired() == 0


def test_more_than_one_transaction_may_be_needed(service: str, outbox: Outbox) -> None:
    now = clock.now() - timedelta(days=500)
    with transaction() as session:
        session.add_all(
            Delivery(kind="test", subject_id=n, address="a@b.example", domain="b.example", state="sent", created_at=now)
            for n in range(retention.ROWS_PER_TRANSACTION + 10)
        )

    assert retention.delete_expired() == retention.ROWS_PER_TRANSACTION + 10


def test_old_reports_tries_and_pauses_go(service: str) -> None:
    store_row(
        Bounce(report_key="old", address_key="ada@one.example", kind="soft", at=later(days=-401)),
        Bounce(report_key="new", address_key="bob@one.example", kind="soft", at=later(days=-1)),
        Attempt(action="sign-up", key="x", at=later(days=-3)),
        AdminLogin(address="root@digest.example", asked_at=later(days=-3), link_expires_at=later(days=-3)),
        AdminLogin(address="ops@digest.example", asked_at=later(hours=-11), link_expires_at=later(hours=-10)),
        DomainPause(domain="one.example", until=later(days=-3), reason="5.7.1"),
        DomainPause(domain="two.example", until=later(hours=3), reason="5.7.1"),
    )

    deleted = retention.delete_expired()

    assert deleted == 4
    assert bounces() == [("bob@one.example", "soft")]
    with reading() as session:
        assert session.get(DomainPause, "two.example") is not None


def _stored(table: str) -> set[int]:
    with reading() as session:
        return {int(number) for (number,) in session.connection().execute(text(f"SELECT id FROM {table}"))}


def test_old_editions_go_where_that_is_set_and_each_subscribers_newest_stays(
    service: str, configured: Callable[..., None]
) -> None:
    ada, today = add_subscriber("ada@one.example"), clock.now().date()
    with transaction() as session:
        session.add_all(
            Edition(
                subscriber_id=ada,
                day=today - timedelta(days=days),
                announcement_id=1,
                profile_id=1,
                created_at=clock.now(),
                previous_seen=0,
                content={"entries": []},
            )
            for days in (400, 300, 200, 10)
        )
    before = _stored("edition")
    retention.delete_expired()
    unset = _stored("edition")
    configured(RETENTION_EDITIONS_DAYS=250)
    retention.delete_expired()

    assert unset == before
    assert len(_stored("edition")) == 2


def test_old_papers_go_where_that_is_set_with_all_about_them(lab: Lab, configured: Callable[..., None]) -> None:
    lab.announce(MONDAY, *(f"Old bandits {number}" for number in (1, 2, 3)))
    search_indexing.index_papers(seconds=60)
    first, second, third = sorted(_stored("paper"))
    ada = lab.subscribe("ada", "bandits")
    store_row(ExamplePaper(subscriber_id=ada, import_id=1, paper_id=second, title="Old bandits 2", added_at=later()))
    lab.set_time(utc(MONDAY + timedelta(days=300), 5))
    lab.announce(MONDAY + timedelta(days=298), "New bandits 1", "New bandits 2")
    configured(RETENTION_PAPERS_DAYS=200)

    retention.delete_expired()

    remaining_papers = _stored("paper")
    assert remaining_papers & {first, second, third} == {second}
    assert len(remaining_papers) == 3
    with reading() as session:
        keys = {number for (number,) in session.connection().execute(text("SELECT DISTINCT paper_id FROM paper_key"))}
    assert keys == remaining_papers


def test_an_edition_shows_its_paper_whose_joined_version_is_old_too(lab: Lab, configured: Callable[..., None]) -> None:
    names = ("Ada Byron", "Emmy Noether", "Lise Meitner")
    preprint, journal = "10.1101/2025.11.17.000001", "10.1038/s41586-025-00001-1"
    tuesday, later_day = MONDAY + timedelta(days=1), MONDAY + timedelta(days=300)
    ada = lab.subscribe("ada", "decide")
    lab.store(MONDAY, paper(1, "Linear bandits in the cortex of mice", arxiv_id=None, doi=preprint, authors=names))
    lab.store(tuesday, paper(2, "How mice decide among bandits", arxiv_id=None, doi=journal, authors=names))
    lab.run(tuesday)
    (edition,) = lab.editions("ada")
    lab.store(tuesday, ListedPaper(Record("", doi=journal, preprint_dois=(preprint,))))
    store_row(ExamplePaper(subscriber_id=ada, import_id=1, paper_id=2, title="How mice decide", added_at=later()))
    lab.set_time(utc(later_day, 5))
    lab.announce(later_day - timedelta(days=2), "New bandits 1", "New bandits 2")
    configured(RETENTION_PAPERS_DAYS=200)
    retention.delete_expired()
    remaining_papers = _stored("paper")
    with transaction() as session:  # as it was deleted before such papers were kept
        session.connection().execute(text("DELETE FROM paper_version WHERE paper_id = 1"))

    assert {1, 2} <= remaining_papers
    assert "How mice decide among bandits" in web_view.web_view(edition.id or 0, "/editions/x")


def test_search_and_mail_go_on_after_old_papers_went(lab: Lab, configured: Callable[..., None]) -> None:
    lab.announce(MONDAY, "Old bandits")
    search_indexing.index_papers(seconds=60)
    lab.subscribe("ada", "bandits")
    later_day = MONDAY + timedelta(days=300)
    lab.set_time(utc(later_day, 5))
    lab.announce(later_day, "New bandits")
    configured(RETENTION_PAPERS_DAYS=200)
    retention.delete_expired()

    lab.run(later_day)
    search_indexing.index_papers(seconds=60)

    assert lab.papers("ada", later_day) == ["New bandits"]
    assert [hit.row.title for hit in search(SearchRequest("bandits", limit=10)).hits] == ["New bandits"]


def test_papers_of_the_last_months_cannot_be_given_a_shorter_time(
    service: str, configured: Callable[..., None]
) -> None:
    configured(RETENTION_PAPERS_DAYS=14)

    with pytest.raises(Misconfigured, match="at least 120 days"):
        settings.get()
    configured(RETENTION_PAPERS_DAYS=0)

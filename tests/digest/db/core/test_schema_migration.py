"""The migrations: they make the tables of the models, on both kinds of database, and may be run again and at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, col, select

from digest import clock
from digest.db.core import schema_migration
from digest.db.core.dialect import unused_ids
from digest.db.core.engine import engine
from digest.errors import Misconfigured
from digest.models import (
    Announcement,
    Audit,
    Batch,
    Delivery,
    Edition,
    Paper,
    PaperKey,
    PaperVersion,
    Signal,
    SignUpRequest,
    Subscriber,
)
from digest.models.search import TERMS_TABLE
from digest.queues import NoQueue
from digest.services.security import api_tokens
from digest.services.subscriptions import sign_up_confirmation
from digest.services.subscriptions.preference_fields import Preferences
from tests.forked_processes import ForkedProcess
from tests.patience import PATIENCE
from tests.servers import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, configured: Callable[..., None]) -> Iterator[None]:
    """A database without tables; the settings point to it."""
    if request.param == "sqlite":
        configured(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        configured(DATABASE_URL=server.empty_database())
    yield
    engine().dispose()


def _is_of_search_terms(name: str | None, kind: str) -> bool:
    """True for the table of search terms and those that FTS5 keeps for it: each database has its own form of them."""
    return kind == "table" and (name or "").startswith(TERMS_TABLE)


def differences() -> list[object]:
    """What autogenerate would write to bring the database to the models."""
    with engine().connect() as connection:
        options = {"compare_type": True, "include_name": lambda name, kind, _: not _is_of_search_terms(name, kind)}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_migrations_make_the_tables_of_the_models(empty: None) -> None:
    schema_migration.upgrade()

    assert differences() == []


def test_the_comparison_sees_a_missing_table(empty: None) -> None:
    schema_migration.upgrade()
    with engine().begin() as connection:
        SQLModel.metadata.tables["attempt"].drop(connection)

    assert differences() != []


def test_of_two_at_once_one_migrates_and_the_other_waits(empty: None) -> None:
    started = [ForkedProcess("workers.main", "migrate") for _ in range(2)]

    assert [process.wait(PATIENCE) for process in started] == [0, 0]
    assert differences() == []


def test_migrating_again_changes_nothing(empty: None) -> None:
    first = schema_migration.upgrade()

    assert schema_migration.upgrade() == first == schema_migration.current_revision()


def test_a_database_that_was_never_migrated_is_named_with_its_cure(empty: None) -> None:
    with pytest.raises(Misconfigured, match=r"schema is empty, not .*; run: digest migrate"):
        schema_migration.require_newest()


def test_a_confirmation_mail_from_before_requests_were_kept_apart_still_works(
    empty: None, configured: Callable[..., None]
) -> None:
    """Its link carries the number of a profile version, which the request inherits."""
    configured(SECRET_KEY="a key for tests as long as it has to be")
    schema_migration.upgrade("0005")
    subscriber = (
        "INSERT INTO subscriber (id, address, address_key, state, created_at, time_zone, send_at, cadence, weekday, "
        "quiet_day, seen_through, profile_id) VALUES (:id, :a, :a, :s, :t, 'Asia/Tokyo', '18:15:00', 'weekly', 2, "
        "'notice', 0, :p)"
    )
    version = (
        "INSERT INTO profile_version (id, subscriber_id, number, created_at, profile) "
        """VALUES (:id, :s, :id, :t, '{"topics": [{"text": "graphs"}]}')"""
    )
    created_at = clock.now()
    with engine().begin() as connection:
        for number, state, profile in ((1, "pending", None), (2, "active", 8), (3, "left", 9)):
            values = {"id": number, "a": f"r{number}@one.example", "s": state, "t": str(created_at), "p": profile}
            connection.execute(text(subscriber), values)
        for number, owner in ((7, 1), (8, 2), (9, 3), (10, 3)):
            connection.execute(text(version), {"id": number, "s": owner, "t": str(created_at)})
    schema_migration.upgrade()
    with Session(engine()) as session:
        requests = session.exec(select(SignUpRequest).order_by(col(SignUpRequest.id))).all()
        request = SignUpRequest(subscriber_id=2, created_at=created_at, profile={}, schedule={})
        session.add(request)
        session.flush()

        assert [(row.id, row.subscriber_id) for row in requests] == [(7, 1), (10, 3)]
        assert request.id == 11
    confirmed = sign_up_confirmation.confirm(1, 7, "client", NoQueue())

    assert confirmed.profile.topics[0].text == "graphs"
    assert (confirmed.schedule.time_zone, f"{confirmed.schedule.send_at}") == ("Asia/Tokyo", "18:15:00")
    assert (confirmed.schedule.cadence, confirmed.schedule.weekday) == ("weekly", 2)


NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)


def digest_delivery(number: int) -> Delivery:
    return Delivery(
        id=number, kind="digest", subject_id=number, address="a@one.example", domain="one.example", created_at=NOON
    )


@pytest.fixture
def first_with_rows(empty: None) -> None:
    """The first schema, with a paper, its keys, and a queued mail; migrated to the newest."""
    schema_migration.upgrade("0001")
    with Session(engine()) as session, session.begin():
        session.add(Announcement(id=739575, day=date(2025, 11, 20)))
        session.flush()
        session.add(Batch(id=1, source="seeds", announcement_id=739575, started_at=NOON, known_at=NOON))
        session.flush()
        columns = "id, arxiv_id, announcement_id, batch_id, revision, withdrawn"  # those of the first schema
        session.execute(text(f"INSERT INTO paper ({columns}) VALUES (1, '2511.00001', 739575, 1, 1, false)"))
        session.add_all(PaperKey(key=key, paper_id=1) for key in ("one", "two"))
        session.add(PaperVersion(paper_id=1, revision=1, batch_id=1, title="A title", abstract="", detail={}))
        session.add(Signal(paper_id=1, source="seeds", name="upvotes", taken_at=NOON, value=3))
        session.add(digest_delivery(7))
    schema_migration.upgrade()


def test_rows_of_the_first_schema_are_all_there_in_the_newest(first_with_rows: None) -> None:
    with Session(engine()) as session:
        keys = session.exec(select(PaperKey.key).order_by(PaperKey.key)).all()
        mails = session.exec(select(Delivery.subject_id)).all()
        papers = session.exec(select(Paper.arxiv_id, PaperVersion.title).join(PaperVersion)).all()
        signals = session.exec(select(Signal.paper_id, Signal.value)).all()

    assert (keys, mails) == (["one", "two"], [7])
    assert (papers, signals) == ([("2511.00001", "A title")], [(1, 3)])


def test_what_names_a_row_must_name_one_after_migrating(first_with_rows: None) -> None:
    with Session(engine()) as session, pytest.raises(IntegrityError), session.begin():
        session.add(Signal(paper_id=2, source="seeds", name="upvotes", taken_at=NOON, value=3))


def test_a_migrated_database_is_as_the_models_say(first_with_rows: None) -> None:
    assert differences() == []


def test_an_erased_edition_s_number_is_not_given_again_after_migrating(empty: None) -> None:
    schema_migration.upgrade("0003")
    row = "VALUES (9, 1, '2025-11-20', 1, 1, '2025-11-20', 0, 'digest', false, 0, '')"
    with engine().begin() as connection:
        connection.execute(
            text("INSERT INTO subscriber (id, address, address_key, state, created_at, time_zone, send_at, cadence,"
                 " weekday, quiet_day, seen_through) VALUES (1, 'a', 'a', 'active', '2025-11-20', 'UTC', '07:00',"
                 " 'daily', 0, 'skip', 0)")
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO edition (id, subscriber_id, day, announcement_id, profile_id, created_at, previous_seen,"
                 f" kind, cancelled, papers, content) {row}")
        )  # fmt: skip
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('edition_id_seq', 9)"))
        connection.execute(text("DELETE FROM edition"))
    schema_migration.upgrade()
    with Session(engine()) as session:
        numbers = unused_ids(session, Edition, 1)

    assert numbers == [10]


def test_mails_are_numbered_beyond_four_bytes(first_with_rows: None) -> None:
    with Session(engine()) as session, session.begin():
        session.add(digest_delivery(2**40))
    with Session(engine()) as session:
        delivery = session.get(Delivery, 2**40)

    assert delivery is not None
    assert delivery.subject_id == 2**40


def rows(statement: str) -> list[tuple[object, ...]]:
    with engine().connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_migrating_makes_an_installation_id_of_128_bits_once(empty: None) -> None:
    schema_migration.upgrade()
    first = rows("SELECT id, key FROM installation")
    schema_migration.upgrade()

    assert rows("SELECT id, key FROM installation") == first
    assert [len(bytes.fromhex(str(key))) for _, key in first] == [16]


def test_serials_go_on_from_the_deliveries_and_from_what_the_audit_knows(empty: None) -> None:
    schema_migration.upgrade("0005")
    with Session(engine()) as session, session.begin():
        for kind, subject, serial in (("resend", 5, 1), ("resend", 5, 2), ("link", 3, 0), ("digest", 5, 0)):
            row = digest_delivery(10 * subject + serial + len(kind))
            row.kind, row.subject_id, row.serial = kind, subject, serial
            session.add(row)
        for edition, serial in ((5, 1), (5, 7), (6, 2)):
            detail = {"edition": edition, "serial": serial, "subscriber": 1}
            session.add(Audit(at=NOON, actor="command line", action="resend", detail=detail))
        session.add(Audit(at=NOON, actor="command line", action="suppress", detail={"serial": 9}))
    schema_migration.upgrade()

    counted = rows("SELECT kind, subject_id, last FROM delivery_serial ORDER BY kind, subject_id")

    assert counted == [("link", 3, 0), ("resend", 5, 7), ("resend", 6, 2)]


def test_a_removed_delivery_s_number_is_not_given_again_after_migrating(first_with_rows: None) -> None:
    with Session(engine()) as session, session.begin():
        session.connection().execute(text("DELETE FROM delivery"))
        if session.get_bind().dialect.name == "postgresql":
            session.connection().execute(text("SELECT setval('delivery_id_seq', 7)"))
        new_delivery = digest_delivery(8)
        new_delivery.id = None
        session.add(new_delivery)
        session.flush()
        number = new_delivery.id

    assert number == 8


def test_time_zones_that_depend_on_the_machine_become_real_ones(empty: None) -> None:
    schema_migration.upgrade("0005")
    zones = ("localtime", "Factory", "right/Europe/Berlin", "posix/Asia/Tokyo", "America/New_York")
    with engine().begin() as connection:
        for number, zone in enumerate(zones):
            connection.execute(
                text("INSERT INTO subscriber (id, address, address_key, state, created_at, time_zone, send_at, cadence,"
                     f" weekday, quiet_day, seen_through) VALUES ({number}, 'a', 'a{number}', 'active', '2025-11-20',"
                     f" '{zone}', '07:00', 'daily', 0, 'skip', 0)")
            )  # fmt: skip
    schema_migration.upgrade()
    with engine().connect() as connection:
        time_zones = connection.execute(text("SELECT time_zone FROM subscriber ORDER BY id")).scalars().all()

    assert time_zones == ["UTC", "UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York"]


def test_a_subscriber_of_an_earlier_release_with_default_preferences_has_the_defaults_of_later_ones(
    empty: None,
) -> None:
    schema_migration.upgrade("0005")
    with engine().begin() as connection:
        subscriber = (
            "INSERT INTO subscriber (id, address, address_key, state, created_at, time_zone, send_at, cadence, "
            "weekday, quiet_day, seen_through) VALUES (1, 'a@one.example', 'a@one.example', 'active', :now, 'UTC', "
            "'07:00:00', 'daily', 0, 'skip', 0)"
        )
        connection.execute(text(subscriber), {"now": str(clock.now())})
    schema_migration.upgrade()
    names = Preferences.model_fields.keys() & Subscriber.model_fields.keys()
    with Session(engine()) as session:
        stored = session.get(Subscriber, 1)

        assert {name: getattr(stored, name) for name in names} == {name: getattr(Preferences(), name) for name in names}


def test_only_preprints_of_a_server_s_own_source_get_its_outlet(empty: None) -> None:
    schema_migration.upgrade("0001")
    rows = [
        ("biorxiv", "NULL", "'10.1101/1'"),
        ("medrxiv", "NULL", "'10.64898/2'"),
        ("jsonl", "NULL", "'10.1101/3'"),
        ("biorxiv", "NULL", "'10.1016/4'"),
        ("biorxiv", "'2511.00005'", "'10.1101/5'"),
        ("arxiv", "'2511.00006'", "NULL"),
    ]
    with Session(engine()) as session, session.begin():
        session.add(Announcement(id=739575, day=date(2025, 11, 20)))
        session.flush()
        for number, (source, arxiv_id, doi) in enumerate(rows, 1):
            session.add(Batch(id=number, source=source, announcement_id=739575, started_at=NOON, known_at=NOON))
            session.flush()
            columns = "id, arxiv_id, doi, announcement_id, batch_id, revision, withdrawn"
            values = f"{number}, {arxiv_id}, {doi}, 739575, {number}, 1, false"
            session.execute(text(f"INSERT INTO paper ({columns}) VALUES ({values})"))
    schema_migration.upgrade()
    with engine().connect() as connection:
        outlets = connection.execute(text("SELECT outlets FROM paper ORDER BY id")).scalars().all()

    assert outlets == ["biorxiv", "medrxiv", "", "", "arxiv biorxiv", "arxiv"]


def test_a_token_made_before_there_were_scopes_keeps_them_all(empty: None) -> None:
    schema_migration.upgrade("0005")
    statement = "INSERT INTO admin_token (name, digest, created_at) VALUES ('old', 'x', '2025-01-01 00:00:00+00:00')"
    with engine().begin() as connection:
        connection.execute(text(statement if connection.dialect.name != "sqlite" else statement.replace("+00:00", "")))
    schema_migration.upgrade()

    assert [(row["name"], row["scopes"], row["state"]) for row in api_tokens.list_tokens()] == [
        ("old", "admin", "active")
    ]
    assert api_tokens.unlimited_token_names() == ["old"]

"""`digest backup`, `restore` and `move`: nothing is lost on the way, and bad files and full databases are refused."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from digest import settings
from digest.db.core import postgresql_dump, schema_migration, sqlite_backup
from digest.db.core.engine import engine, transaction
from digest.redis.running_instance import recorded_instance
from digest.replace_file import move_file
from digest.services.backup import archive, create_backup, restore_backup
from tests.digest.cli.conftest import Terminal
from tests.servers import MailServer, Postgres
from tests.small_disk import SmallDisk

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
PAPERS = [
    {"id": f"2511.0000{number}", "title": f"Linear bandits {number}", "abstract": "We study bandits — “quoted”\t\\N."}
    for number in range(1, 5)
]


@pytest.fixture
def lab(ready: Terminal, smtp: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Papers, subscribers and mails, and an `.env` beside them."""
    monkeypatch.setattr(settings, "ENV_FILE", tmp_path / ".env")
    (tmp_path / ".env").write_text("DIGEST_POSTAL_ADDRESS='Street 1'\n")
    file = tmp_path / "papers.jsonl"
    file.write_text(
        "".join(json.dumps(row | {"authors": ["Ada Byron"], "announced": "2025-11-17"}) + "\n" for row in PAPERS)
    )
    ready.ok("ingest", "jsonl", "--file", str(file))
    for name in ("ada", "bob"):
        ready.ok("admin", "subscribers", "add", f"{name}@example.com", "--topic", "bandits", "--consent", "in person")
    ready.ok("run", "--date", "2025-11-17", "--inline")
    return ready


@pytest.fixture
def empty_database(
    database: str, configured: Callable[..., None], request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], str]:
    """Points the settings to a new database of the same kind without tables."""

    def point() -> str:
        return _point_to(configured, request, tmp_path, "sqlite" if database.startswith("sqlite") else "postgresql")

    return point


def _point_to(configured: Callable[..., None], request: pytest.FixtureRequest, folder: Path, kind: str) -> str:
    if kind == "sqlite":
        address = f"sqlite:///{folder / 'other' / 'digest.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        address = server.new_database(lambda _address: None)
    engine().dispose()
    configured(DATABASE_URL=address)
    return address


def _backup(terminal: Terminal, folder: Path, *options: str) -> Path:
    return Path(json.loads(terminal.ok("backup", "--to", str(folder), "--json", *options))["file"])


def _content() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, except what a restore itself records."""
    with engine().connect() as connection:
        names = connection.execute(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
                if engine().dialect.name == "postgresql"
                else "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        )
        return {
            name: sorted((tuple(row) for row in connection.execute(text(f'SELECT * FROM "{name}"'))), key=repr)
            for (name,) in names.all()
            if name != "audit" and not name.startswith("search_terms")
        }


def test_a_restored_installation_holds_every_row_of_the_backup(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    before = _content()
    file = _backup(lab, tmp_path / "backups")
    empty_database()

    output = lab.ok("restore", str(file))

    assert _content() == before
    assert "2 subscribers, 4 papers, 2 mails" in output


def test_a_restored_installation_continues_its_numbers(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    lab.ok("admin", "subscribers", "erase", "bob@example.com")
    file = _backup(lab, tmp_path / "backups")
    empty_database()

    lab.ok("restore", str(file))
    lab.ok("admin", "subscribers", "add", "cyd@example.com", "--topic", "bandits", "--consent", "in person")

    assert "cyd@example.com" in lab.ok("admin", "subscribers", "list")


def test_a_restored_installation_sends_nothing_that_was_sent_before_the_backup(
    lab: Terminal, smtp: MailServer, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()

    lab.ok("restore", str(file))
    lab.ok("run", "--date", "2025-11-17", "--inline")

    assert smtp.recipients() == {"ada@example.com": 1, "bob@example.com": 1}


def test_what_is_committed_during_a_backup_is_in_none_of_its_tables(
    lab: Terminal,
    database: str,
    configured: Callable[..., None],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The change is made while the copy is under way: after the first table, or the first page of SQLite's file."""
    changed: list[bool] = []

    def change_once() -> None:
        if not changed:
            changed.append(True)
            with transaction() as session:
                for table, column in (("installation", "key"), ("subscriber", "time_zone"), ("delivery", "reply")):
                    session.connection().execute(text(f"UPDATE {table} SET {column} = 'changed'"))

    before = _content()
    if database.startswith("sqlite"):
        monkeypatch.setattr(
            sqlite_backup, "_driver_connection", lambda connection: _SteppingCopy(connection, change_once)
        )
    else:
        dump = postgresql_dump._dump_table
        monkeypatch.setattr(postgresql_dump, "_dump_table", lambda *values: (dump(*values), change_once())[0])
    file = _backup(lab, tmp_path / "backups")
    assert changed
    assert _content() != before
    _point_to(configured, request, tmp_path, "sqlite" if database.startswith("sqlite") else "postgresql")
    lab.ok("restore", str(file))

    assert _content() == before


class _SteppingCopy:
    """An SQLite connection whose backup calls a function after its first page."""

    def __init__(self, connection: Connection, function: Callable[[], None]) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver, self._function = driver, function

    def backup(self, target: sqlite3.Connection, *, pages: int) -> None:
        self._driver.backup(target, pages=1, progress=lambda *_: self._function())


@SQLITE
def test_a_backup_taken_between_writes_is_a_state_that_existed(lab: Terminal, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with transaction() as session:  # both rows or none
                session.connection().execute(text("UPDATE paper_version SET abstract = abstract || '!'"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        file = _backup(lab, tmp_path / "backups")
    finally:
        stop.set()
        writer.join()
    with tarfile.open(file) as archive:
        database = archive.extractfile("digest.db")
        assert database is not None
        (tmp_path / "copy.db").write_bytes(database.read())
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        abstracts = copy.execute("SELECT abstract FROM paper_version").fetchall()
    assert len(set(abstracts)) == 1


@SQLITE
def test_a_backup_is_readable_by_its_owner_alone_and_holds_the_settings(lab: Terminal, tmp_path: Path) -> None:
    file = _backup(lab, tmp_path / "backups")

    with tarfile.open(file) as archive:
        names = archive.getnames()
    assert file.stat().st_mode & 0o777 == 0o600
    assert names == ["manifest.json", "digest.db", "env"]


@SQLITE
def test_only_the_newest_backups_are_kept_and_other_files_stay(
    lab: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("papers-inbox-20240101T000000Z.tar.gz", "papers-inbox-20240102T000000Z.tar.gz", "notes.txt"):
        (folder / name).touch()

    file = _backup(lab, folder, "--keep", "2")

    assert {path.name for path in folder.iterdir()} == {file.name, "papers-inbox-20240102T000000Z.tar.gz", "notes.txt"}


@SQLITE
@pytest.mark.parametrize(("present", "keep"), [(1, 3), (2, 4), (12, 14)])
def test_fewer_backups_than_are_kept_all_stay(lab: Terminal, tmp_path: Path, present: int, keep: int) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, present + 1):
        (folder / f"papers-inbox-202401{day:02}T000000Z.tar.gz").touch()

    _backup(lab, folder, "--keep", str(keep))

    assert len(list(folder.iterdir())) == present + 1


@SQLITE
def test_the_backup_just_written_stays_though_others_have_later_names(lab: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "papers-inbox-20990101T000000Z.tar.gz").touch()  # written while the clock was wrong

    file = _backup(lab, folder, "--keep", "1")

    assert list(folder.iterdir()) == [file]


@SQLITE
def test_what_a_killed_backup_left_is_removed_by_the_next_one(lab: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    (folder / ".backup-a1b2c3d4").mkdir(parents=True)
    (folder / ".backup-a1b2c3d4" / "digest.db").write_bytes(b"a copy")
    (folder / ".backup-notes").mkdir()

    file = _backup(lab, folder)

    assert {path.name for path in folder.iterdir()} == {file.name, ".backup-notes"}


@SQLITE
def test_two_backups_at_the_same_time_leave_each_other_alone(
    lab: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, files = sqlite_backup.copy_database, list[Path]()

    def copy_while_another_backup_runs(target: Path) -> None:
        monkeypatch.setattr(sqlite_backup, "copy_database", copy)
        copy(target)
        files.append(create_backup.create_backup(tmp_path / "backups").file)

    monkeypatch.setattr(sqlite_backup, "copy_database", copy_while_another_backup_runs)
    files.append(create_backup.create_backup(tmp_path / "backups").file)

    assert [archive.verify(file).rows_of("paper") for file in files] == [4, 4]


@SQLITE
@pytest.mark.parametrize("command", [("backup", "--to"), ("init", "--caddy")], ids=["backup", "init"])
def test_a_link_to_nowhere_and_a_file_in_the_way_are_named(
    lab: Terminal, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")

    code, error = lab.refused(*command, str(tmp_path / "link" / "backups"))
    assert code == 2
    assert f"{tmp_path / 'link'} is a link to {tmp_path / 'gone'}, which does not exist" in error

    _, error = lab.refused(*command, str(tmp_path / "papers.jsonl" / "backups"))
    assert f"{tmp_path / 'papers.jsonl'} is a file, not a folder" in error


@SQLITE
def test_a_full_disk_for_the_backup_is_named_and_leaves_nothing(lab: Terminal, tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "small", 1) as disk:
        disk.fill()
        code, error = lab.refused("backup", "--to", str(disk.folder / "backups"))

        assert code == 2
        assert "small/backups: can't be written (No space left on device)" in error
        assert [path.name for path in disk.folder.rglob("*") if path.is_file()] == ["filler"]


@SQLITE
def test_a_restore_onto_a_full_disk_leaves_nothing_and_can_be_repeated(
    lab: Terminal, tmp_path: Path, configured: Callable[..., None]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    with SmallDisk(tmp_path / "small", 8) as disk:
        target = disk.folder / "digest.db"
        engine().dispose()
        configured(DATABASE_URL=f"sqlite:///{target}")
        disk.fill()
        code, error = lab.refused("restore", str(file))

        assert code == 2
        assert f"{target}: can't be written (No space left on device)" in error
        assert [path.name for path in disk.folder.iterdir()] == ["filler"]

        disk.clear()
        assert "2 subscribers, 4 papers, 2 mails" in lab.ok("restore", str(file))
        engine().dispose()


@SQLITE
def test_a_full_disk_beside_the_backup_is_not_blamed_on_the_backup(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()
    with SmallDisk(tmp_path / "small", 1) as disk:
        copy = Path(shutil.copy(file, disk.folder))
        disk.fill()
        _code, error = lab.refused("restore", str(copy))

        assert f"{disk.folder}: the backup can't be unpacked there (No space left on device)" in error
        assert {path.name for path in disk.folder.iterdir()} == {"filler", file.name}


@SQLITE
def test_a_backup_without_the_signing_key_says_so(lab: Terminal, tmp_path: Path) -> None:
    folder_without = lab.ok("backup", "--to", str(tmp_path / "folder_without"))
    settings.ENV_FILE.write_text("DIGEST_SECRET_KEY=of-at-least-32-bytes-for-the-signatures\n")
    with_key = lab.ok("backup", "--to", str(tmp_path / "with"))

    assert "DIGEST_SECRET_KEY is not in it" in folder_without
    assert "it holds addresses and keys" in with_key


@SQLITE
def test_settings_of_the_new_machine_are_kept_and_the_old_ones_lie_beside_them(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()
    settings.ENV_FILE.write_text("DIGEST_POSTAL_ADDRESS='Street 2'\n")

    output = lab.ok("restore", str(file))

    assert ".env differs from the backup's and was kept" in output
    assert "Street 2" in settings.ENV_FILE.read_text()
    assert "Street 1" in settings.ENV_FILE.with_name(".env.restored").read_text()


def test_a_database_in_use_is_not_overwritten(lab: Terminal, tmp_path: Path) -> None:
    before = _content()
    file = _backup(lab, tmp_path / "backups")

    code, error = lab.refused("restore", str(file))

    assert code == 1
    assert "the database is not empty (2 rows of subscriber, 4 rows of paper, 2 rows of delivery)" in error
    assert _content() == before


@SQLITE
@pytest.mark.parametrize("is_in_place", [False, True])
def test_an_interrupted_restore_leaves_the_old_state_or_the_whole_new_one(
    lab: Terminal,
    tmp_path: Path,
    empty_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    is_in_place: bool,
) -> None:
    """Interrupted right before or right after the database takes its place."""

    def interrupted_move(source: Path, target: Path) -> None:
        if is_in_place:
            move_file(source, target)
        raise KeyboardInterrupt

    before = _content()
    file = _backup(lab, tmp_path / "backups")
    database = Path(empty_database().removeprefix("sqlite:///"))
    with monkeypatch.context() as patch:
        patch.setattr(restore_backup, "move_file", interrupted_move)
        lab.run("restore", str(file))

    assert database.exists() == is_in_place
    if not is_in_place:
        lab.ok("restore", str(file))  # works, so that nothing but the interruption was in its way
    assert _content() == before
    assert _restores_recorded() == 1


@POSTGRESQL
def test_a_restore_is_recorded_with_its_rows(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted between the transaction that loads the rows and the upgrade of the schema."""

    def interrupted_upgrade(target: str = "head") -> str:
        if target == "head":
            raise KeyboardInterrupt
        return target

    file = _backup(lab, tmp_path / "backups")
    empty_database()
    monkeypatch.setattr(schema_migration, "upgrade", interrupted_upgrade)
    lab.run("restore", str(file))

    assert _restores_recorded() == 1


def _restores_recorded() -> int:
    with engine().connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM audit WHERE action = 'restore'")).scalar_one())


def test_a_refused_restore_writes_no_settings(lab: Terminal, tmp_path: Path) -> None:
    file = _backup(lab, tmp_path / "backups")
    settings.ENV_FILE.unlink()

    lab.refused("restore", str(file))

    assert not settings.ENV_FILE.exists()


@SQLITE
def test_the_last_changes_of_a_database_moved_away_without_its_log_are_kept(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    database = Path(empty_database().removeprefix("sqlite:///"))
    database.parent.mkdir(exist_ok=True)
    log = database.with_name("digest.db-wal")
    log.write_bytes(b"changes")

    code, error = lab.refused("restore", str(file))

    assert code == 1
    assert f"{log} holds the last changes of a database that was moved away" in error
    assert log.read_bytes() == b"changes"


def test_suppressions_alone_are_not_overwritten(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()
    lab.ok("migrate")
    lab.ok("admin", "suppress", "eve@example.com")

    assert "the database is not empty (1 row of suppression)" in lab.refused("restore", str(file))[1]


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    """Change a byte of the database and compress again, so that only the checksum can tell."""
    plain = bytearray(gzip.decompress(content))
    position = plain.index(b"SQLite format 3") + 3000
    plain[position] ^= 0xFF
    return gzip.compress(bytes(plain))


@SQLITE
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "not a whole backup file"),
        (_flip, "digest.db is damaged; take an older backup"),
        (lambda _content: b"", "not a whole backup file"),
        (lambda _content: b"PK\x03\x04 a zip file", "not a whole backup file"),
        (lambda _content: gzip.compress(b"text"), "not a whole backup file"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_changes(
    lab: Terminal,
    tmp_path: Path,
    empty_database: Callable[[], str],
    damage: Callable[[bytes], bytes],
    message: str,
) -> None:
    file = _backup(lab, tmp_path / "backups")
    file.write_bytes(damage(file.read_bytes()))
    address = empty_database()

    code, error = lab.refused("restore", str(file))

    assert code != 0
    assert message in error
    assert not Path(address.removeprefix("sqlite:///")).exists()


@SQLITE
def test_a_backup_of_a_newer_release_is_refused(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    with transaction() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    file = _backup(lab, tmp_path / "backups")
    empty_database()

    assert "is of the newer release" in lab.refused("restore", str(file))[1]


@SQLITE
def test_an_archive_with_other_files_is_refused(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(file) as source, tarfile.open(evil, "w:gz") as target:
        for member in source:
            target.addfile(member, source.extractfile(member))
        target.add(file, arcname="../../outside")
    empty_database()

    assert "../../outside does not belong to a backup" in lab.refused("restore", str(evil))[1]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_move_to_either_database_keeps_every_row_and_continues_the_service(
    lab: Terminal,
    smtp: MailServer,
    tmp_path: Path,
    configured: Callable[..., None],
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    present = settings.get().database
    listed = lab.ok("admin", "subscribers", "list")
    target = _point_to(configured, request, tmp_path, kind)
    configured(DATABASE_URL=present.replace("+psycopg", ""))

    output = lab.ok("move", "--to", target)
    engine().dispose()
    configured(DATABASE_URL=target)
    lab.ok("run", "--date", "2025-11-17", "--inline")
    lab.ok("admin", "subscribers", "add", "cyd@example.com", "--topic", "bandits", "--consent", "in person")

    assert "equal in both databases" in output
    assert lab.ok("admin", "subscribers", "list").startswith(listed[:40])
    assert smtp.recipients() == {"ada@example.com": 1, "bob@example.com": 1}


@SQLITE
def test_a_move_into_a_database_in_use_is_refused(lab: Terminal, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    file = settings.get().database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)

    assert "the database is not empty" in lab.refused("move", "--to", f"sqlite:///{copy}")[1]


@SQLITE
@pytest.mark.parametrize(
    ("address", "message"),
    [("nonsense", "--to: expected postgresql://… or sqlite:///…"), (None, "--to: that is the present database")],
)
def test_an_address_that_can_not_be_a_target_is_refused(lab: Terminal, address: str | None, message: str) -> None:
    assert message in lab.refused("move", "--to", address or settings.get().database)[1]


@SQLITE
@pytest.mark.parametrize("address", ["postgresql://nobody@127.0.0.1:1/papers", "sqlite:////proc/papers.db"])
def test_a_target_that_fails_is_not_taken_for_the_present_database(lab: Terminal, address: str) -> None:
    code, error = lab.refused("move", "--to", address)

    assert code == 1
    assert "digest: --to: " in error
    assert "DIGEST_DATABASE_URL" not in error


@SQLITE
def test_a_move_into_a_database_of_another_program_that_has_alembic_is_refused(
    lab: Terminal, tmp_path: Path, postgres: Postgres
) -> None:
    address = postgres.empty_database()
    with closing(psycopg.connect(address, autocommit=True)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text); CREATE TABLE customers (id int)")
        connection.execute("INSERT INTO alembic_version VALUES ('3f2a9c')")

    code, error = lab.refused("move", "--to", address)

    assert code == 2
    assert (
        "--to: the database holds tables of another program (alembic_version); give the service a database of its own\n"
        in error
    )


@SQLITE
def test_a_move_into_a_schema_that_is_not_there_names_it(lab: Terminal, postgres: Postgres) -> None:
    address = f"{postgres.empty_database()}&options=-csearch_path%3Dmissing"

    _code, error = lab.refused("move", "--to", address)

    assert "there is no schema of the search_path in this database" in error
    assert "create it (CREATE SCHEMA), or correct `options` in that address" in error


@SQLITE
def test_a_service_that_runs_is_stopped_first(lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()
    with recorded_instance(settings.get().data_dir, port=1, redis_url=""):
        assert f"the service runs (process {os.getpid()}); stop it first" in lab.refused("restore", str(file))[1]


@SQLITE
def test_what_is_stored_while_a_restore_checks_its_copy_is_not_overwritten(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()
    upgrade = schema_migration.upgrade

    def upgrade_while_a_service_starts(*arguments: Any, **options: Any) -> str:
        upgrade()
        with engine().begin() as connection:
            columns, values = "address_key, reason, source, at", "'ada@digest.example', 'bounce', '', '2025-11-20'"
            connection.execute(text(f"INSERT INTO suppression ({columns}) VALUES ({values})"))
        return upgrade(*arguments, **options)

    monkeypatch.setattr(schema_migration, "upgrade", upgrade_while_a_service_starts)
    code, error = lab.refused("restore", str(file))

    assert code == 1
    assert "the database is not empty (1 row of suppression)" in error


@SQLITE
def test_the_file_of_another_program_is_not_overwritten(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    database = Path(empty_database().removeprefix("sqlite:///"))
    database.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE notes AS SELECT 'kept' AS text")

    code, error = lab.refused("restore", str(file))

    assert code == 1
    assert f"{database} holds tables of another program (notes); move it away" in error
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT text FROM notes").fetchone() == ("kept",)


@POSTGRESQL
def test_a_restore_into_the_database_of_another_program_writes_nothing(
    lab: Terminal, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    file = _backup(lab, tmp_path / "backups")
    empty_database()
    settings.ENV_FILE.unlink()
    with engine().begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))  # so the tables with our names are not ours

    _code, error = lab.refused("restore", str(file))

    assert "holds tables of another program (" in error
    assert not settings.ENV_FILE.exists()

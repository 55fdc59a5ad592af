"""`digest restore`: an installation as a backup holds it, into an empty database."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session

from digest import clock, settings
from digest.db.core import postgresql_dump, schema_migration, sqlite_backup, table_transfer
from digest.db.core.engine import engine, engine_for, transaction
from digest.db.core.postgresql_dump import DumpedTable
from digest.db.security.audit import RESTORE
from digest.errors import BadInput, Misconfigured, Refused
from digest.models import Audit
from digest.redis import running_instance
from digest.replace_file import make_private_folder, move_file, replace_file
from digest.services.backup import archive
from digest.services.backup.archive import Manifest
from digest.services.backup.work_folder import work_folder
from digest.services.security.audit_actor import command_line_actor

_AUDIT_ACTOR_LENGTH = 60  # of the oldest schema that a backup may have


@dataclass(slots=True)
class RestoredBackup:
    """What was restored. `notes`: what the administrator must know about `.env` and keys."""

    manifest: Manifest
    notes: list[str] = field(default_factory=list)


def restore_backup(file: Path) -> RestoredBackup:
    """Restore `.env` and keys where there are none, then the database with the newest schema.

    The database is replaced in one step, in which the restore is recorded, so that a killed restore leaves the old
    state or the whole new one. Raises BadInput for a damaged file; Refused where the database is not empty or the
    service runs; Misconfigured where the backup is of the other kind of database or of a newer release, or the database
    of another program: all of them before anything is changed. On PostgreSQL the newest schema is a step of its own;
    where that was interrupted, `digest migrate` continues.
    """
    temporary_parent = file.parent if os.access(file.parent, os.W_OK) else Path(tempfile.gettempdir())
    with work_folder(temporary_parent, ".papers-inbox-restore-") as folder:
        manifest = archive.extract(file, folder)
        if not schema_migration.is_known_revision(manifest.revision):
            raise Misconfigured(f"{file} is of the newer release {manifest.release}; install that release first")
        with settings.reading_env_file(_env_file_in_effect(folder)):
            _require_stopped()
            _require_restorable(manifest)
        if manifest.database == "sqlite":
            _upgrade_copy(folder / archive.DATABASE_FILE, manifest)
        restored = RestoredBackup(manifest)
        _restore_settings(folder, restored)
        if manifest.database == "sqlite":
            _restore_sqlite(folder / archive.DATABASE_FILE)
        else:
            _restore_postgresql(folder, manifest)
    return restored


def _env_file_in_effect(folder: Path) -> Path:
    """The `.env` that says where the database is: the present one, else the backup's."""
    return settings.ENV_FILE if settings.ENV_FILE.exists() else folder / archive.ENV_FILE


def _restore_settings(folder: Path, restored: RestoredBackup) -> None:
    """`.env` first: it says where the database is."""
    _restore_private_file(folder / archive.ENV_FILE, settings.ENV_FILE, restored)
    settings.clear_cache()
    key_path = settings.get().dkim_key_file
    if key_path is not None:
        _restore_private_file(folder / archive.KEY_FILE, key_path, restored)


def _restore_private_file(source: Path, target: Path, restored: RestoredBackup) -> None:
    if not source.exists() or (target.exists() and target.read_bytes() == source.read_bytes()):
        return
    if target.exists():
        aside = target.with_name(f"{target.name}.restored")
        restored.notes.append(f"{target} differs from the backup's and was kept; the backup's is {aside}")
        target = aside
    try:
        make_private_folder(target.parent)
        replace_file(target, source.read_bytes())
    except OSError as error:
        raise BadInput(f"{target}: can't be written ({error.strerror})", field="file") from error
    restored.notes.append(f"written: {target}")


def _require_stopped() -> None:
    instance = running_instance.find_instance(settings.get().data_dir)
    if instance is not None:
        raise Refused(f"the service runs (process {instance.pid}); stop it first")


def _require_restorable(manifest: Manifest) -> None:
    """Raises Misconfigured or Refused where the configured database can't take the backup."""
    if manifest.database == "sqlite":
        target = sqlite_backup.database_file()
        if target is None:
            raise Misconfigured(
                "the backup is of SQLite: restore it without DIGEST_DATABASE_URL, "
                "then run `digest move --to postgresql://…`"
            )
        _require_no_sqlite_data(target)
        return
    if engine().dialect.name != "postgresql":
        raise Misconfigured("the backup is of PostgreSQL: set DIGEST_DATABASE_URL to an empty PostgreSQL database")
    if problem := schema_migration.encoding_problem():
        raise Misconfigured(problem)
    if tables := schema_migration.foreign_tables():
        raise Misconfigured(schema_migration.foreign_database_message(tables))
    revision = schema_migration.current_revision()
    if revision is not None:
        _require_empty("create a new one and set DIGEST_DATABASE_URL to it")
        if revision != manifest.revision:
            raise Refused(
                f"the database's tables are not of the backup's schema {manifest.revision}; "
                "create a new database and set DIGEST_DATABASE_URL to it"
            )


def _require_no_sqlite_data(target: Path) -> None:
    write_ahead_log = sqlite_backup.write_ahead_log(target)
    if target.exists():
        others = f" with {write_ahead_log.name}" if write_ahead_log.exists() else ""
        if tables := schema_migration.foreign_tables():
            raise Refused(f"{target} holds tables of another program ({tables[0]}); move it away, then repeat")
        _require_empty(f"move {target}{others} away")
    elif write_ahead_log.exists() and write_ahead_log.stat().st_size:
        raise Refused(
            f"{write_ahead_log} holds the last changes of a database that was moved away; "
            "move it to that file, then repeat"
        )


def _upgrade_copy(copy: Path, manifest: Manifest) -> None:
    """Check the unpacked database, upgrade its schema and record the restore, before it takes its place."""
    sqlite_backup.check_database(copy)
    prepared = engine_for(f"sqlite:///{copy}")
    try:
        schema_migration.upgrade(database=prepared)
        with Session(prepared) as session, session.begin():
            session.add(_audit_entry(manifest))
    finally:
        prepared.dispose()  # the last connection moves the write-ahead log into the file


def _restore_sqlite(copy: Path) -> None:
    target = sqlite_backup.database_file()
    assert target is not None
    _require_stopped()  # again, because checking and upgrading the copy takes minutes
    _require_no_sqlite_data(target)
    engine().dispose()
    for leftover in (target, sqlite_backup.write_ahead_log(target), target.with_name(f"{target.name}-shm")):
        leftover.unlink(missing_ok=True)
    try:
        make_private_folder(target.parent)
        move_file(copy, target)
    except OSError as error:
        raise BadInput(f"{target}: can't be written ({error.strerror or error})", field="file") from error


def _restore_postgresql(folder: Path, manifest: Manifest) -> None:
    schema_migration.upgrade(manifest.revision)
    tables = [DumpedTable(table.name, table.columns, table.rows) for table in manifest.tables]
    with transaction() as session:
        postgresql_dump.load_tables(session.connection(), folder, tables, manifest.serials)
        session.add(_audit_entry(manifest))
    schema_migration.upgrade()


def _require_empty(cure: str) -> None:
    try:
        table_transfer.require_empty(engine())
    except Refused as error:
        raise Refused(f"{error}; {cure}, then repeat") from error


def _audit_entry(manifest: Manifest) -> Audit:
    detail = {"created_at": manifest.created_at.isoformat(), "release": manifest.release}
    actor = command_line_actor()[:_AUDIT_ACTOR_LENGTH]
    return Audit(at=clock.now(), actor=actor, action=RESTORE, detail=detail)

"""`digest backup`: database, settings and keys in one verified file, while the service runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dotenv import dotenv_values

from digest import __version__, clock, settings
from digest.db.core import postgresql_dump, schema_migration, sqlite_backup
from digest.db.core.engine import engine
from digest.errors import BadInput, Misconfigured
from digest.replace_file import make_private_folder
from digest.services.backup import archive
from digest.services.backup.archive import ArchivedTable, Manifest
from digest.services.backup.work_folder import work_folder

FILE_NAME = "papers-inbox-{at:%Y%m%dT%H%M%SZ}.tar.gz"
_FILE_PATTERN = re.compile(r"papers-inbox-\d{8}T\d{6}Z\.tar\.gz")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written and verified. `removed_files`: older files that `keep` did not keep."""

    file: Path
    manifest: Manifest
    removed_files: list[Path]


def create_backup(folder: Path, *, keep: int | None = None) -> Backup:
    """Write a backup to `folder`, read it again, then delete all but the `keep` newest backups there.

    Raises BadInput where the folder can't be written or the file can't be verified; no older backup is lost then.
    """
    revision = schema_migration.current_revision()
    if revision is None:
        raise Misconfigured("there is no database to back up; check DIGEST_DATABASE_URL and DIGEST_DATA_DIR")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is not a folder; --to names the folder for backups", field="to")
    now = clock.now()
    file = folder / FILE_NAME.format(at=now)
    try:
        make_private_folder(folder)
        with work_folder(folder, ".backup-") as temporary:
            unverified = temporary / file.name
            _write(unverified, temporary, revision, now)
            manifest = archive.verify(unverified)
            unverified.replace(file)
        removed_files = _remove_older(file, keep) if keep is not None else []
    except OSError as error:
        raise BadInput(f"{folder}: can't be written ({error.strerror or error})", field="to") from error
    return Backup(file, manifest, removed_files)


def _write(target: Path, folder: Path, revision: str, now: datetime) -> None:
    is_sqlite = engine().dialect.name == "sqlite"
    if is_sqlite:
        tables, serials, members = _copy_sqlite(folder)
    else:
        tables, serials, members = _dump_postgresql(folder)
    config = settings.get()
    _add_private_file(members, archive.ENV_FILE, settings.ENV_FILE, folder)
    if config.dkim_key_file is not None:
        _add_private_file(members, archive.KEY_FILE, config.dkim_key_file, folder)
    manifest = Manifest(
        release=__version__,
        created_at=now,
        database="sqlite" if is_sqlite else "postgresql",
        revision=revision,
        tables=tables,
        serials=serials,
        key_path=str(config.dkim_key_file) if archive.KEY_FILE in members else None,
        has_signing_key=archive.ENV_FILE in members and _names_signing_key(members[archive.ENV_FILE]),
        sha256={name: archive.file_sha256(file) for name, file in members.items()},
    )
    archive.write_archive(target, manifest, members)


def _copy_sqlite(folder: Path) -> tuple[list[ArchivedTable], dict[str, int], dict[str, Path]]:
    copy = folder / archive.DATABASE_FILE
    sqlite_backup.copy_database(copy)
    tables = [ArchivedTable(name=name, rows=rows) for name, rows in sqlite_backup.check_database(copy).items()]
    return tables, {}, {archive.DATABASE_FILE: copy}


def _dump_postgresql(folder: Path) -> tuple[list[ArchivedTable], dict[str, int], dict[str, Path]]:
    dumped, serials = postgresql_dump.dump_tables(folder)
    files = [postgresql_dump.table_file(folder, table.name) for table in dumped]
    tables = [ArchivedTable(name=table.name, rows=table.rows, columns=table.columns) for table in dumped]
    return tables, serials, {file.name: file for file in files}


def _add_private_file(members: dict[str, Path], name: str, source: Path, folder: Path) -> None:
    """Copy a file first, so that its checksum and its content are of the same moment. A missing file is left out."""
    if source.is_file():
        try:
            content = source.read_bytes()
        except OSError as error:
            raise BadInput(f"{source}: can't be read ({error.strerror or error})") from error
        members[name] = folder / name
        members[name].write_bytes(content)


def _names_signing_key(env_file: Path) -> bool:
    """True if the file holds DIGEST_SECRET_KEY itself, not only where it is."""
    return bool(dotenv_values(env_file, encoding=settings.ENCODING).get("DIGEST_SECRET_KEY"))


def _remove_older(newest: Path, keep: int) -> list[Path]:
    """Delete all but `keep` backups in the folder of the newest, which is never deleted.

    Another one may have a later name: the clock was wrong when it was written.
    """
    backups = sorted(file for file in newest.parent.iterdir() if _FILE_PATTERN.fullmatch(file.name) and file.is_file())
    others = [file for file in backups if file != newest]
    older = others[: max(0, len(others) - keep + 1)]
    for file in older:
        file.unlink()
    return older

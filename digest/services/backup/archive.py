"""The file of a backup: a gzipped tar of a manifest, the database, `.env` and keys, each with its SHA-256."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from digest.errors import BadInput

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 22
DATABASE_FILE = "digest.db"  # the member of an SQLite backup
ENV_FILE, KEY_FILE = "env", "dkim.key"

_BLOCK_BYTES = 1 << 20
_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


class ArchivedTable(BaseModel):
    """A table of the backup. `columns` in the order of its file (PostgreSQL only)."""

    name: str
    rows: int
    columns: list[str] = []


class Manifest(BaseModel):
    """What a backup holds. `sha256` by member; `serials`: the last number of each PostgreSQL sequence.

    `has_signing_key`: `.env` is in it, with the key.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    release: str
    created_at: datetime
    database: Literal["sqlite", "postgresql"]
    revision: str
    tables: list[ArchivedTable]
    serials: dict[str, int] = {}
    key_path: str | None = None
    has_signing_key: bool = False
    sha256: dict[str, str]

    def rows_of(self, table: str) -> int:
        """The number of rows of one table, 0 where there is none."""
        return next((entry.rows for entry in self.tables if entry.name == table), 0)


def file_sha256(file: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_archive(target: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write the archive, readable by its owner alone, and sync it to disk. The file must not exist yet."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as archive:
            _add_bytes(archive, MANIFEST, manifest.model_dump_json(indent=1).encode())
            for name, file in members.items():
                archive.add(file, arcname=name, recursive=False, filter=_without_owner)
        stream.flush()
        os.fsync(stream.fileno())


def read_manifest(file: Path) -> Manifest:
    """The manifest, which is the first member. Raises BadInput where the file is no backup."""
    with _open_archive(file) as archive:
        return _parse_manifest(file, archive)


def verify(file: Path) -> Manifest:
    """Read the whole archive and compare the checksums. Raises BadInput naming what is missing or damaged."""
    with _open_archive(file) as archive:
        manifest = _parse_manifest(file, archive)
        _compare(file, manifest, {member.name: _member_sha256(archive, member) for member in _further_members(archive)})
        return manifest


def extract(file: Path, folder: Path) -> Manifest:
    """Write the members to a folder and compare their checksums. Raises BadInput as `verify` does.

    Only members that the manifest names are written, under their plain names.
    """
    with _open_archive(file) as archive:
        manifest = _parse_manifest(file, archive)
        checksums = {}
        for member in _further_members(archive):
            if member.name not in manifest.sha256 or not member.isfile() or Path(member.name).name != member.name:
                raise BadInput(f"{file}: {member.name[:80]} does not belong to a backup")
            _write_member(archive, member, folder / member.name)
            checksums[member.name] = file_sha256(folder / member.name)
        _compare(file, manifest, checksums)
        return manifest


def _compare(file: Path, manifest: Manifest, checksums: Mapping[str, str]) -> None:
    missing = sorted(manifest.sha256.keys() - checksums.keys())
    damaged = sorted(name for name, digest in checksums.items() if manifest.sha256.get(name) != digest)
    if missing or damaged:
        problem = f"{missing[0]} is missing" if missing else f"{damaged[0]} is damaged"
        raise BadInput(f"{file}: {problem}; take an older backup")


@contextmanager
def _open_archive(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with gzip.open(file) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            yield archive
    except _DAMAGE as error:
        raise BadInput(f"{file}: not a whole backup file ({str(error)[:80]})") from error
    except OSError as error:
        raise BadInput(f"{file}: can't be read ({error.strerror or error})") from error


def _parse_manifest(file: Path, archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
    if first is None or content is None or first.size > MAX_MANIFEST_BYTES:
        raise BadInput(f"{file}: not a backup of this service (its first part is no {MANIFEST})")
    try:
        return Manifest.model_validate_json(content.read())
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"]))
        raise BadInput(f"{file}: {MANIFEST}, {field}: {problem['msg']}; is it of a newer release?") from error


def _further_members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members after the manifest; a compressed stream is read only forwards."""
    while (member := archive.next()) is not None:
        yield member


def _member_sha256(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = archive.extractfile(member)
    return "" if content is None else hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]


def _write_member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = archive.extractfile(member)
    with _open_new(target) as stream:
        while content is not None and (block := content.read(_BLOCK_BYTES)):
            _write_block(stream, block, target)


def _open_new(target: Path) -> io.FileIO:
    try:
        return io.FileIO(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    except OSError as error:
        raise _unwritable(target, error) from error


def _write_block(stream: io.FileIO, block: bytes, target: Path) -> None:
    try:
        while block:
            block = block[stream.write(block) :]
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(target: Path, error: OSError) -> BadInput:
    """An error of the disk where the members are written, which is not an error of the archive."""
    return BadInput(f"{target.parent.parent}: the backup can't be unpacked there ({error.strerror or error})")


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _without_owner(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o600
    return info

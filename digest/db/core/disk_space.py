"""Free space for an SQLite database. A full disk makes it fail in many ways, and mails that were sent be sent again."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url

from digest import settings
from digest.errors import Transient

WORKING_BYTES = 1 << 20  # with less, SQLite can't open its write-ahead log and the index of that log
MAIL_RESERVE_BYTES = 16 << 20  # several times what the write-ahead log takes while the results of mails are recorded


def is_exhausted() -> bool:
    """True where SQLite's files can't grow, or no further file can be created beside them."""
    disk = _file_system()
    if disk is None:
        return False
    is_without_inodes = disk.f_files > 0 and disk.f_favail == 0  # some file systems have no fixed number of them
    return _free_bytes(disk) < WORKING_BYTES or is_without_inodes


def has_mail_reserve() -> bool:
    """False where so little space is left that the result of a mail might not be recorded."""
    disk = _file_system()
    return disk is None or _free_bytes(disk) >= MAIL_RESERVE_BYTES


def require_mail_reserve() -> None:
    """Raises Transient where `has_mail_reserve` is False: a mail without a recorded result would be sent again."""
    disk = _file_system()
    if disk is not None and _free_bytes(disk) < MAIL_RESERVE_BYTES:
        raise Transient(
            f"no mail is sent while only {_free_bytes(disk) / 1e6:.1f} MB are free for the database, because what was "
            f"sent could not be recorded; free at least {MAIL_RESERVE_BYTES / 1e6:.0f} MB there, and it goes on"
        )


def _free_bytes(disk: os.statvfs_result) -> int:
    return disk.f_bavail * disk.f_frsize


def _file_system() -> os.statvfs_result | None:
    """That of the configured SQLite database; None for PostgreSQL, and where its size is unknown."""
    url = make_url(settings.get().database)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    try:
        disk = os.statvfs(Path(url.database).parent)
    except OSError:
        return None
    return disk if disk.f_blocks else None

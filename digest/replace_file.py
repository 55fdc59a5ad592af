"""Replaces a file, without a moment at which it is half written or, where it holds secrets, readable by others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

PRIVATE_MODE, PUBLIC_MODE = 0o600, 0o644


def replace_file(file: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace a file atomically; it keeps its owner and group, and its mode where `mode` is None.

    A symbolic link stays one: the file that it names is replaced. A new file is readable by its owner alone; written
    by root it belongs to the owner of its folder, so that the service can read it. Raises OSError, PermissionError
    also where the owner can't be kept.
    """
    target = file.resolve()
    present = target.stat() if target.exists() else None
    if mode is None:
        mode = PRIVATE_MODE if present is None else stat.S_IMODE(present.st_mode)
    temporary = target.with_name(f"{target.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE), "wb") as stream:
            _set_owner(stream.fileno(), present or (target.parent.stat() if os.geteuid() == 0 else None))
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _set_owner(descriptor: int, owner: os.stat_result | None) -> None:
    """Give an open file that owner and group, where it has others."""
    present = os.fstat(descriptor)
    if owner is not None and (present.st_uid, present.st_gid) != (owner.st_uid, owner.st_gid):
        os.fchown(descriptor, owner.st_uid, owner.st_gid)

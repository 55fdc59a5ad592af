"""Writes files, without a moment at which they are half written or, where they hold secrets, readable by others.

What root writes belongs to the owner of the folder: else a command with `sudo` would lock the service out.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

PRIVATE_MODE, PUBLIC_MODE, FOLDER_MODE = 0o600, 0o644, 0o700
COPY_BYTES = 1 << 20


def replace_file(file: Path, content: bytes | Iterable[bytes], *, mode: int | None = None) -> None:
    """Replace a file atomically; it keeps its owner and group, and its mode where `mode` is None.

    `content`: all of it, or its parts one after the other. A symbolic link stays one: the file that it names is
    replaced. A new file is readable by its owner alone; written by root it belongs to the owner of its folder, so that
    the service can read it. Raises OSError, PermissionError also where the owner can't be kept.
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
            stream.writelines([content] if isinstance(content, bytes) else content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def move_file(source: Path, target: Path) -> None:
    """Move a file of ours to `target`, also to another disk, as `replace_file` does; readable by its owner alone.

    Raises OSError; then `target` is as it was.
    """
    with source.open("rb") as stream:
        replace_file(target, iter(partial(stream.read, COPY_BYTES), b""), mode=PRIVATE_MODE)
    source.unlink()


def make_private_folder(folder: Path) -> None:
    """Create a folder with its parents, entered by its owner alone; nothing where it exists. Raises OSError.

    Made by root, each belongs to the owner of the folder that it is in, so that the service can use it.
    """
    require_possible_folder(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for path in reversed(missing):
        _give_to_owner_of_parent(path)


def require_possible_folder(folder: Path) -> None:
    """Raises OSError with the cause where a link to nowhere or a file is in the way; mkdir says only "File exists"."""
    for path in (folder, *folder.parents):
        if path.is_symlink() and not path.exists():
            reason = f"{path} is a link to {path.readlink()}, which does not exist"
            raise FileNotFoundError(errno.ENOENT, reason)
        if path.exists():
            if not path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, f"{path} is a file, not a folder")
            return


def make_private_file(file: Path) -> None:
    """Create an empty file, readable by its owner alone, who is that of its folder where root makes it.

    Nothing where it exists. Raises OSError.
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE))
        _give_to_owner_of_parent(file)


def _give_to_owner_of_parent(path: Path) -> None:
    if os.geteuid() == 0:
        owner = path.absolute().parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _set_owner(descriptor: int, owner: os.stat_result | None) -> None:
    """Give an open file that owner and group, where it has others."""
    present = os.fstat(descriptor)
    if owner is not None and (present.st_uid, present.st_gid) != (owner.st_uid, owner.st_gid):
        os.fchown(descriptor, owner.st_uid, owner.st_gid)

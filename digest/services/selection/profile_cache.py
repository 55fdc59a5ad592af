"""The cache files of compiled profiles, named by a shard's slot, width and position, and by the code's version."""

from __future__ import annotations

from pathlib import Path

from digest import logs, settings

log = logs.get(__name__)

_SUFFIX = ".profiles"


def cache_name(slot: str, first_subscriber: int, last_subscriber: int, min_width: int) -> str:
    """A name under which about the same subscribers are found on another day; '' where the range is too small.

    `slot`: a time of day; `first_subscriber`, `last_subscriber`: ids; `min_width`: the smallest range that is cached.
    """
    width = 1 << (first_subscriber ^ last_subscriber).bit_length()
    return f"{slot}-{width}-{first_subscriber // width}" if width >= min_width else ""


def cache_file(shard: str, code_state: str) -> Path:
    """The file of that shard. `code_state` differs between versions of the code, whose files are incompatible."""
    return _folder() / f"{shard}-{code_state}{_SUFFIX}"


def delete_profiles_of(subscriber_id: int) -> None:
    """Delete the cache files that may hold this subscriber's profile, because the subscriber is erased."""
    for path in cache_files():
        _, width, slot, *_ = path.name.split("-")
        if subscriber_id // int(width) == int(slot):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("profiles_not_removed", file=path.name, reason=error.strerror)


def cache_files() -> list[Path]:
    """All cache files."""
    return sorted(_folder().glob(f"*-*-*-*{_SUFFIX}"))


def _folder() -> Path:
    return settings.get().data_dir / "profiles"

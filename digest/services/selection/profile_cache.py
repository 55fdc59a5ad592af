"""Where shards' compiled profiles are kept as files: named by slot, width and place of the shard, and by our code."""

from __future__ import annotations

from pathlib import Path

from digest import logs, settings

log = logs.get(__name__)

_ENDING = ".profiles"


def cache_name(slot: str, first: int, last: int, least: int) -> str:
    """About the same readers are in the shard of that name another day; '' for fewer numbers than `least`.

    `slot`: a time of day; `first`, `last`: the shard's readers.
    """
    width = 1 << (first ^ last).bit_length()
    return f"{slot}-{width}-{first // width}" if width >= least else ""


def cache_file(shard: str, state: str) -> Path:
    """The file of that shard. `state` tells what one version of the code compiled from another's."""
    return _folder() / f"{shard}-{state}{_ENDING}"


def delete_profiles_of(reader: int) -> None:
    """Remove what was compiled of this reader's shards here: somebody was erased, and files hold what they typed."""
    for path in cache_files():
        _, width, place, *_ = path.name.split("-")
        if reader // int(width) == int(place):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("profiles_not_removed", file=path.name, reason=error.strerror)


def cache_files() -> list[Path]:
    """All that are kept here."""
    return sorted(_folder().glob(f"*-*-*-*{_ENDING}"))


def _folder() -> Path:
    return settings.get().data_dir / "profiles"

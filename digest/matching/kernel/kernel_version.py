"""The version of the kernel's sources, which names the cache folder. Does not import the compiler."""

from __future__ import annotations

from digest.matching.source_version import source_version


def folder_name() -> str:
    """The name of the folder for machine code of these sources, below NUMBA_CACHE_DIR."""
    packages = ("digest.matching.kernel", "digest.matching.engine", "digest.matching.scoring")
    return f"matching-{source_version(*packages)}"

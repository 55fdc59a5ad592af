"""The state of processes of this machine."""

from __future__ import annotations

from pathlib import Path


def state(pid: int) -> str:
    """The letter of its state (`R`, `S`, `T` for stopped, `Z` for ended and not waited for); empty for none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def has_ended(pid: int) -> bool:
    """True where no such process runs; a zombie counts as ended."""
    return state(pid) in {"", "Z"}


def children(pid: int) -> list[int]:
    """The pids of its children; none where it is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []

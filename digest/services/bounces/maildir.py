"""A Maildir of returned mail: taken from `new/`, moved to `cur/` only when what follows is committed.

Killed at any moment, the next call takes up what is still in `new/`; what was done already counts once. What is no
report stays unread, for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from digest.errors import BadInput
from digest.mail import bounces as bounce
from digest.mail.bounces import OTHER, Judgement
from digest.mail.bounces.parsed_message import MAX_BYTES
from digest.services.bounces import process_reports

AT_ONCE = 50  # messages a transaction
SEEN, UNSEEN = ":2,S", ":2,"


@dataclass(frozen=True, slots=True)
class Taken:
    """One message: its file's name, what it is, and what it led to ('' where it was only judged)."""

    file: str
    told: Judgement
    outcome: str


def ingest(folder: Path, *, dry_run: bool = False) -> Iterator[Taken]:
    """Take what is in `new/`, in the order of the names. Raises BadInput for no Maildir, Transient for no database."""
    if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
        raise BadInput(f"{folder} is no Maildir: it needs the folders new and cur", field="maildir")
    names = iter(sorted(entry.name for entry in (folder / "new").iterdir() if not entry.name.startswith(".")))
    while some := list(islice(names, AT_ONCE)):
        read = {name: raw for name in some if (raw := _read(folder / "new" / name)) is not None}
        if dry_run:
            yield from (Taken(name, bounce.judge(raw, process_reports.seal()), "") for name, raw in read.items())
            continue
        for name, (told, outcome) in zip(read, process_reports.take(list(read.values())), strict=True):
            _move(folder, name, told)
            yield Taken(name, told, outcome)


def _read(file: Path) -> bytes | None:
    """The beginning of a message; None where another process was faster, or it is no file."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except FileNotFoundError:
        return None


def _move(folder: Path, name: str, told: Judgement) -> None:
    """To `cur/`, read where nobody needs to read it. Another process may have done so."""
    flags = "" if ":2," in name else UNSEEN if told.kind == OTHER else SEEN
    try:
        (folder / "new" / name).rename(folder / "cur" / f"{name}{flags}")
    except FileNotFoundError:
        return

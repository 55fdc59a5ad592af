"""Processes a Maildir of returned mail: messages move from `new/` to `cur/` once their effects are committed.

After a crash the next call processes what is still in `new/`; repeated messages count once. A message that is no report
stays unread, for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from digest.errors import BadInput
from digest.mail import bounces as bounce
from digest.mail.bounces import OTHER, ClassifiedMessage
from digest.mail.bounces.parsed_message import MAX_BYTES
from digest.services.bounces import process_reports

MESSAGES_PER_TRANSACTION = 50
SEEN_FLAG, UNSEEN_FLAG = ":2,S", ":2,"


@dataclass(frozen=True, slots=True)
class ProcessedMessage:
    """One message: its file name, its classification, and its outcome ('' in a dry run)."""

    file: str
    classified: ClassifiedMessage
    outcome: str


def ingest(folder: Path, *, dry_run: bool = False) -> Iterator[ProcessedMessage]:
    """Process the messages in `new/` by file name. Raises BadInput where `folder` is no Maildir, Transient."""
    if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
        raise BadInput(f"{folder} is not a Maildir: it needs the folders new and cur", field="maildir")
    names = iter(sorted(entry.name for entry in (folder / "new").iterdir() if not entry.name.startswith(".")))
    while names_in_batch := list(islice(names, MESSAGES_PER_TRANSACTION)):
        messages = {name: raw for name in names_in_batch if (raw := _read(folder / "new" / name)) is not None}
        if dry_run:
            yield from (
                ProcessedMessage(name, bounce.classify_message(raw, process_reports.attribution_keys()), "")
                for name, raw in messages.items()
            )
            continue
        for name, (classified, outcome) in zip(
            messages, process_reports.process_messages(list(messages.values())), strict=True
        ):
            _move(folder, name, classified)
            yield ProcessedMessage(name, classified, outcome)


def _read(file: Path) -> bytes | None:
    """The first `MAX_BYTES` of a message; None where it is no file, or another process has moved it."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except FileNotFoundError:
        return None


def _move(folder: Path, name: str, classified: ClassifiedMessage) -> None:
    """Move to `cur/`, marked as seen unless a person should read it. Another process may have moved it already."""
    flags = "" if ":2," in name else UNSEEN_FLAG if classified.kind == OTHER else SEEN_FLAG
    try:
        (folder / "new" / name).rename(folder / "cur" / f"{name}{flags}")
    except FileNotFoundError:
        return

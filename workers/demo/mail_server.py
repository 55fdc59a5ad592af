"""The demo's mail server: accepts every mail on the loopback and stores its bytes in a Maildir."""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

_MARKER_FILE = ".digest-demo"
_sequence = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail in the mailbox."""

    name: str
    raw: bytes

    def parse(self) -> EmailMessage:
        """The mail, parsed by the standard library."""
        message = email.message_from_bytes(self.raw, policy=email.policy.default)
        if not isinstance(message, EmailMessage):
            raise TypeError("the default policy must create EmailMessage")
        return message


class Maildir:
    """A Maildir that only grows; `wait_for` blocks until a mail arrives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrived = threading.Condition()

    def clear(self) -> None:
        """Delete all mails, but only in a folder that a demo created; create the folders."""
        if (self.folder / _MARKER_FILE).exists():
            for file in self._files():
                file.unlink()
        for subfolder in ("tmp", "new", "cur"):
            (self.folder / subfolder).mkdir(parents=True, exist_ok=True)
        (self.folder / _MARKER_FILE).touch()

    def _files(self) -> list[Path]:
        files = [*(self.folder / "new").glob("*"), *(self.folder / "cur").glob("*")]
        return sorted(files, key=lambda file: file.name)

    def add(self, raw: bytes) -> None:
        """Write one mail atomically."""
        name = f"{time.time_ns()}.{next(_sequence):06}.{os.getpid()}.localhost"
        (self.folder / "tmp" / name).write_bytes(raw)
        (self.folder / "tmp" / name).rename(self.folder / "new" / name)
        with self._arrived:
            self._arrived.notify_all()

    def received(self) -> Iterator[ReceivedMail]:
        """Every mail, oldest first."""
        return (ReceivedMail(file.name, file.read_bytes()) for file in self._files())

    def by_name(self, name: str) -> ReceivedMail | None:
        """The mail of that name."""
        return next((mail for mail in self.received() if mail.name == name), None)

    def wait_for(self, to: str, subject: str, *, seconds: float = 60.0) -> EmailMessage | None:
        """The newest mail to that address whose subject contains `subject`; None if none arrives within `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            matches = [
                message
                for mail in self.received()
                if (message := mail.parse())["To"] == to and subject in str(message["Subject"])
            ]
            if matches:
                return matches[-1]
            remaining_seconds = deadline - time.monotonic()
            if remaining_seconds <= 0:
                return None
            with self._arrived:
                self._arrived.wait(min(remaining_seconds, 0.5))


class _MailHandler:
    """aiosmtpd's hooks: accept every mail and store its bytes unchanged."""

    def __init__(self, mailbox: Maildir) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        """Store the mail before the 250 is sent."""
        await asyncio.to_thread(self._mailbox.add, envelope.original_content)
        return "250 2.0.0 stored"


def serve(mailbox: Maildir) -> Controller:
    """Start a mail server on a free port of the loopback; `stop()` ends it."""
    controller = Controller(_MailHandler(mailbox), hostname="127.0.0.1", port=_free_port(), ident="demo mailbox")
    controller.start()
    return controller


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

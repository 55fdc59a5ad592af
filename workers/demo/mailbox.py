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

_MARK = ".digest-demo"
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail in the mailbox."""

    name: str
    raw: bytes

    def parsed(self) -> EmailMessage:
        """The mail, parsed by the standard library."""
        message = email.message_from_bytes(self.raw, policy=email.policy.default)
        if not isinstance(message, EmailMessage):
            raise TypeError("the default policy must create EmailMessage")
        return message


class Mailbox:
    """A Maildir that only grows; `wait_for` blocks until a mail arrives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrived = threading.Condition()

    def empty(self) -> None:
        """Delete all mails, but only in a folder that a demo created; create the folders."""
        if (self.folder / _MARK).exists():
            for file in self._files():
                file.unlink()
        for part in ("tmp", "new", "cur"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / _MARK).touch()

    def _files(self) -> list[Path]:
        found = [*(self.folder / "new").glob("*"), *(self.folder / "cur").glob("*")]
        return sorted(found, key=lambda file: file.name)

    def add(self, raw: bytes) -> None:
        """Write one mail atomically."""
        name = f"{time.time_ns()}.{next(_number):06}.{os.getpid()}.localhost"
        (self.folder / "tmp" / name).write_bytes(raw)
        (self.folder / "tmp" / name).rename(self.folder / "new" / name)
        with self._arrived:
            self._arrived.notify_all()

    def all(self) -> Iterator[ReceivedMail]:
        """Every mail, oldest first."""
        return (ReceivedMail(file.name, file.read_bytes()) for file in self._files())

    def by_name(self, name: str) -> ReceivedMail | None:
        """The mail of that name."""
        return next((kept for kept in self.all() if kept.name == name), None)

    def wait(self, to: str, subject: str, *, seconds: float = 60.0) -> EmailMessage | None:
        """The newest mail to that address whose subject contains `subject`; None if none arrives within `seconds`."""
        end = time.monotonic() + seconds
        while True:
            found = [m for k in self.all() if (m := k.parsed())["To"] == to and subject in str(m["Subject"])]
            if found:
                return found[-1]
            left = end - time.monotonic()
            if left <= 0:
                return None
            with self._arrived:
                self._arrived.wait(min(left, 0.5))


class _Handler:
    """aiosmtpd's hooks: accept every mail and store its bytes unchanged."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        """Store the mail before the 250 is sent."""
        await asyncio.to_thread(self._mailbox.add, envelope.original_content)
        return "250 2.0.0 stored"


def serve(mailbox: Mailbox) -> Controller:
    """Start a mail server on a free port of the loopback; `stop()` ends it."""
    controller = Controller(_Handler(mailbox), hostname="127.0.0.1", port=_free_port(), ident="demo mailbox")
    controller.start()
    return controller


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

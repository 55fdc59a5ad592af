"""What a sender needs of one delivery: the bytes as they go over the wire, or why nothing may go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from digest.db.outbox.deliveries import Claimed
from digest.models.delivery import CANCELLED, SUPPRESSED

_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to go. `raw` is sent byte for byte: CRLF line ends only, the last one included.

    `built`: `message.build` wrote it, so its lines end in CRLF and none begins with a dot; a mail is long to look
    through. Raises ValueError where SMTP could not carry it unchanged.
    """

    envelope_from: str
    recipient: str
    raw: bytes
    message_id: str
    built: bool = False

    def __post_init__(self) -> None:
        """A bare CR or LF would be changed on the way, and the signature with it."""
        if not self.built and not _in_lines(self.raw):
            raise ValueError(f"message {self.message_id}: every line must end in CRLF")
        if _UNSAFE.search(self.envelope_from + self.recipient):
            raise ValueError(f"message {self.message_id}: an envelope address has a blank or a control character")


def _in_lines(raw: bytes) -> bool:
    lines = raw.count(b"\r\n")
    return raw.endswith(b"\r\n") and raw.count(b"\n") == raw.count(b"\r") == lines


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing goes out: the reader left or is suppressed, or there is nothing to send any more."""

    state: str
    reason: str

    def __post_init__(self) -> None:
        """Only final states that mean 'not sent' fit."""
        if self.state not in (SUPPRESSED, CANCELLED):
            raise ValueError(f"a mail is withheld as {SUPPRESSED} or {CANCELLED}, not {self.state!r}")


class Composer(Protocol):
    """Makes letters at the moment of sending, consent and suppression checked then. Called in the sender's thread."""

    def compose(self, deliveries: Sequence[Claimed]) -> Iterable[tuple[int, Letter | Withheld]]:
        """For every delivery's id its letter, or why there is none. An id left out is tried again later.

        Each letter is sent as soon as it is there, so that connections work while the next one is composed.
        """

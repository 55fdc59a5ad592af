"""What the sender gets for each delivery: the message bytes, or the reason why nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from digest.db.outbox.deliveries import ClaimedDelivery
from digest.models.delivery import CANCELLED, SUPPRESSED

_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]")


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A mail ready to be sent. `raw` is sent byte for byte: CRLF line ends only, the last one included.

    `built`: written by `message.build_message`, so that all lines end in CRLF and none begins with a dot; the check,
    which is slow for a long mail, is skipped. Raises ValueError for bytes that SMTP would change.
    """

    envelope_from: str
    recipient: str
    raw: bytes
    message_id: str
    built: bool = False

    def __post_init__(self) -> None:
        """Refuse bare CR and LF: servers would change them, which breaks the signature."""
        if not self.built and not _has_crlf_lines(self.raw):
            raise ValueError(f"message {self.message_id}: every line must end in CRLF")
        if _UNSAFE.search(self.envelope_from + self.recipient):
            raise ValueError(f"message {self.message_id}: an envelope address contains a blank or a control character")


def _has_crlf_lines(raw: bytes) -> bool:
    lines = raw.count(b"\r\n")
    return raw.endswith(b"\r\n") and raw.count(b"\n") == raw.count(b"\r") == lines


@dataclass(frozen=True, slots=True)
class WithheldMail:
    """Nothing is sent: the subscriber left or is suppressed, or there is nothing left to send."""

    state: str
    reason: str

    def __post_init__(self) -> None:
        """Allow only final states that mean 'not sent'."""
        if self.state not in (SUPPRESSED, CANCELLED):
            raise ValueError(f"a mail is withheld as {SUPPRESSED} or {CANCELLED}, not {self.state!r}")


class Composer(Protocol):
    """Composes messages, checking consent and suppression at the moment of sending. Called in the sender's thread."""

    def compose(self, deliveries: Sequence[ClaimedDelivery]) -> Iterable[tuple[int, OutgoingMessage | WithheldMail]]:
        """Yield for each delivery id its message, or why there is none. An id left out is tried again later.

        Each message is sent as soon as it is yielded, so connections work while the next one is composed.
        """

"""Which delivery a returned mail speaks of, and whether it proves that it saw that mail.

Anybody can write a report. A bounce or a complaint counts only with the stamp of the mail's return path, which stands
in its envelope and headers. The signed token of its unsubscribe link does not prove one: whoever gets a forwarded mail
has it, and may at most end the subscription with it. The Message-ID tells which delivery, but could be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from digest.db.outbox.message_ids import ReadMessageId, read_message_ids
from digest.errors import BadToken
from digest.mail.bounces.bounce_kinds import UNSUBSCRIBE
from digest.mail.bounces.parsed_message import Mail
from digest.mail.mime.message import read_verp
from digest.signing import UNSUBSCRIBE as UNSUBSCRIBE_LINK
from digest.signing import Signer

MAX_CANDIDATES = 40

_STAMPED = re.compile(r"\+\d{1,18}-[a-z2-7]{10}@", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"(?:/unsubscribe/|\bunsubscribe[ +]|unsubscribe%20)([\w.-]{20,300})", re.ASCII | re.IGNORECASE)
_TO_US = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Original-Recipient", "Cc", "Received")


@dataclass(frozen=True, slots=True)
class Seal:
    """What makes a mail recognisable as ours. `keys`: the first signs, all verify; `domain` ends our Message-IDs."""

    keys: tuple[str, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """`delivery_id` by the stamp; `named` by the Message-ID; `reader_id` by the token.

    The stamp proves any report; the token only the wish to leave.
    """

    delivery_id: int | None = None
    named: ReadMessageId | None = None
    reader_id: int | None = None

    @property
    def proved(self) -> bool:
        """True where the stamp is good: whoever wrote this had the mail's envelope or headers."""
        return self.delivery_id is not None

    def proves(self, kind: str) -> bool:
        """True where this is enough to believe a report of this kind."""
        return self.proved or (kind == UNSUBSCRIBE and self.reader_id is not None)


def trace(mail: Mail, seal: Seal) -> Origin:
    """Where a returned mail comes from: its own recipients first, then what it returns."""
    if not seal.keys:
        return Origin()
    headers = "\n".join(value for name in _TO_US for value in mail.headers(name))
    everything = mail.raw.decode("latin-1").replace("=\r\n", "").replace("=\n", "")
    return Origin(
        delivery_id=_stamped(f"{headers}\n{everything}\n{mail.json_text}", seal.keys),
        named=_named(f"{everything}\n{mail.json_text}", seal.domain),
        reader_id=_token(f"{mail.header('Subject')}\n{everything}\n{mail.text}\n{mail.json_text}", seal.keys),
    )


def read_path(return_path: str, message_id: str, seal: Seal) -> Origin:
    """The origin by what a provider tells of a mail: its return path and its Message-ID, each as it was."""
    return Origin(delivery_id=_stamped(return_path, seal.keys), named=_named(message_id, seal.domain))


def _stamped(text: str, keys: Iterable[str]) -> int | None:
    """By the stamp alone: where our mail server is called differently by others, it is still ours."""
    tried = dict.fromkeys(match[0] for match in _few(_STAMPED, text))
    found = (read_verp(f"bounces{path}here", key) for path in tried for key in keys)
    return next((number for number in found if number is not None), None)


def _named(text: str, domain: str) -> ReadMessageId | None:
    ours = (found for found in islice(read_message_ids(text), MAX_CANDIDATES) if domain and found.domain == domain)
    return next(ours, None)


def _token(text: str, keys: tuple[str, ...]) -> int | None:
    signer = Signer(keys)
    for token in dict.fromkeys(match[1] for match in _few(_TOKEN, text)):
        try:
            values = signer.read(UNSUBSCRIBE_LINK, token.rstrip("."))
        except BadToken:
            continue
        if len(values) == 1 and isinstance(values[0], int):
            return values[0]
    return None


def _few(pattern: re.Pattern[str], text: str) -> Iterable[re.Match[str]]:
    return (match for match, _ in zip(pattern.finditer(text), range(MAX_CANDIDATES), strict=False))

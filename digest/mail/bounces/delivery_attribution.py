"""Finds the delivery that a returned mail is about, and checks whether its author has received that mail.

Anybody can write a report. A bounce or a complaint counts only with the stamp of the mail's return path, which is in
its envelope and headers. The signed token of the unsubscribe link is not enough, because forwarded mails contain it; it
can only end the subscription. The Message-ID identifies the delivery, but proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from digest.db.outbox.message_ids import ReadMessageId, read_message_ids
from digest.errors import BadToken
from digest.mail.bounces.bounce_kinds import UNSUBSCRIBE
from digest.mail.bounces.parsed_message import ParsedMessage
from digest.mail.mime.message import parse_return_path
from digest.signing import UNSUBSCRIBE as UNSUBSCRIBE_LINK
from digest.signing import Signer

MAX_CANDIDATES = 40

_STAMPED = re.compile(r"\+\d{1,18}-[a-z2-7]{10}@", re.IGNORECASE | re.ASCII)
_TOKEN = re.compile(r"(?:/unsubscribe/|\bunsubscribe[ +]|unsubscribe%20)([\w.-]{20,300})", re.ASCII | re.IGNORECASE)
_RECIPIENT_HEADERS = (
    "To",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "Original-Recipient",
    "Cc",
    "Received",
)


@dataclass(frozen=True, slots=True)
class AttributionKeys:
    """What identifies a mail as ours. `keys`: the first signs, all verify; `domain`: that of our Message-IDs."""

    keys: tuple[str, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """`delivery_id`: by the stamp; `message_id`: the one in the report; `subscriber_id`: by the unsubscribe token.

    The stamp proves any report; the token proves only a request to unsubscribe.
    """

    delivery_id: int | None = None
    message_id: ReadMessageId | None = None
    subscriber_id: int | None = None

    @property
    def is_proved(self) -> bool:
        """True where a valid stamp was found: the author of the report had the envelope or headers of the mail."""
        return self.delivery_id is not None

    def proves(self, kind: str) -> bool:
        """True where this is enough proof for a report of that kind."""
        return self.is_proved or (kind == UNSUBSCRIBE and self.subscriber_id is not None)


def attribute_message(mail: ParsedMessage, keys: AttributionKeys) -> Attribution:
    """The attribution of a returned mail, by its recipients first, then by the mail that it returns."""
    if not keys.keys:
        return Attribution()
    headers = "\n".join(value for name in _RECIPIENT_HEADERS for value in mail.headers(name))
    full_text = mail.raw.decode("latin-1").replace("=\r\n", "").replace("=\n", "")
    return Attribution(
        delivery_id=_stamped_delivery(f"{headers}\n{full_text}\n{mail.json_text}", keys.keys),
        message_id=_own_message_id(f"{full_text}\n{mail.json_text}", keys.domain),
        subscriber_id=_unsubscribing_subscriber(
            f"{mail.header('Subject')}\n{full_text}\n{mail.text}\n{mail.json_text}", keys.keys
        ),
    )


def attribute_provider_report(return_path: str, message_id: str, keys: AttributionKeys) -> Attribution:
    """The attribution of a provider's report by the return path and Message-ID of the mail."""
    return Attribution(
        delivery_id=_stamped_delivery(return_path, keys.keys), message_id=_own_message_id(message_id, keys.domain)
    )


def _stamped_delivery(text: str, keys: Iterable[str]) -> int | None:
    """The delivery of a stamped return path, whatever its domain: other hosts may rewrite the domain."""
    paths = dict.fromkeys(match[0] for match in _first_matches(_STAMPED, text))
    delivery_ids = (parse_return_path(f"bounces{path}here", key) for path in paths for key in keys)
    return next((delivery_id for delivery_id in delivery_ids if delivery_id is not None), None)


def _own_message_id(text: str, domain: str) -> ReadMessageId | None:
    candidates = islice(read_message_ids(text), MAX_CANDIDATES)
    return next((candidate for candidate in candidates if domain and candidate.domain == domain), None)


def _unsubscribing_subscriber(text: str, keys: tuple[str, ...]) -> int | None:
    signer = Signer(keys)
    for token in dict.fromkeys(match[1] for match in _first_matches(_TOKEN, text)):
        try:
            values = signer.read(UNSUBSCRIBE_LINK, token.rstrip("."))
        except BadToken:
            continue
        if len(values) == 1 and isinstance(values[0], int):
            return values[0]
    return None


def _first_matches(pattern: re.Pattern[str], text: str) -> Iterable[re.Match[str]]:
    return (match for match, _ in zip(pattern.finditer(text), range(MAX_CANDIDATES), strict=False))

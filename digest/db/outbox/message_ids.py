"""Message-IDs: derived from the delivery, keyed by the installation, and found again in reports.

A Message-ID is stored when the delivery is first claimed, so every retry repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from digest.signing import keyed_hash

STAMP_LENGTH = 26  # of 5 bits each: 130 bits

_CURRENT_FORM = re.compile(
    rf"<([a-z][a-z-]{{1,11}})\.(\d{{1,18}})\.([a-z2-7]{{{STAMP_LENGTH}}})@([\w.-]{{1,255}})>", re.I | re.A
)
# Form before schema version 0006, `<kind.subject.serial@domain>`; reports about such mails still arrive.
_EARLIER_FORM = re.compile(r"<([a-z][a-z-]{1,11})\.(\d{1,18})\.(\d{1,9})@([\w.-]{1,255})>", re.I | re.A)


class DeliveryKey(NamedTuple):
    """The fields of a delivery that its Message-ID derives from."""

    id: int
    kind: str
    subject_id: int
    serial: int
    created_at: datetime


class ReadMessageId(NamedTuple):
    """A Message-ID in our form: its text, its domain, and the delivery that it names.

    Either `delivery_id` or, in the earlier form, `key` (kind, subject, serial) is set. Whether it really is the
    Message-ID of that delivery must be checked against the row.
    """

    text: str
    domain: str
    delivery_id: int | None = None
    key: tuple[str, int, int] | None = None


def message_id(delivery: DeliveryKey, *, installation: str, domain: str) -> str:
    """`<kind.id.stamp@domain>`. The id finds the delivery; only this installation can compute the stamp.

    The stamp includes the time of creation, because a database restored from a backup assigns the ids and serials of
    mails sent after the backup again.
    """
    created_at = delivery.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = delivery.kind, str(delivery.subject_id), str(delivery.serial), str(delivery.id), created_at
    stamp = keyed_hash(installation, "message-id", *parts, length=STAMP_LENGTH)
    return f"<{delivery.kind}.{delivery.id}.{stamp}@{domain}>"


def read_message_ids(text: str) -> Iterator[ReadMessageId]:
    """Yield all Message-IDs of our form in a text, those of the current form first."""
    for match in _CURRENT_FORM.finditer(text):
        yield ReadMessageId(match[0], match[4].lower(), delivery_id=int(match[2]))
    for match in _EARLIER_FORM.finditer(text):
        yield ReadMessageId(match[0], match[4].lower(), key=(match[1].lower(), int(match[2]), int(match[3])))

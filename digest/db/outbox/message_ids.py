"""Message-IDs: derived from the delivery, keyed by the installation, and read back from reports.

A delivery's id is stored at its first claim, so a retry repeats it whatever has changed since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from digest.signing import stamp

STAMP_LENGTH = 26  # of 5 bits each: 130 bits

_OURS = re.compile(
    rf"<([a-z][a-z-]{{1,11}})\.(\d{{1,18}})\.([a-z2-7]{{{STAMP_LENGTH}}})@([\w.-]{{1,255}})>", re.I | re.A
)
# What versions before 0006 of the schema sent, `<kind.subject.serial@domain>`; reports on such mails still arrive.
_EARLIER = re.compile(r"<([a-z][a-z-]{1,11})\.(\d{1,18})\.(\d{1,9})@([\w.-]{1,255})>", re.I | re.A)


class DeliveryKey(NamedTuple):
    """What a Message-ID derives from."""

    id: int
    kind: str
    subject_id: int
    serial: int
    created_at: datetime


class ReadMessageId(NamedTuple):
    """A Message-ID that has the form of ours: as it was written, its domain, and the delivery that it names.

    `delivery_id` or, in the form of earlier versions, `key` (kind, subject, serial) is set. Whether it is that
    delivery's Message-ID, only its row can tell.
    """

    text: str
    domain: str
    delivery_id: int | None = None
    key: tuple[str, int, int] | None = None


def message_id(delivery: DeliveryKey, *, installation: str, domain: str) -> str:
    """`<kind.id.stamp@domain>`. The id finds the delivery again; the stamp can be made by this installation alone.

    The time of creation is part of the stamp because a database restored from a backup gives the same ids and
    serials again, to other mails than those that went out after the backup.
    """
    created_at = delivery.created_at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = delivery.kind, str(delivery.subject_id), str(delivery.serial), str(delivery.id), created_at
    made = stamp(installation, "message-id", *parts, length=STAMP_LENGTH)
    return f"<{delivery.kind}.{delivery.id}.{made}@{domain}>"


def read_message_ids(text: str) -> Iterator[ReadMessageId]:
    """What stands in the text in the form of our Message-IDs; the present form first."""
    for found in _OURS.finditer(text):
        yield ReadMessageId(found[0], found[4].lower(), delivery_id=int(found[2]))
    for found in _EARLIER.finditer(text):
        yield ReadMessageId(found[0], found[4].lower(), key=(found[1].lower(), int(found[2]), int(found[3])))

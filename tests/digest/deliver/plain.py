"""A composer for tests: every delivery gets the same few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest.deliver.letter import Letter, Withheld
from digest.models import Delivery

BODY = b"Subject: papers\r\n\r\n.one dot\r\n..two dots\r\n\r\nGood-bye.\r\n"


class PlainLetters:
    """A Composer. `withheld`: address to why it gets nothing; `failing`: addresses that can't be composed."""

    def __init__(self, *_: object) -> None:
        self.withheld: dict[str, Withheld] = {}
        self.failing: set[str] = set()

    def compose(self, deliveries: Sequence[Delivery]) -> Mapping[int, Letter | Withheld]:
        return {row.id or 0: self._one(row) for row in deliveries if row.address not in self.failing}

    def _one(self, row: Delivery) -> Letter | Withheld:
        if row.address in self.withheld:
            return self.withheld[row.address]
        message_id = row.message_id or ""
        raw = f"Message-ID: {message_id}\r\nTo: {row.address}\r\n".encode() + BODY
        return Letter(f"bounce+{row.id}@digest.example", row.address, raw, message_id)

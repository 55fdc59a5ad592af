"""What was owed and what became of it: the rows of the outbox against what the mail server was handed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from digest.models.delivery import CANCELLED, REJECTED, SENT, SUPPRESSED, UNCERTAIN
from tests.soak.simulated_service import Receipt
from tests.soak.soak_database import DATABASE_ERRORS, SoakDatabase

FINAL_STATES = {SENT, REJECTED, SUPPRESSED, CANCELLED}
_ROWS = "SELECT id, kind, address, state, doubts, message_id, due_at IS NULL, attempts FROM delivery"


@dataclass(frozen=True, slots=True)
class OwedMail:
    """A row of the outbox. `doubts`: attempts whose result is unknown; each may have arrived."""

    id: int
    kind: str
    address: str
    state: str
    doubts: int
    message_id: str | None
    is_held: bool
    attempts: int

    @property
    def is_settled(self) -> bool:
        return self.state in FINAL_STATES or (self.state == UNCERTAIN and self.is_held)


@dataclass(slots=True)
class SoakLedger:
    """All mails that were ever owed; retention deletes rows, so they are read again and again."""

    mails: dict[int, OwedMail] = field(default_factory=dict)

    def read(self, database: SoakDatabase) -> bool:
        """Read all rows. False where the database does not answer."""
        try:
            rows = database.query(_ROWS)
        except DATABASE_ERRORS:
            return False
        for row in rows:
            mail = OwedMail(*row)  # type: ignore[arg-type]
            self.mails[mail.id] = mail
        return True

    def unsettled(self) -> list[OwedMail]:
        return [mail for mail in self.mails.values() if not mail.is_settled]

    def totals(self) -> Counter[str]:
        """Mails by state; `repeated`: messages that the server accepted more than once."""
        return Counter(mail.state for mail in self.mails.values())

    def errors(self, receipts: Iterable[Receipt]) -> list[str]:
        """A line for each mail whose account does not balance."""
        accepted = Counter(receipt.message_id for receipt in receipts if receipt.is_accepted)
        by_message_id = {mail.message_id: mail for mail in self.mails.values() if mail.message_id}
        lines = [f"{name} was handed over, but no row knows it" for name in accepted if name not in by_message_id]
        lines += [f"{mail} is not settled" for mail in self.unsettled()]
        for mail in self.mails.values():
            count = accepted[mail.message_id or ""]
            if mail.state == SENT and not count:
                lines.append(f"{mail} did not arrive")
            if count > mail.doubts + (mail.state == SENT):
                lines.append(f"{mail} arrived {count} times")
        lines += [
            f"{receipt} belongs to {by_message_id[receipt.message_id].address}"
            for receipt in receipts
            if receipt.message_id in by_message_id and by_message_id[receipt.message_id].address != receipt.recipient
        ]
        return lines

    def refused_addresses(self) -> set[str]:
        """Who lacks a mail with good reason: it was refused, is held, or they are suppressed."""
        return {
            mail.address for mail in self.mails.values() if mail.state in {REJECTED, SUPPRESSED, CANCELLED, UNCERTAIN}
        }


def wrong_papers(
    receipts: Iterable[Receipt], topic_by_address: Mapping[str, str], by_topic: Mapping[str, set[str]]
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """By address: the papers of its topic that never arrived, and those that came in two different mails."""
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for receipt in receipts:
        for paper in receipt.papers if receipt.is_accepted else ():
            ids[receipt.recipient, paper].add(receipt.message_id)
    missing = {
        address: lost
        for address, topic in topic_by_address.items()
        if (lost := {paper for paper in by_topic[topic] if (address, paper) not in ids})
    }
    twice: dict[str, set[str]] = defaultdict(set)
    for (address, paper), message_ids in ids.items():
        if len(message_ids) > 1:
            twice[address].add(paper)
    return missing, twice

"""The kinds of what comes back, and what a detector says of one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HARD, SOFT, POLICY = "hard", "soft", "policy"
COMPLAINT, AUTO_REPLY, UNSUBSCRIBE, OTHER = "complaint", "auto-reply", "unsubscribe", "other"


# The gravest first, to name a report about several recipients in one word.
_GRAVITY = (HARD, POLICY, SOFT)


@dataclass(frozen=True, slots=True)
class RecipientOutcome:
    """What a report says of one recipient. `recipient`: '' where it is not named."""

    recipient: str
    kind: str
    status: str
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`recipients`: addresses in the order named, as written; `status`: RFC 3463, '' where nothing tells it.

    `words`: the report's own, to show an administrator. `outcomes`: of each failed recipient, where the report tells
    them apart.
    """

    kind: str
    recipients: tuple[str, ...] = ()
    status: str = ""
    words: str = ""
    outcomes: tuple[RecipientOutcome, ...] = ()


def gravest(outcomes: Sequence[RecipientOutcome]) -> RecipientOutcome:
    """The first of the gravest outcomes."""
    return min(outcomes, key=lambda outcome: _GRAVITY.index(outcome.kind))


def mildest(outcomes: Sequence[RecipientOutcome]) -> RecipientOutcome:
    """The first of the mildest outcomes."""
    return max(outcomes, key=lambda outcome: _GRAVITY.index(outcome.kind))


def combined(outcomes: Sequence[RecipientOutcome]) -> Verdict:
    """One verdict for a report about these recipients: named by the gravest, with the outcome of each."""
    worst = gravest(outcomes)
    recipients = tuple(dict.fromkeys(outcome.recipient for outcome in outcomes if outcome.recipient))
    return Verdict(worst.kind, recipients, worst.status, worst.words, tuple(outcomes))

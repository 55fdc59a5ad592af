"""Kinds of returned mail, and the result of a detector for a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.mail.smtp import refusal_cause
from digest.mail.smtp.refusal_cause import Cause

HARD, SOFT, POLICY = "hard", "soft", "policy"
COMPLAINT, AUTO_REPLY, UNSUBSCRIBE, OTHER = "complaint", "auto-reply", "unsubscribe", "other"


# Most severe first; a report about several recipients has the kind of the most severe outcome.
_BY_SEVERITY = (HARD, POLICY, SOFT)


@dataclass(frozen=True, slots=True)
class RecipientOutcome:
    """The outcome for one recipient of a report. `recipient`: '' where it is not named."""

    recipient: str
    kind: str
    status: str
    words: str


@dataclass(frozen=True, slots=True)
class Detection:
    """`recipients`: addresses in the order named, as written; `status`: RFC 3463, '' for none.

    `words`: text of the report, to show an administrator. `outcomes`: of each failed recipient, where the report tells
    them apart.
    """

    kind: str
    recipients: tuple[str, ...] = ()
    status: str = ""
    words: str = ""
    outcomes: tuple[RecipientOutcome, ...] = ()


def bounce_kind(cause: Cause, *, temporary: bool) -> str:
    """Hard for a missing address, policy for a reason that concerns us, else soft; soft also while it is retried."""
    if temporary:
        return SOFT
    if cause == Cause.ADDRESS:
        return HARD
    return POLICY if cause in refusal_cause.ABOUT_US else SOFT


def most_severe(outcomes: Sequence[RecipientOutcome]) -> RecipientOutcome:
    """The first of the most severe outcomes."""
    return min(outcomes, key=lambda outcome: _BY_SEVERITY.index(outcome.kind))


def least_severe(outcomes: Sequence[RecipientOutcome]) -> RecipientOutcome:
    """The first of the least severe outcomes."""
    return max(outcomes, key=lambda outcome: _BY_SEVERITY.index(outcome.kind))


def combine_outcomes(outcomes: Sequence[RecipientOutcome]) -> Detection:
    """One detection for these recipients: kind and status of the most severe outcome, with the outcome of each."""
    most_severe_outcome = most_severe(outcomes)
    recipients = tuple(dict.fromkeys(outcome.recipient for outcome in outcomes if outcome.recipient))
    return Detection(
        most_severe_outcome.kind, recipients, most_severe_outcome.status, most_severe_outcome.words, tuple(outcomes)
    )

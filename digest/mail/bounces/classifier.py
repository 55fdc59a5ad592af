"""Judging one raw message: what kind of return it is, whom it names, which of our mails it speaks of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from digest.mail.bounces.autoreplies import automatic, wish_to_leave
from digest.mail.bounces.bounce_kinds import OTHER, RecipientOutcome, Verdict, gravest, mildest
from digest.mail.bounces.delivery_attribution import Origin, Seal, trace
from digest.mail.bounces.dsn_arf import delivery_status, feedback
from digest.mail.bounces.nonstandard_reports import odd_report
from digest.mail.bounces.parsed_message import MAX_BYTES, Mail, read
from digest.mail.bounces.provider_json import provider_notification

_DETECTORS = (feedback, delivery_status, provider_notification, odd_report, automatic, wish_to_leave)

# What the standard library's parser and flufl.bounce raise on mail that nobody should have sent.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one message means. `kind`: hard, soft, policy, complaint, auto-reply, unsubscribe or other.

    `status`: RFC 3463, '' where nothing tells it. `report`: the same for the same report come twice.
    `outcomes`: of each recipient, where the report is about several; `kind` and `status` are those of the gravest.
    """

    kind: str
    recipients: tuple[str, ...]
    status: str
    words: str
    origin: Origin
    report: str
    outcomes: tuple[RecipientOutcome, ...] = ()

    def about(self, same: Callable[[str], bool]) -> Judgement:
        """Narrow the judgement to one recipient: the one of whom `same` is true.

        Where the report names others only (it is about addresses that a mail was forwarded to), the mildest outcome
        counts: nobody is given up for what befell somebody else.
        """
        if len(self.outcomes) < 2:
            return self
        matching = [outcome for outcome in self.outcomes if same(outcome.recipient)]
        found = gravest(matching) if matching else mildest(self.outcomes)
        return replace(self, kind=found.kind, status=found.status, words=found.words)


def judge(raw: bytes, seal: Seal = Seal()) -> Judgement:  # noqa: B008 - frozen
    """Judge a message. Never an error: what can't be read is `other`."""
    report = hashlib.sha256(raw[:MAX_BYTES]).hexdigest()
    try:
        mail = read(raw)
        verdict, origin = _verdict(mail), trace(mail, seal)
        report = _name(mail) or report
    except _UNREADABLE as error:
        verdict, origin = Verdict(OTHER, words=f"can't be read: {type(error).__name__}"), Origin()
    told = verdict.recipients, verdict.status, verdict.words
    return Judgement(verdict.kind, *told, origin, report, verdict.outcomes)


def _verdict(mail: Mail) -> Verdict:
    return next((verdict for detector in _DETECTORS if (verdict := detector(mail)) is not None), Verdict(OTHER))


def _name(mail: Mail) -> str:
    """A hash of the report's own Message-ID; '' where it has none."""
    named = mail.header("Message-ID")
    return hashlib.sha256(named.encode()).hexdigest() if named else ""

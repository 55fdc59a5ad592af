"""Applies reports that a mail was refused for a reason that concerns us (kind `policy`).

The relay accepted the mail and gave it up later, so it is lost: its delivery becomes rejected, and
`digest admin runs resend-missed` sends it once the cause is fixed. It is not sent again automatically, because the
relay would be refused again.

Any recipient can forge such a report, because they have the stamp of the return path. So a domain is paused only where
reports about `MIN_ADDRESSES` addresses arrived within the length of a pause, and each delivery counts once. A refusal
in our own SMTP session and a report signed by the provider need no confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from digest.db.bounces import reports as store
from digest.db.outbox import deliveries
from digest.mail.outbox import pause_duration
from digest.services.alarms import alarm_rules
from digest.text.plain_text import one_line

MIN_ADDRESSES = 2


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """A report of kind `policy`. `words`: the server's text; `signed`: the provider signed the report."""

    address: str
    delivery_id: int | None
    words: str
    signed: bool

    @property
    def domain(self) -> str:
        """The receiving domain, in lower case."""
        return self.address.rpartition("@")[2].lower()


def apply_policy_report(session: Session, report: PolicyReport, *, now: datetime) -> bool:
    """Reject the delivery, and pause its domain where the report is confirmed. True where the domain was paused.

    The report must be stored already (`reports.record_report`).
    """
    report = replace(report, words=one_line(report.words))
    if report.delivery_id is not None:
        deliveries.mark_undelivered(session, report.delivery_id, f"refused after it was taken: {report.words}")
    if not report.signed and not store.is_first_policy_report(session, report.delivery_id):
        return False
    if report.signed or _is_confirmed(session, report, now):
        deliveries.pause_domain(session, report.domain, now + pause_duration.POLICY_PAUSE, report.words)
        alarm_rules.raise_refusal_alarms(session, now=now)
        return True
    reported_addresses = store.policy_addresses(session, since=now - alarm_rules.REPEAT_AFTER)
    if reported_addresses >= MIN_ADDRESSES:
        alarm_rules.alarm_refused_later(session, reported_addresses, report.words, now=now)
    return False


def _is_confirmed(session: Session, report: PolicyReport, now: datetime) -> bool:
    addresses = store.policy_addresses(session, since=now - pause_duration.POLICY_PAUSE, domain=report.domain)
    return addresses >= MIN_ADDRESSES

"""What follows from a later report that a mail was refused for what concerns us (its kind is `policy`).

The relay took the mail and gave up on it, so the mail is lost: its delivery counts as not arrived, and
`digest admin runs resend-missed` sends it once the cause is mended. It is not sent again by itself: the relay would be
refused again.

Whoever gets our mail can forge such a report about it, for they have the stamp of its return path. So one recipient's
report moves nobody else's mail: a domain is paused only where reports about `LEAST_ADDRESSES` addresses there came
within the time that a pause lasts, and each delivery is evidence once. A refusal in our own SMTP session, and a report
that the provider signed, need no second witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from digest.db.bounces import reports as store
from digest.db.outbox import deliveries
from digest.mail.outbox import retry_backoff
from digest.services.alarms import alarm_rules

LEAST_ADDRESSES = 2


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """A report of the kind `policy`. `words`: what the server said; `signed`: the provider signed the report."""

    address: str
    delivery_id: int | None
    words: str
    signed: bool

    @property
    def domain(self) -> str:
        """The receiving domain, in lower case."""
        return self.address.rpartition("@")[2].lower()


def follow(session: Session, report: PolicyReport, *, now: datetime) -> bool:
    """Mark the delivery as not arrived; pause its domain where that is proved. True where the domain is paused.

    The report is kept already (`store.note`).
    """
    if report.delivery_id is not None:
        deliveries.mark_undelivered(session, report.delivery_id, f"refused after it was taken: {report.words}")
    if not report.signed and not store.is_first_policy_report(session, report.delivery_id):
        return False
    if report.signed or _is_confirmed(session, report, now):
        deliveries.pause_domain(session, report.domain, now + retry_backoff.POLICY_PAUSE, report.words)
        alarm_rules.tell_refusals(session, now=now)
        return True
    everywhere = store.policy_addresses(session, since=now - alarm_rules.AGAIN)
    if everywhere >= LEAST_ADDRESSES:
        alarm_rules.refused_later(session, everywhere, report.words, now=now)
    return False


def _is_confirmed(session: Session, report: PolicyReport, now: datetime) -> bool:
    found = store.policy_addresses(session, since=now - retry_backoff.POLICY_PAUSE, domain=report.domain)
    return found >= LEAST_ADDRESSES

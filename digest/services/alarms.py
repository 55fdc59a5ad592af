"""Alarms: an e-mail to the administrators, at most once a day for one subject; and always a line in the log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from digest import clock, logs, settings
from digest.db import bounces, deliveries, subscribers
from digest.db.dialect import lock_name
from digest.db.engine import transaction
from digest.db.patience import patiently
from digest.models import Audit
from digest.models.delivery import ALARM
from digest.text.redaction import redact_addresses

log = logs.get(__name__)

AGAIN = timedelta(days=1)
OVERDUE = timedelta(minutes=30)
TROUBLE = timedelta(minutes=10)
_SERVERS = "servers"  # since when no mail server works, kept as a try at a limited thing


def sound(session: Session, subject: str, title: str, facts: Sequence[str], *, now: datetime) -> bool:
    """Owe the administrators one e-mail about this. False where they had one about it within a day.

    `subject` is the same for the same trouble: `overdue`, `domain:one.example`.
    """
    lock_name(session, "alarms")
    key = hashlib.sha256(subject.encode()).hexdigest()
    if subscribers.attempts(session, ALARM, key, since=now - AGAIN):
        return False
    subscribers.note_attempt(session, ALARM, key, now=now, forget_before=now - AGAIN)
    log.error("alarm", about=subject.partition(":")[0])
    audit = Audit(at=now, actor="service", action="alarm", detail={"subject": subject[:300]})
    session.add(audit)
    session.flush()
    told = {"title": title, "facts": [fact[:300] for fact in facts]}
    owed = (
        deliveries.Owed(ALARM, audit.id or 0, address, serial=place, payload=told)
        for place, address in enumerate(settings.get().admin_emails)
    )
    deliveries.owe(session, owed, now)
    return True


def watch(*, now: datetime | None = None) -> int:
    """Look for what an administrator must know: mail overdue, domains that refuse us. Returns how many alarms.

    Raises Transient.
    """
    return patiently(partial(_watch, now or clock.now()), seconds=0)


def _watch(now: datetime, session: Session) -> int:
    resting = bounces.pauses(session, now)
    refused = [domain_paused(session, one.domain, one.until, one.reason, now=now) for one in resting]
    return sum([_overdue(session, now), *refused])


def _overdue(session: Session, now: datetime) -> bool:
    late = deliveries.overdue(session, now - OVERDUE)
    if not late:
        return False
    minutes = int(OVERDUE.total_seconds()) // 60
    facts = (
        f"{late} e-mails were due more than {minutes} minutes ago and still wait.",
        "`digest doctor` tells whether workers, Redis and the mail server answer.",
    )
    return sound(session, "overdue", "E-mails are overdue", facts, now=now)


def domain_paused(session: Session, domain: str, until: datetime, reason: str, *, now: datetime) -> bool:
    """A receiving domain refuses our mail for what it is or who we are."""
    facts = (
        f"{domain} refuses our mail by policy. Nothing is sent there until {until:%Y-%m-%d %H:%M} UTC.",
        "No reader is suppressed for it; their mail waits.",
        f"It said: {redact_addresses(reason)}",
        "`digest doctor` checks SPF, DKIM and DMARC.",
    )
    return sound(session, f"domain:{domain}", f"{domain} refuses our mail", facts, now=now)


def servers(*, failing: bool, now: datetime | None = None) -> bool:
    """A pass met no mail server that works (or did). True where an alarm was owed: they have failed for 10 minutes.

    The alarm waits with all other mail until one works again; the log has it at once. Raises Transient.
    """
    return patiently(partial(_servers, failing, now or clock.now()), seconds=0)


def _servers(failing: bool, now: datetime, session: Session) -> bool:
    since = subscribers.attempts(session, _SERVERS, "", since=now - AGAIN)
    if not failing:
        if since:
            subscribers.forget_attempts(session, _SERVERS, "")
        return False
    if not since:
        subscribers.note_attempt(session, _SERVERS, "", now=now, forget_before=now - AGAIN)
        return False
    if now - since[0] < TROUBLE:
        return False
    facts = (
        f"No server of DIGEST_SMTP_URL has taken mail since {since[0]:%Y-%m-%d %H:%M} UTC.",
        "Nothing is lost: what is due waits, and is tried again every minute.",
        "`digest doctor` tells what each server answers.",
    )
    return sound(session, _SERVERS, "The mail servers fail", facts, now=now)


def sender_died(leases: int, uncertain: int, *, now: datetime | None = None) -> None:
    """Senders stopped beating and what they held was taken over."""
    facts = (
        f"{leases} sending processes stopped; {uncertain} e-mails were under way and may have arrived.",
        "They are sent again with the same Message-ID, or held, as DIGEST_UNCERTAIN says.",
    )
    with transaction() as session:
        sound(session, "lease", "A sending process stopped", facts, now=now or clock.now())

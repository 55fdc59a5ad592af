"""Alarms about the installation itself, which `digest doctor` would report as errors: disk, certificate, DKIM.

Run in the process that sends mail, because it has the DKIM key. Takes some seconds, most of them waiting for DNS.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.retry_transaction import retry_transaction
from digest.services.admin import doctor_host, doctor_mail
from digest.services.admin.doctor_finding import ERROR, Check, DoctorFinding
from digest.services.alarms import alarm_rules

_TITLES = {
    "disk": "The disk is almost full",
    "certificate": "The certificate of the pages needs attention",
    "dkim": "DKIM signatures fail",
}


def check_installation(*, now: datetime | None = None) -> int:
    """Raise an alarm for each check that finds errors. Returns the number of alarms. Raises Transient."""
    config, instant = settings.get(), now or clock.now()
    checks: tuple[Check, ...] = (doctor_host.check_disk, doctor_host.check_certificate, doctor_mail.check_dkim)
    errors = [finding for check in checks for finding in check(config) if finding.level == ERROR]
    return retry_transaction(partial(_raise_alarms, errors, instant), seconds=0) if errors else 0


def _raise_alarms(errors: Sequence[DoctorFinding], now: datetime, session: Session) -> int:
    count = 0
    for name in dict.fromkeys(error.name for error in errors):
        facts = [
            fact for error in errors if error.name == name for fact in (f"{error.text}.", f"What helps: {error.cure}.")
        ]
        facts.append("`digest doctor` repeats the check.")
        count += alarm_rules.raise_alarm(session, f"installation:{name}", _TITLES[name], facts, now=now)
    return count

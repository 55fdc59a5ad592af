"""Detects proxies that DIGEST_TRUSTED_PROXIES does not name: everybody behind one counts as one client.

Noted when a request arrives; reported by `digest doctor` and by an alarm.
"""

from __future__ import annotations

import time
from datetime import timedelta

from digest import clock, logs
from digest.db.core.engine import reading, transaction
from digest.db.subscribers import subscribers
from digest.services.alarms import alarm_rules

log = logs.get(__name__)

_ATTEMPT_KIND = "untrusted proxy"
_RETENTION = timedelta(days=2)
_SECONDS_BETWEEN_RECORDS = 3600.0
_recorded: dict[str, float] = {}  # peer: when this process noted it last (monotonic)


def record_peer(peer: str) -> None:
    """Log the proxy, store it for `digest doctor` and alarm the administrators; at most once an hour for each peer."""
    monotonic_now = time.monotonic()
    if (
        monotonic_now - _recorded.get(peer, -_SECONDS_BETWEEN_RECORDS) < _SECONDS_BETWEEN_RECORDS
        or len(_recorded) > 1000
    ):
        return
    _recorded[peer] = monotonic_now
    log.warning("untrusted_proxy", peer=peer)
    now = clock.now()
    facts = (
        f"Requests with X-Forwarded-For come from {peer}, which DIGEST_TRUSTED_PROXIES does not name.",
        "Everybody behind it counts as one client and shares its limits on sign-ups and previews.",
        f"If {peer} is your proxy or container bridge, add its address or network to DIGEST_TRUSTED_PROXIES.",
    )
    with transaction() as session:
        subscribers.record_attempt(session, _ATTEMPT_KIND, peer[:64], now=now, forget_before=now - _RETENTION)
        alarm_rules.raise_alarm(session, f"untrusted proxy:{peer}", "A proxy is not trusted", facts, now=now)


def untrusted_proxies() -> list[str]:
    """Addresses of the proxies noted in the last two days."""
    with reading() as session:
        return sorted(subscribers.attempted_keys(session, _ATTEMPT_KIND, since=clock.now() - _RETENTION))

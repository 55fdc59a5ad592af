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

_ACTION = "untrusted proxy"
_RETENTION = timedelta(days=2)
_SECONDS_BETWEEN = 3600.0
_noted: dict[str, float] = {}  # peer: when this process noted it last (monotonic)


def note_peer(peer: str) -> None:
    """Log the proxy, store it for `digest doctor` and alarm the administrators; at most once an hour for each peer."""
    moment = time.monotonic()
    if moment - _noted.get(peer, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN or len(_noted) > 1000:
        return
    _noted[peer] = moment
    log.warning("untrusted_proxy", peer=peer)
    now = clock.now()
    facts = (
        f"Requests with X-Forwarded-For come from {peer}, which DIGEST_TRUSTED_PROXIES does not name.",
        "Everybody behind it counts as one client and shares its limits on sign-ups and previews.",
        f"If {peer} is your proxy or container bridge, add its address or network to DIGEST_TRUSTED_PROXIES.",
    )
    with transaction() as session:
        subscribers.record_attempt(session, _ACTION, peer[:64], now=now, forget_before=now - _RETENTION)
        alarm_rules.raise_alarm(session, f"untrusted proxy:{peer}", "A proxy is not trusted", facts, now=now)


def untrusted_proxies() -> list[str]:
    """Addresses of the proxies noted in the last two days."""
    with reading() as session:
        return sorted(subscribers.attempted_keys(session, _ACTION, since=clock.now() - _RETENTION))

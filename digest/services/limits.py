"""How often one client or one address may try a thing. Who tried is kept as a keyed hash alone."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import settings
from digest.db import subscribers

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` times within `within`, for each key."""

    action: str
    most: int
    within: timedelta = HOUR


CONFIRMATIONS = Limit("confirmation", 3)
SIGN_UPS = Limit("sign-up", 20)
SIGN_INS = Limit("sign-in", 5)
# Per subscriber: whoever has a shared edition, or a forwarded mail, can ask for these mails.
LINK_MAILS = Limit("link mail", 3, within=timedelta(days=1))
ACCOUNT_MAILS = Limit("account mail", 6, within=timedelta(days=1))


def keyed(text: str) -> str:
    """A hash of an address or a client that only this installation can make: enough to compare, not to learn."""
    chosen = settings.get()
    chosen.require("secret_key")
    return hmac.new(chosen.secret_key[0].encode(), text.encode(), hashlib.sha256).hexdigest()


def take(session: Session, limit: Limit, who: str, *, now: datetime) -> bool:
    """Count one more try of `who`; False where the limit is met, and then nothing is counted."""
    key, since = keyed(f"{limit.action}:{who}"), now - limit.within
    if len(subscribers.attempts(session, limit.action, key, since=since)) >= limit.most:
        return False
    subscribers.note_attempt(session, limit.action, key, now=now, forget_before=since)
    return True

"""How long each kind of link works. All expiries of links are defined here; docs/SECURITY.md repeats them.

A link without a lifetime works as long as the subscriber, or the edition, exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from digest.signing import (
    CHANGE_ADDRESS,
    CONFIRM,
    EDITION,
    ERASE,
    EXPORT,
    FEED,
    FEEDBACK,
    NEW_ADDRESS,
    NOT_ME,
    PREFERENCES,
    SIGN_IN,
    UNSUBSCRIBE,
)

# A request for an export, erasure or change of address is deleted after this time. Longer than its link works, because
# the link's time begins when its mail is sent.
ACCOUNT_REQUEST_KEPT_FOR = timedelta(days=2)

# An administrator's session, which a sign-in link begins.
ADMIN_SESSION = timedelta(hours=12)

# For how long the page after an administrator's action may show what it did.
ADMIN_NOTICE = timedelta(minutes=1)

# For how long the address of the page after a mailed link's button shows what was done; then the page asks again.
ACTION_RESULT = timedelta(hours=1)

LIFETIMES: Mapping[str, timedelta | None] = {
    CONFIRM: timedelta(days=14),
    NOT_ME: None,  # until the unconfirmed sign-up is deleted (setting RETENTION_PENDING_DAYS)
    UNSUBSCRIBE: None,  # must work for as long as somebody may find the mail (RFC 8058, CAN-SPAM: 30 days at least)
    PREFERENCES: None,
    EDITION: None,
    FEED: None,
    FEEDBACK: None,
    EXPORT: timedelta(hours=1),
    ERASE: timedelta(hours=1),
    CHANGE_ADDRESS: timedelta(hours=1),
    NEW_ADDRESS: timedelta(hours=1),
    SIGN_IN: timedelta(minutes=30),  # at least: longer while the next link may not be sent yet
}


def lifetime(purpose: str) -> timedelta:
    """How long a link of this purpose works. Raises ValueError for a purpose whose links do not expire."""
    limit = LIFETIMES[purpose]
    if limit is None:
        raise ValueError(f"links of the purpose {purpose} do not expire")
    return limit

"""Rate limits that hold over all processes: counted in the database, by keyed hashes of clients and addresses.

`allow` counts one try. `allow_mail` is what every form goes through that makes the service mail an address somebody
typed: it counts the client, the inbox and all such mail together. Limits that guard one process's own time are in
`digest.web.http.rate_limit`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.security import rate_limit_counters
from digest.errors import TooMany
from digest.i18n import say
from digest.models import RateLimitCounter
from digest.services.alarms import alarm_rules

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERYBODY = "everybody"
DOTS_IGNORED = frozenset({"gmail.com", "googlemail.com"})  # Google delivers a.d.a@ and ada@ to one inbox


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `most` tries within `within`, for each key; the window begins with the first try."""

    action: str
    most: int
    within: timedelta = HOUR


@dataclass(frozen=True, slots=True)
class Backoff:
    """Tries with growing gaps: `gaps[n-1]` after the n-th, the last gap after all later ones.

    After `forget` without an allowed try counting begins anew. With `forget` equal to the last gap, no time of that
    length ever holds more than `len(gaps)` tries.
    """

    action: str
    gaps: tuple[timedelta, ...]
    forget: timedelta = DAY

    def gap_after(self, number: int) -> timedelta:
        """How long the next try waits after the one of that number (from 1)."""
        return self.gaps[min(number, len(self.gaps)) - 1]


# what one client may ask for: sign-ups, and links to preferences
SIGN_UPS = RateLimit("sign-up", 20)
SIGN_UPS_BY_TOKEN = RateLimit("sign-up by token", 500)  # by each token with the scope subscriptions:write
LINK_REQUESTS = RateLimit("link request", 20)
# what one inbox gets: three a day at most
CONFIRMATIONS = Backoff("confirmation", (MINUTE, HOUR, DAY))
LINKS = Backoff("link", (MINUTE, HOUR, DAY))
INBOX_LIMITS = (CONFIRMATIONS, LINKS)
# mails that whoever has a shared edition, a forwarded mail or the preferences link can ask for, by subscriber
LINK_MAILS = RateLimit("link mail", 3, within=DAY)
ACCOUNT_MAILS = RateLimit("account mail", 6, within=DAY)
# an administrator's sign-in links, and requests to the sign-in page by client
SIGN_IN_MAILS = Backoff("sign-in mail", (MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR))
SIGN_INS = RateLimit("sign-in", 5)
CEILING = "mail ceiling"  # mail that strangers caused, all addresses together


def keyed(text: str) -> str:
    """A hash of an address or a client that only this installation can make: enough to compare, not to learn."""
    chosen = settings.get()
    chosen.require("secret_key")
    return hmac.new(chosen.secret_key[0].encode(), text.encode(), hashlib.sha256).hexdigest()


def inbox_of(address_key: str) -> str:
    """One name for the spellings that reach one inbox: without `+tag`, and without dots where Google ignores them.

    Only for counting: two such addresses are still two subscribers.
    """
    local, _, domain = address_key.rpartition("@")
    name = local.partition("+")[0] or local
    if domain in DOTS_IGNORED:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"


def allow(session: Session, limit: RateLimit | Backoff, who: str, *, now: datetime) -> int:
    """Count one more try of `who`. Returns its number, or 0 where the limit is met, and then nothing is counted."""
    key = keyed(f"{limit.action}:{who}")
    if isinstance(limit, Backoff):
        return rate_limit_counters.count_with_backoff(
            session, limit.action, key, gaps=limit.gaps, forget=limit.forget, now=now
        )
    return rate_limit_counters.count_in_window(
        session, limit.action, key, limit=limit.most, window=limit.within, now=now
    )


def allow_client(limit: RateLimit, client: str, *, now: datetime | None = None) -> None:
    """Count one try of a client in a transaction of its own. Raises TooMany, with the seconds until the window ends."""
    now = now or clock.now()
    with transaction() as session:
        if allow(session, limit, client, now=now):
            return
        counter = rate_limit_counters.find(session, limit.action, keyed(f"{limit.action}:{client}"))
    left = counter.started_at + limit.within - now if counter else limit.within
    message = say("too many of these requests came from here within the hour; try again later")
    raise TooMany(message, seconds=max(int(left.total_seconds()), 1))


def allow_mail(limit: Backoff, address_key: str, *, client_limit: RateLimit, client: str) -> bool:
    """May this address be sent one more such mail, asked for by this client? Counts it, in a transaction of its own.

    `address_key`: the key of `db.subscribers.subscribers.address`. False where the inbox had enough: send nothing, and
    answer as ever. Raises TooMany for the client, and for everybody while the ceiling of the whole service is met; then
    the administrators have an alarm.
    """
    now = clock.now()
    allow_client(client_limit, client, now=now)
    ceiling = RateLimit(CEILING, settings.get().sign_up_ceiling)
    with transaction() as session:
        full = _is_met(session, ceiling, now)
        allowed = not full and bool(allow(session, limit, inbox_of(address_key), now=now))
        if full or (allowed and not allow(session, ceiling, EVERYBODY, now=now)):
            full, allowed = True, False
            _alarm(session, ceiling, now)
    if full:
        message = say("sign-ups rest for the moment, as too many came in; try again in an hour")
        raise TooMany(message, seconds=int(ceiling.within.total_seconds()))
    return allowed


def _is_met(session: Session, limit: RateLimit, now: datetime) -> bool:
    """Looked at first, so that addresses that get nothing anyway are answered like all others."""
    counter = rate_limit_counters.find(session, limit.action, keyed(f"{limit.action}:{EVERYBODY}"))
    return counter is not None and counter.started_at > now - limit.within and counter.count >= limit.most


def _alarm(session: Session, ceiling: RateLimit, now: datetime) -> None:
    facts = (
        f"{ceiling.most} e-mails to addresses that strangers typed were owed within an hour (DIGEST_SIGN_UP_CEILING).",
        "Until the hour is over nobody can sign up or ask for a link. Mail to subscribers goes out as ever.",
        "Somebody may be abusing the form; if these are real people, raise the ceiling.",
    )
    alarm_rules.sound(session, "sign-up ceiling", "Sign-ups are stopped", facts, now=now)


def forget_address(session: Session, address_key: str) -> None:
    """Delete what was counted for an address (its owner is erased)."""
    for limit in INBOX_LIMITS:
        rate_limit_counters.reset(session, [limit.action], keyed(f"{limit.action}:{inbox_of(address_key)}"))


def of_address(session: Session, address_key: str) -> list[RateLimitCounter]:
    """What was counted for an address, or for the inbox that it shares with its other spellings."""
    keys = ((limit.action, keyed(f"{limit.action}:{inbox_of(address_key)}")) for limit in INBOX_LIMITS)
    counters = (rate_limit_counters.find(session, action, key) for action, key in keys)
    return [counter for counter in counters if counter is not None]


def reset(session: Session, limit: RateLimit | Backoff, who: str) -> None:
    """Begin counting anew for `who`."""
    rate_limit_counters.reset(session, [limit.action], keyed(f"{limit.action}:{who}"))

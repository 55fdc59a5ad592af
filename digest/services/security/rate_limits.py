"""Rate limits across all processes: counted in the database, by keyed hashes of clients and addresses.

`count_attempt` counts one attempt. Every form that makes the service mail an address somebody typed calls `may_mail`,
which counts the client, the inbox and all such mail together. Limits on one process's own time are in
`digest.web.http.request_rates`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.db.security import rate_limit_counters
from digest.errors import TooMany
from digest.i18n import localize
from digest.models import RateLimitCounter
from digest.services.alarms import alarm_rules

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALL_CLIENTS = "everybody"
DOTS_IGNORED = frozenset({"gmail.com", "googlemail.com"})  # Gmail ignores dots: a.d.a@ and ada@ are one inbox


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` attempts within `window`, for each key; the window begins with the first attempt."""

    action: str
    limit: int
    window: timedelta = HOUR


@dataclass(frozen=True, slots=True)
class Backoff:
    """Attempts with growing gaps: `gaps[n-1]` after the n-th, the last gap after all later ones.

    The count is reset after `reset_after` without an allowed attempt. With `reset_after` equal to the last gap, no
    period of that length has more than `len(gaps)` attempts.
    """

    action: str
    gaps: tuple[timedelta, ...]
    reset_after: timedelta = DAY

    def gap_after(self, number: int) -> timedelta:
        """The gap between the attempt of that number (from 1) and the next."""
        return self.gaps[min(number, len(self.gaps)) - 1]


# per client: sign-ups, and requests for links to preferences
SIGN_UPS = RateLimit("sign-up", 20)
SIGN_UPS_BY_TOKEN = RateLimit("sign-up by token", 500)  # by each token with the scope subscriptions:write
LINK_REQUESTS = RateLimit("link request", 20)
# what one inbox gets: three a day at most
CONFIRMATIONS = Backoff("confirmation", (MINUTE, HOUR, DAY))
LINKS = Backoff("link", (MINUTE, HOUR, DAY))
INBOX_LIMITS = (CONFIRMATIONS, LINKS)
# per subscriber: mails that anybody with a shared edition, a forwarded mail or the preferences link can request
LINK_MAILS = RateLimit("link mail", 3, window=DAY)
ACCOUNT_MAILS = RateLimit("account mail", 6, window=DAY)
EDITION_MAILS = RateLimit("edition mail", 3, window=DAY)
# an administrator's sign-in links, and requests to the sign-in page per client
SIGN_IN_MAILS = Backoff("sign-in mail", (MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR))
SIGN_INS = RateLimit("sign-in", 5)
MAIL_CEILING = "mail ceiling"  # all mail that anonymous visitors caused


def keyed_hash(text: str) -> str:
    """A keyed hash of an address or a client: it can be compared, but not be reversed without the secret key."""
    config = settings.get()
    config.require("secret_key")
    return hmac.new(config.secret_key[0].encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_inbox(address_key: str) -> str:
    """A canonical name for all spellings of one inbox: without `+tag`, and without dots where Gmail ignores them.

    For counting only: two such addresses are still two subscribers.
    """
    local, _, domain = address_key.rpartition("@")
    name = local.partition("+")[0] or local
    if domain in DOTS_IGNORED:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"


def count_attempt(session: Session, limit: RateLimit | Backoff, key_text: str, *, now: datetime) -> int:
    """Count one attempt under a key. Returns its number; 0 where the limit is reached, and then nothing is counted."""
    key = keyed_hash(f"{limit.action}:{key_text}")
    if isinstance(limit, Backoff):
        return rate_limit_counters.count_with_backoff(
            session, limit.action, key, gaps=limit.gaps, forget_after=limit.reset_after, now=now
        )
    return rate_limit_counters.count_in_window(
        session, limit.action, key, limit=limit.limit, window=limit.window, now=now
    )


def count_client(limit: RateLimit, client: str, *, now: datetime | None = None) -> None:
    """Count one attempt of a client in its own transaction. Raises TooMany, with the seconds until the window ends."""
    now = now or clock.now()
    with transaction() as session:
        if count_attempt(session, limit, client, now=now):
            return
        counter = rate_limit_counters.find(session, limit.action, keyed_hash(f"{limit.action}:{client}"))
    remaining = counter.started_at + limit.window - now if counter else limit.window
    message = localize("too many of these requests came from here within the hour; try again later")
    raise TooMany(message, seconds=max(int(remaining.total_seconds()), 1))


def may_mail(limit: Backoff, address_key: str, *, client_limit: RateLimit, client: str) -> bool:
    """Whether this address may be sent one more such mail that this client requested. Counts it in its own transaction.

    `address_key`: see `db.subscribers.subscribers.parse_address`. False where the inbox has reached its limit: send
    nothing, and answer as always. Raises TooMany for the client, and for everybody while the ceiling of the whole
    service is reached; then the administrators get an alarm.
    """
    count_client(client_limit, client)
    return may_mail_below_ceiling(limit, canonical_inbox(address_key))


def may_mail_below_ceiling(limit: RateLimit | Backoff, key_text: str) -> bool:
    """Whether one more mail may be sent: counts it under the key and under the ceiling of the whole service.

    False where the limit of the key is reached. Raises TooMany while the ceiling is reached; then the administrators
    get an alarm. Counts in its own transaction: not to be called within one.
    """
    now, ceiling = clock.now(), _ceiling()
    require_below_ceiling(now=now)
    with transaction() as session:
        allowed = bool(count_attempt(session, limit, key_text, now=now))
        ceiling_reached = allowed and not count_attempt(session, ceiling, ALL_CLIENTS, now=now)
        if ceiling_reached:
            _raise_ceiling_alarm(session, ceiling, now)
    if ceiling_reached:
        raise _too_many_mails(ceiling)
    return allowed


def require_below_ceiling(*, now: datetime | None = None) -> None:
    """Raises TooMany while the ceiling of the whole service is reached; then the administrators get an alarm.

    Checked before anything about an address, so that the answer is the same for all addresses.
    """
    now, ceiling = now or clock.now(), _ceiling()
    with reading() as session:
        reached = _is_reached(session, ceiling, now)
    if reached:
        with transaction() as session:
            _raise_ceiling_alarm(session, ceiling, now)
        raise _too_many_mails(ceiling)


def _ceiling() -> RateLimit:
    return RateLimit(MAIL_CEILING, settings.get().sign_up_ceiling)


def _too_many_mails(ceiling: RateLimit) -> TooMany:
    message = localize("too many e-mails were requested within the hour; try again in an hour")
    return TooMany(message, seconds=int(ceiling.window.total_seconds()))


def _is_reached(session: Session, limit: RateLimit, now: datetime) -> bool:
    counter = rate_limit_counters.find(session, limit.action, keyed_hash(f"{limit.action}:{ALL_CLIENTS}"))
    if counter is None or counter.count < limit.limit:
        return False
    return now - limit.window < counter.started_at <= now + rate_limit_counters.MAX_CLOCK_SKEW


def _raise_ceiling_alarm(session: Session, ceiling: RateLimit, now: datetime) -> None:
    facts = (
        f"Anonymous visitors requested {ceiling.limit} e-mails within an hour (DIGEST_SIGN_UP_CEILING).",
        "Until the hour is over, nobody can sign up or request a link. Mail to subscribers is sent as usual.",
        "The forms may be under attack. If these are real people, raise the ceiling.",
    )
    alarm_rules.raise_alarm(session, "sign-up ceiling", "Sign-ups are stopped", facts, now=now)


def forget_address(session: Session, address_key: str) -> None:
    """Delete the counters of an address whose owner is erased."""
    for limit in INBOX_LIMITS:
        rate_limit_counters.reset(session, [limit.action], keyed_hash(f"{limit.action}:{canonical_inbox(address_key)}"))


def counters_of_address(session: Session, address_key: str) -> list[RateLimitCounter]:
    """The counters of an address, or of the inbox that it shares with its other spellings."""
    keys = ((limit.action, keyed_hash(f"{limit.action}:{canonical_inbox(address_key)}")) for limit in INBOX_LIMITS)
    counters = (rate_limit_counters.find(session, action, key) for action, key in keys)
    return [counter for counter in counters if counter is not None]


def reset(session: Session, limit: RateLimit | Backoff, key_text: str) -> None:
    """Reset the count under a key."""
    rate_limit_counters.reset(session, [limit.action], keyed_hash(f"{limit.action}:{key_text}"))

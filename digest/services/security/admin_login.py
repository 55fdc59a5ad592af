"""Administrators' sign-in: a single-use link by e-mail, and the server-side session that begins with it.

Anybody may post an administrator's address to the sign-in page, so that must neither lock the administrator out nor
flood the inbox. Hence links are sent with growing gaps (`rate_limits.SIGN_IN_MAILS`), and each link stays valid at
least until the next one may be sent: at any time a new link can be requested or the last one works. Using a link resets
the gaps. The limit by client changes the answer, not what is sent.

Those in ADMIN_EMAILS are operators, those in VIEWER_EMAILS viewers, who change nothing; in both, an operator. An
address that is in neither any more has neither links nor sessions.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock, settings, signing
from digest.db.core import engine
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.security import admin_logins
from digest.db.subscribers import subscribers
from digest.errors import StaleToken
from digest.i18n import localize
from digest.models import AdminLogin, Audit
from digest.models.delivery import SIGN_IN
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.security import rate_limits
from digest.services.security.link_and_session_lifetimes import ADMIN_SESSION, lifetime

MAX_LINK_LIFETIME = max(lifetime(signing.SIGN_IN), *rate_limits.SIGN_IN_MAILS.gaps)


def request_link(address: str, client: str, enqueue: Enqueue) -> None:
    """Mail a link to one of ADMIN_EMAILS or VIEWER_EMAILS; to any other address nothing, with the same answer.

    Raises BadInput for the address, TooMany for the client. In the latter case the link was queued all the same: an
    administrator who shares the client's address with an attacker must get in, and the answer must not reveal who is
    an administrator.
    """
    parsed, now = subscribers.parse_address(address), clock.now()
    administrator = _administrators().get(parsed.key)
    if administrator is not None:
        with engine.transaction() as session:
            attempt = rate_limits.count_attempt(session, rate_limits.SIGN_IN_MAILS, parsed.key, now=now)
            if attempt:
                _queue_link(session, administrator, valid_for=rate_limits.SIGN_IN_MAILS.gap_after(attempt), now=now)
        enqueue.deliver()
    rate_limits.count_client(rate_limits.SIGN_INS, client, now=now)


def administrator_address(text: str) -> str | None:
    """The address of that operator or viewer as the settings have it; None for anybody else. Raises BadInput."""
    return _administrators().get(subscribers.parse_address(text).key)


def _administrators() -> dict[str, str]:
    """Operators and viewers: the address to mail by its key."""
    return _addresses(settings.get().viewer_emails) | _addresses(settings.get().admin_emails)


def _addresses(texts: Iterable[str]) -> dict[str, str]:
    return {address.key: address.text for address in map(subscribers.parse_address, texts)}


def is_viewer(address: str) -> bool:
    """True for an administrator who may look at everything and change nothing."""
    return subscribers.parse_address(address).key not in _addresses(settings.get().admin_emails)


def _queue_link(session: Session, address: str, *, valid_for: timedelta, now: datetime) -> None:
    valid_for = max(valid_for, lifetime(signing.SIGN_IN))
    login = AdminLogin(address=address, asked_at=now, link_expires_at=now + valid_for)
    session.add(login)
    session.add(Audit(at=now, actor="sign-in page", action="sign-in link sent", detail={}))
    session.flush()
    enqueue_next(session, SIGN_IN, subject_id=stored_id(login), address=address, now=now)


def require_valid_link(login_id: int) -> None:
    """Check a link without using it. Raises StaleToken where it was used, has expired, or its owner was removed."""
    with engine.reading() as session:
        _require_valid_link(admin_logins.by_id(session, login_id), clock.now())


def begin_session(login_id: int) -> str:
    """Use the link and begin a session. Returns the value of its cookie, of which only a hash is stored.

    Raises StaleToken.
    """
    value, now = secrets.token_urlsafe(32), clock.now()
    with engine.transaction() as session:
        login = _require_valid_link(admin_logins.by_id(session, login_id, lock=True), now)
        login.used_at, login.session_hash, login.session_expires_at = now, _hash(value), now + ADMIN_SESSION
        rate_limits.reset(session, rate_limits.SIGN_IN_MAILS, subscribers.parse_address(login.address).key)
        session.add(Audit(at=now, actor=login.address, action="signed in", detail={"login": login_id}))
    return value


def _require_valid_link(login: AdminLogin | None, now: datetime) -> AdminLogin:
    if login is None or not _is_administrator(login.address):
        raise StaleToken(localize("this link is out of date; ask for a new one"))
    if login.used_at is not None:
        raise StaleToken(localize("this link was used before; ask for a new one"))
    if login.link_expires_at <= now or login.ended_at is not None:
        raise StaleToken(localize("this link has expired; ask for a new one"))
    return login


def administrator_of(cookie: str) -> str | None:
    """The address of the administrator whose session has that cookie; None where there is no valid session."""
    if not 20 <= len(cookie) <= 100:
        return None
    with engine.reading() as session:
        login = admin_logins.open_session(session, _hash(cookie))
    if login is None or login.session_expires_at is None or login.session_expires_at <= clock.now():
        return None
    return login.address if _is_administrator(login.address) else None


def end_session(cookie: str) -> None:
    """End the session that has that cookie, if there is one."""
    now = clock.now()
    with engine.transaction() as session:
        login = admin_logins.open_session(session, _hash(cookie), lock=True)
        if login is not None:
            login.ended_at = now
            session.add(Audit(at=now, actor=login.address, action="signed out", detail={"login": login.id}))


def end_sessions_of_removed() -> int:
    """End links and sessions of addresses that were removed from the settings, so that they stay ended if one returns.

    Called when a web process starts, which is when it reads the settings. Returns how many ended.
    """
    with engine.transaction() as session:
        return admin_logins.end_all_except(session, list(_administrators().values()), now=clock.now())


def _is_administrator(address: str) -> bool:
    return subscribers.parse_address(address).key in _administrators()


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()

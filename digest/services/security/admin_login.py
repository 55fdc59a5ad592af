"""Administrators' sign-in: a link by e-mail, good once, and the session on the server that begins with it.

Anybody may post an administrator's address to the sign-in page, so nothing posted there may keep the administrator
out, and nothing may fill the inbox. Hence links go out with growing gaps (`rate_limits.SIGN_IN_MAILS`), and each link
stays good at least until the next one may be sent: at any time a new link can be had or the last one works. Using a
link shows that its owner is there, so the gaps begin anew. The limit by client changes the answer, not what is sent.

An address that is no longer in ADMIN_EMAILS has neither links nor sessions.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update

from digest import clock, settings, signing
from digest.db.core import engine
from digest.db.outbox.transactional_mail import owe_next
from digest.db.subscribers import subscribers
from digest.errors import StaleToken
from digest.i18n import say
from digest.interfaces import Enqueue
from digest.models import AdminLogin, Audit
from digest.models.delivery import SIGN_IN
from digest.models.types import stored_id
from digest.services.security import rate_limits
from digest.services.security.link_lifetimes import ADMIN_SESSION, lifetime

LONGEST_LINK_FOR = max(lifetime(signing.SIGN_IN), *rate_limits.SIGN_IN_MAILS.gaps)


def ask(address: str, client: str, enqueue: Enqueue) -> None:
    """Owe a link to one of ADMIN_EMAILS; to any other address nothing, with the same answer.

    Raises BadInput for the address, TooMany for the client. In the latter case the link was owed all the same: who
    shares the client's address with an attacker must get in, and the answer must not tell who is an administrator.
    """
    wanted, now = subscribers.address(address), clock.now()
    administrator = _administrators().get(wanted.key)
    if administrator is not None:
        with engine.transaction() as session:
            number = rate_limits.allow(session, rate_limits.SIGN_IN_MAILS, wanted.key, now=now)
            if number:
                _owe_link(session, administrator, good_for=rate_limits.SIGN_IN_MAILS.gap_after(number), now=now)
        enqueue.deliver()
    rate_limits.allow_client(rate_limits.SIGN_INS, client, now=now)


def _administrators() -> dict[str, str]:
    """ADMIN_EMAILS: the address to mail by its key."""
    return {found.key: found.text for found in map(subscribers.address, settings.get().admin_emails)}


def _owe_link(session: Session, address: str, *, good_for: timedelta, now: datetime) -> None:
    good_for = max(good_for, lifetime(signing.SIGN_IN))
    login = AdminLogin(address=address, asked_at=now, link_expires_at=now + good_for)
    session.add(login)
    session.add(Audit(at=now, actor="sign-in page", action="sign-in link sent", detail={}))
    session.flush()
    owe_next(session, SIGN_IN, subject_id=stored_id(login), address=address, now=now)


def look(login_id: int) -> None:
    """Raises StaleToken where the link was used, has expired, or its address is no administrator's any more."""
    with engine.reading() as session:
        _open_link(session.get(AdminLogin, login_id), clock.now())


def enter(login_id: int) -> str:
    """Use the link up and begin a session. Returns the value of its cookie, of which only a hash is kept.

    Raises StaleToken.
    """
    value, now = secrets.token_urlsafe(32), clock.now()
    with engine.transaction() as session:
        login = _open_link(session.get(AdminLogin, login_id, with_for_update=True), now)
        login.used_at, login.session_hash, login.session_expires_at = now, _hash(value), now + ADMIN_SESSION
        rate_limits.reset(session, rate_limits.SIGN_IN_MAILS, subscribers.address(login.address).key)
        session.add(Audit(at=now, actor=login.address, action="signed in", detail={"login": login_id}))
    return value


def _open_link(login: AdminLogin | None, now: datetime) -> AdminLogin:
    if login is None or not _is_administrator(login.address):
        raise StaleToken(say("this link is out of date; ask for a new one"))
    if login.used_at is not None:
        raise StaleToken(say("this link was used before; ask for a new one"))
    if login.link_expires_at <= now or login.ended_at is not None:
        raise StaleToken(say("this link has expired; ask for a new one"))
    return login


def administrator_of(cookie: str) -> str | None:
    """The address of the administrator whose session the cookie's value belongs to; None without a good one."""
    if not 20 <= len(cookie) <= 100:
        return None
    with engine.reading() as session:
        query = select(AdminLogin).where(AdminLogin.session_hash == _hash(cookie), col(AdminLogin.ended_at).is_(None))
        login = session.exec(query).one_or_none()
    if login is None or login.session_expires_at is None or login.session_expires_at <= clock.now():
        return None
    return login.address if _is_administrator(login.address) else None


def leave(cookie: str) -> None:
    """End the session that the cookie's value belongs to, on the server. Without one nothing happens."""
    now = clock.now()
    with engine.transaction() as session:
        query = select(AdminLogin).where(AdminLogin.session_hash == _hash(cookie), col(AdminLogin.ended_at).is_(None))
        login = session.exec(query.with_for_update()).one_or_none()
        if login is not None:
            login.ended_at = now
            session.add(Audit(at=now, actor=login.address, action="signed out", detail={"login": login.id}))


def end_removed() -> int:
    """End links and sessions of addresses that left ADMIN_EMAILS, so that they stay ended if one comes back.

    Called when a web process starts, which is when it reads ADMIN_EMAILS. Returns how many ended.
    """
    present = list(_administrators().values())
    with engine.transaction() as session:
        gone = session.execute(
            update(AdminLogin)
            .where(col(AdminLogin.ended_at).is_(None), col(AdminLogin.address).not_in(present))
            .values(ended_at=clock.now())
        )
        return int(getattr(gone, "rowcount", 0))


def _is_administrator(address: str) -> bool:
    return subscribers.address(address).key in _administrators()


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()

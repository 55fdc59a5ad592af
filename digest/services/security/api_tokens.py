"""Bearer tokens for the API: what each may do, until when. A token is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from digest import clock
from digest.db.core import engine
from digest.errors import BadInput, NotFound
from digest.models import AdminToken, Audit
from digest.services.security.audit_actor import command_line_actor

NAME = re.compile(r"[\w .-]{1,60}")
PREFIX = "digest_"  # lets a scanner of repositories and logs tell what it found
ADMIN = "admin"
SCOPES = {
    "papers:read": "papers and previews, with a rate limit of the token's own",
    "subscriptions:write": "sign people up, who still confirm by e-mail",
    "runs:read": "runs and how many mails of each are sent",
    "deliveries:read": "mails, without their addresses",
    "addresses:read": "with deliveries:read, the addresses as well",
    "editions:read": "which papers each subscriber's editions held",
    "metrics:read": "/metrics and the details of /readyz",
    ADMIN: "everything",
}
NEVER = "never"
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A good token: its name and what it may do."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """True where the token has this scope, or the one for everything."""
        return scope in self.scopes or ADMIN in self.scopes


def expiry(text: str, *, now: datetime) -> datetime | None:
    """Read `90d`, a date (good through that day, UTC) or `never`. Raises BadInput."""
    if text == NEVER:
        return None
    days = re.fullmatch(r"([1-9][0-9]{0,3})d", text)
    if days:
        return now + timedelta(days=int(days[1]))
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput("expires: use a number of days such as 90d, a date such as 2027-01-31, or never") from error
    end = datetime.combine(day, datetime.min.time(), tzinfo=now.tzinfo) + timedelta(days=1)
    if end <= now:
        raise BadInput(f"expires: {day.isoformat()} has passed", field="expires")
    return end


def create(name: str, scopes: Collection[str], *, expires_at: datetime | None) -> str:
    """Make a token under that name and return it. Raises BadInput for a bad or taken name or an unknown scope."""
    if not NAME.fullmatch(name):
        raise BadInput("name: 1 to 60 letters, digits, blanks, dots or hyphens", field="name")
    unknown = sorted(set(scopes) - SCOPES.keys())
    if unknown or not scopes:
        wrong = f"there is no {unknown[0][:60]!r}" if unknown else "name at least one"
        raise BadInput(f"scope: {wrong}; use {', '.join(SCOPES)}", field="scope")
    token, now = PREFIX + secrets.token_urlsafe(32), clock.now()
    chosen = " ".join(scope for scope in SCOPES if scope in scopes)
    row = AdminToken(name=name, digest=_hash(token), scopes=chosen, created_at=now, expires_at=expires_at)
    try:
        with engine.transaction() as session:
            session.add(row)
            session.flush()
            _audit(session, "create token", row)
    except IntegrityError as error:
        raise BadInput(f"name: there is a token {name!r} already", field="name") from error
    return token


def revoke(name: str) -> None:
    """The token of that name is good no more; its name stays taken. Raises NotFound."""
    with engine.transaction() as session:
        found = session.exec(select(AdminToken).where(AdminToken.name == name)).one_or_none()
        if found is None:
            raise NotFound(f"there is no token {name!r}")
        if found.revoked_at is None:
            found.revoked_at = clock.now()
            _audit(session, "revoke token", found)


def listing() -> list[dict[str, object]]:
    """Every token: name, scopes, state, when it was made, last used and when it expires. Never the token."""
    now = clock.now()
    with engine.reading() as session:
        rows = session.exec(select(AdminToken).order_by(col(AdminToken.id))).all()
    return [
        {
            "name": row.name,
            "scopes": row.scopes,
            "state": _state(row, now),
            "created_at": row.created_at,
            "last_used_at": row.last_used_at,
            "expires_at": row.expires_at,
            "revoked_at": row.revoked_at,
        }
        for row in rows
    ]


def unlimited() -> list[str]:
    """Names of tokens in use that may do everything and never expire, as those made before scopes existed."""
    with engine.reading() as session:
        query = select(AdminToken).where(col(AdminToken.revoked_at).is_(None), col(AdminToken.expires_at).is_(None))
        return [row.name for row in session.exec(query) if ADMIN in row.scopes.split()]


def check(token: str) -> ApiToken | None:
    """The token's name and scopes, and note that it was used; None for one that is unknown, expired or revoked."""
    now = clock.now()
    with engine.reading() as session:
        row = session.exec(select(AdminToken).where(AdminToken.digest == _hash(token))).one_or_none()
    if row is None or _state(row, now) != "active":
        return None
    if row.last_used_at is None or row.last_used_at <= now - _USE_NOTED_EVERY:
        _note_use(row, now)
    return ApiToken(row.name, frozenset(row.scopes.split()))


def _note_use(row: AdminToken, now: datetime) -> None:
    """At most once a minute, so that reading the API does not write for each request."""
    older = or_(col(AdminToken.last_used_at).is_(None), col(AdminToken.last_used_at) <= now - _USE_NOTED_EVERY)
    with engine.transaction() as session:
        session.execute(update(AdminToken).where(col(AdminToken.id) == row.id, older).values(last_used_at=now))


def _state(row: AdminToken, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def _audit(session: Session, action: str, row: AdminToken) -> None:
    detail = {"token": row.name, "scopes": row.scopes}
    session.add(Audit(at=clock.now(), actor=command_line_actor(), action=action, detail=detail))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

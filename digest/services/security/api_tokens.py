"""Bearer tokens for the API, with scopes and expiry. A token is shown once; only its hash is stored."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.security import admin_tokens
from digest.errors import BadInput, NotFound
from digest.models import AdminToken, Audit
from digest.services.security.audit_actor import command_line_actor

NAME = re.compile(r"[\w .-]{1,60}")
PREFIX = "digest_"  # secret scanners of repositories and logs recognise it
ADMIN = "admin"
SCOPES = {
    "papers:read": "papers and previews, with a rate limit for each token",
    "subscriptions:write": "sign people up; they still confirm by e-mail",
    "subscriptions:read": "subscribers with their preferences, without addresses",
    "subscriptions:manage": "change, pause, unsubscribe and erase subscribers",
    "runs:read": "runs, with their mails by state",
    "runs:manage": "start, pause, resume and cancel runs, and resend what was missed",
    "deliveries:read": "mails, without addresses",
    "deliveries:manage": "send a mail's edition again, and test mails to administrators",
    "addresses:read": "addresses as well, in what the other scopes show",
    "editions:read": "the papers of each subscriber's editions",
    "bounces:read": "bounces, without addresses",
    "suppressions:read": "addresses that are not mailed, and why",
    "suppressions:manage": "suppress addresses, and release them",
    "sources:read": "the state of the sources, and items that could not be used",
    "sources:manage": "fetch, pause and resume sources; add, confirm and remove feeds",
    "audit:read": "what administrators did",
    "metrics:read": "/metrics and the details of /readyz",
    ADMIN: "everything",
}
NEVER = "never"
_USE_RECORD_INTERVAL = timedelta(minutes=1)  # so that reading the API does not write for each request


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A valid token: its name and scopes."""

    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """As the audit names it."""
        return f"API token {self.name}"

    def allows(self, scope: str) -> bool:
        """True where the token has this scope, or `admin`."""
        return scope in self.scopes or ADMIN in self.scopes


def parse_expiry(text: str, *, now: datetime) -> datetime | None:
    """Parse `90d`, a date (valid through that day, UTC) or `never`. Raises BadInput."""
    if text == NEVER:
        return None
    days = re.fullmatch(r"([1-9][0-9]{0,3})d", text)
    if days:
        return now + timedelta(days=int(days[1]))
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            "expires: use a number of days such as 90d, a date such as 2027-01-31, or never", field="expires"
        ) from error
    if day < now.date():
        raise BadInput(f"expires: {day.isoformat()} has passed", field="expires")
    if day == date.max:
        raise BadInput(f"expires: use a date before {day.isoformat()}, or never", field="expires")
    return datetime.combine(day, datetime.min.time(), tzinfo=now.tzinfo) + timedelta(days=1)


def create_token(name: str, scopes: Collection[str], *, expires_at: datetime | None, actor: str = "") -> str:
    """Create a token and return it. Raises BadInput for an invalid or duplicate name or an unknown scope."""
    if not NAME.fullmatch(name):
        raise BadInput("name: 1 to 60 letters, digits, blanks, dots or hyphens", field="name")
    unknown = sorted(set(scopes) - SCOPES.keys())
    if unknown or not scopes:
        problem = f"there is no {unknown[0][:60]!r}" if unknown else "name at least one"
        raise BadInput(f"scope: {problem}; use {', '.join(SCOPES)}", field="scope")
    token, now = PREFIX + secrets.token_urlsafe(32), clock.now()
    sorted_scopes = " ".join(scope for scope in SCOPES if scope in scopes)
    row = AdminToken(name=name, digest=_hash(token), scopes=sorted_scopes, created_at=now, expires_at=expires_at)
    try:
        with engine.transaction() as session:
            session.add(row)
            session.flush()
            _audit(session, "create token", row, actor)
    except IntegrityError as error:
        raise BadInput(f"name: there is a token {name!r} already", field="name") from error
    return token


def revoke_token(name: str, *, actor: str = "") -> None:
    """Revoke the token of that name, which cannot be used again. Raises NotFound."""
    with engine.transaction() as session:
        token = admin_tokens.by_name(session, name)
        if token is None:
            raise NotFound(f"there is no token {name!r}")
        if token.revoked_at is None:
            token.revoked_at = clock.now()
            _audit(session, "revoke token", token, actor)


def list_tokens() -> list[dict[str, object]]:
    """Every token's name, scopes, state and times. Never the token itself."""
    now = clock.now()
    with engine.reading() as session:
        return [_description(row, now) for row in admin_tokens.all_tokens(session)]


def describe_token(name: str) -> dict[str, object]:
    """The token of that name as `list_tokens` shows it. Raises NotFound."""
    with engine.reading() as session:
        row = admin_tokens.by_name(session, name)
    if row is None:
        raise NotFound(f"there is no token {name!r}")
    return _description(row, clock.now())


def _description(row: AdminToken, now: datetime) -> dict[str, object]:
    return {
        "name": row.name,
        "scopes": row.scopes,
        "state": _state(row, now),
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


def unlimited_token_names() -> list[str]:
    """Names of valid tokens with the scope `admin` that never expire, such as those created before scopes existed."""
    with engine.reading() as session:
        return [row.name for row in admin_tokens.without_expiry(session) if ADMIN in row.scopes.split()]


def check_token(token: str) -> ApiToken | None:
    """The token's name and scopes; notes its use. None for a token that is unknown, expired or revoked."""
    now = clock.now()
    with engine.reading() as session:
        row = admin_tokens.by_digest(session, _hash(token))
    if row is None or _state(row, now) != "active":
        return None
    recorded_before = now - _USE_RECORD_INTERVAL
    if row.last_used_at is None or row.last_used_at <= recorded_before:
        with engine.transaction() as session:
            admin_tokens.note_use(session, row.id, now=now, last_noted_before=recorded_before)
    return ApiToken(row.name, frozenset(row.scopes.split()))


def _state(row: AdminToken, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def _audit(session: Session, action: str, row: AdminToken, actor: str) -> None:
    detail = {"token": row.name, "scopes": row.scopes}
    session.add(Audit(at=clock.now(), actor=actor or command_line_actor(), action=action, detail=detail))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

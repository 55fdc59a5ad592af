"""Bearer tokens for the API. The token is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import re
import secrets

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from digest import clock
from digest.db import engine
from digest.errors import BadInput, NotFound
from digest.models import AdminToken

NAME = re.compile(r"[\w .-]{1,60}")


def create(name: str) -> str:
    """Make a token under that name and return it. Raises BadInput for a bad or taken name."""
    if not NAME.fullmatch(name):
        raise BadInput("name: 1 to 60 letters, digits, blanks, dots or hyphens", field="name")
    token = secrets.token_urlsafe(32)
    try:
        with engine.transaction() as session:
            session.add(AdminToken(name=name, digest=_digest(token), created_at=clock.now()))
    except IntegrityError as error:
        raise BadInput(f"name: there is a token {name!r} already", field="name") from error
    return token


def revoke(name: str) -> None:
    """The token of that name is good no more; its name stays taken. Raises NotFound."""
    with engine.transaction() as session:
        found = session.exec(select(AdminToken).where(AdminToken.name == name)).one_or_none()
        if found is None:
            raise NotFound(f"there is no token {name!r}")
        found.revoked_at = found.revoked_at or clock.now()


def check(token: str) -> str | None:
    """The name of a good token; None for any other."""
    with engine.reading() as session:
        query = select(AdminToken.name).where(AdminToken.digest == _digest(token), col(AdminToken.revoked_at).is_(None))
        return session.exec(query).one_or_none()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Addresses of deleted subscribers as keyed hashes, so that they are not mailed or imported again.

The key is created once and stored in the database beside the hashes, so it is in every backup and does not depend on
DIGEST_SECRET_KEY. Whoever has the database can test a guessed address, but not read one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlmodel import Session, col, delete, select

from digest import clock
from digest.db.core.dialect import insert_ignore
from digest.models import FormerAddress, StoredKey, Suppression

_KEY = "former addresses"


def store_former_address(session: Session, address_key: str, *, reason: str, suppressed: bool, at: datetime) -> None:
    """Store the hash of a deleted address. A suppression replaces a hash without one, not the other way round."""
    insert_ignore(session, StoredKey, [{"name": _KEY, "value": secrets.token_hex(32), "created_at": clock.now()}])
    digest = _digest(session, address_key)
    if suppressed:
        session.exec(delete(FormerAddress).where(col(FormerAddress.address_hash) == digest))
    row = {"address_hash": digest, "reason": reason[:40], "suppressed": suppressed, "at": at}
    insert_ignore(session, FormerAddress, [row])


def find_former_address(session: Session, address_key: str) -> FormerAddress | None:
    """The stored hash of a deleted subscriber's address, None where there is none."""
    digest = _digest(session, address_key)
    if not digest:
        return None
    return session.exec(select(FormerAddress).where(FormerAddress.address_hash == digest)).one_or_none()


def delete_former_address(session: Session, address_key: str) -> bool:
    """Delete the hash (the person subscribed again, or an administrator allows mail). False where there was none."""
    digest = _digest(session, address_key)
    return session.exec(delete(FormerAddress).where(col(FormerAddress.address_hash) == digest)).rowcount == 1


def restore_suppression(session: Session, address_key: str) -> None:
    """Replace a suppressed hash by an ordinary suppression, because the address is stored again."""
    former = find_former_address(session, address_key)
    if former is None or not former.suppressed:
        return
    source = "from before the address was deleted"
    row = {"address_key": address_key, "reason": former.reason, "source": source, "at": former.at}
    insert_ignore(session, Suppression, [row])
    session.delete(former)


def _digest(session: Session, address_key: str) -> str:
    """HMAC-SHA256 of an address; '' while there is no key, and therefore no hash."""
    key = session.exec(select(StoredKey.value).where(StoredKey.name == _KEY)).one_or_none()
    if key is None:
        return ""
    return hmac.new(bytes.fromhex(key), address_key.encode(), hashlib.sha256).hexdigest()

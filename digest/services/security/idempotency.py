"""Idempotency keys: a request of the API that is sent again with its key gets the same answer, and no second effect.

The stored answer is encrypted with a key derived from the secret key and the caller's own key, because it may contain
an address or a new token. The database alone reveals neither.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.security import idempotency_keys
from digest.errors import BadInput, Refused
from digest.i18n import localize
from digest.models import IdempotencyKey

KEPT_FOR = timedelta(days=1)
ABANDONED_AFTER = timedelta(minutes=2)  # without an answer: its process has ended, perhaps after the effect
_OUTCOME_UNKNOWN = b""  # in place of an answer: the request failed, perhaps after its effect
_KEY = re.compile(r"[\x21-\x7e]{1,200}")  # visible ASCII


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer to send again."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with its idempotency key. `caller`: a token's name or a client's address; `content`: all it says."""

    caller: str
    key: str
    content: bytes

    @property
    def stored_keys(self) -> list[str]:
        """The names of its row by each signing key, the newest first. They reveal neither the caller nor the key."""
        return [self._keyed_hash("key", signing_key).hex() for signing_key in _signing_keys()]

    @property
    def request_hash(self) -> str:
        """Tells two requests with the same key apart."""
        return hashlib.sha256(self.content).hexdigest()

    def encrypt(self, answer: StoredAnswer) -> bytes:
        """The answer, compressed and encrypted."""
        from cryptography.fernet import Fernet  # imported only where a request has a key

        value = {"status": answer.status, "headers": answer.headers, "body": base64.b64encode(answer.body).decode()}
        return Fernet(self._cipher_key(_signing_keys()[0])).encrypt(zlib.compress(json.dumps(value).encode()))

    def decrypt(self, ciphertext: bytes) -> StoredAnswer:
        """The inverse of `encrypt`, also with the signing keys before the newest."""
        from cryptography.fernet import Fernet, MultiFernet

        ciphers = MultiFernet([Fernet(self._cipher_key(signing_key)) for signing_key in _signing_keys()])
        value = json.loads(zlib.decompress(ciphers.decrypt(ciphertext)))
        return StoredAnswer(value["status"], value["headers"], base64.b64decode(value["body"]))

    def _cipher_key(self, signing_key: str) -> bytes:
        return base64.urlsafe_b64encode(self._keyed_hash("answer", signing_key))

    def _keyed_hash(self, purpose: str, signing_key: str) -> bytes:
        text = json.dumps([f"idempotency {purpose}", self.caller, self.key])
        return hmac.new(signing_key.encode(), text.encode(), hashlib.sha256).digest()


def _signing_keys() -> Sequence[str]:
    config = settings.get()
    config.require("secret_key")
    return config.secret_key


def check_key(key: str) -> str:
    """The key, if it is one. Raises BadInput."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            localize("Idempotency-Key: 1 to 200 visible ASCII characters, such as a UUID"), field="Idempotency-Key"
        )
    return key


def begin_request(request: KeyedRequest) -> tuple[datetime, StoredAnswer | None]:
    """Claim the key. Returns when, and the answer of the earlier request, None for the first.

    Raises BadInput where the key came with another request; Refused while that request is being answered, and where
    nobody knows whether it had its effect.
    """
    now = clock.now()
    with transaction() as session:
        row = _earlier_request(session, request, now)
        if row is None:
            return now, None
        request_hash, started_at, answer = row.request_hash, row.started_at, row.answer
    if request_hash != request.request_hash:
        message = localize("Idempotency-Key: this key came with another request before; use a new one")
        raise BadInput(message, field="Idempotency-Key")
    if answer:
        return now, request.decrypt(answer)
    if answer is None and started_at >= now - ABANDONED_AFTER:
        raise Refused(localize("the request with this Idempotency-Key is still being answered; send it again later"))
    raise Refused(
        localize(
            "the request with this Idempotency-Key failed, perhaps after its effect: look for that, and send it again"
            " with a new key where there is none"
        )
    )


def _earlier_request(session: Session, request: KeyedRequest, now: datetime) -> IdempotencyKey | None:
    """The row of an earlier request with the key; None where this request has claimed it."""
    newest, *older = request.stored_keys
    expired = now - KEPT_FOR
    row = idempotency_keys.find_key(session, older, expired_before=expired) if older else None
    if row is None and not idempotency_keys.claim_key(
        session, newest, request.request_hash, now=now, expired_before=expired
    ):
        row = idempotency_keys.find_key(session, [newest], expired_before=expired)
        if row is None:
            raise Refused(
                localize("the request with this Idempotency-Key is still being answered; send it again later")
            )
    return row


def store_answer(request: KeyedRequest, started_at: datetime, answer: StoredAnswer) -> None:
    """Store the answer of the request that claimed the key at that time."""
    with transaction() as session:
        idempotency_keys.store_answer(session, request.stored_keys[0], started_at, request.encrypt(answer))


def mark_failed(request: KeyedRequest, started_at: datetime) -> None:
    """Refuse the key until it expires: nobody knows whether its request had its effect."""
    with transaction() as session:
        idempotency_keys.store_answer(session, request.stored_keys[0], started_at, _OUTCOME_UNKNOWN)


def release_key(request: KeyedRequest, started_at: datetime) -> None:
    """Free the key of a request that had no effect."""
    with transaction() as session:
        idempotency_keys.release_key(session, request.stored_keys[0], started_at)

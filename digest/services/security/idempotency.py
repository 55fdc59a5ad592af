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
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.security import idempotency_keys
from digest.errors import BadInput, Refused
from digest.i18n import localize

KEPT_FOR = timedelta(days=1)
ABANDONED_AFTER = timedelta(minutes=2)  # without an answer: its process has ended, so the request may be tried again
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
    def stored_key(self) -> str:
        """The name of its row, which reveals neither the caller nor the key."""
        return self._keyed_hash("key").hex()

    @property
    def request_hash(self) -> str:
        """Tells two requests with the same key apart."""
        return hashlib.sha256(self.content).hexdigest()

    def encrypt(self, answer: StoredAnswer) -> bytes:
        """The answer, compressed and encrypted."""
        from cryptography.fernet import Fernet  # imported only where a request has a key

        value = {"status": answer.status, "headers": answer.headers, "body": base64.b64encode(answer.body).decode()}
        return Fernet(self._cipher_key()).encrypt(zlib.compress(json.dumps(value).encode()))

    def decrypt(self, stored: bytes) -> StoredAnswer:
        """The inverse of `encrypt`."""
        from cryptography.fernet import Fernet

        value = json.loads(zlib.decompress(Fernet(self._cipher_key()).decrypt(stored)))
        return StoredAnswer(value["status"], value["headers"], base64.b64decode(value["body"]))

    def _cipher_key(self) -> bytes:
        return base64.urlsafe_b64encode(self._keyed_hash("answer"))

    def _keyed_hash(self, purpose: str) -> bytes:
        config = settings.get()
        config.require("secret_key")
        text = json.dumps([f"idempotency {purpose}", self.caller, self.key])
        return hmac.new(config.secret_key[0].encode(), text.encode(), hashlib.sha256).digest()


def check_key(key: str) -> str:
    """The key, if it is one. Raises BadInput."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            localize("Idempotency-Key: 1 to 200 visible ASCII characters, such as a UUID"), field="Idempotency-Key"
        )
    return key


def begin_request(request: KeyedRequest) -> tuple[datetime, StoredAnswer | None]:
    """Claim the key. Returns when, and the answer of the earlier request, None for the first.

    Raises BadInput where the key came with another request, Refused while that request is being answered.
    """
    now, key = clock.now(), request.stored_key
    expired, abandoned = now - KEPT_FOR, now - ABANDONED_AFTER
    with transaction() as session:
        if idempotency_keys.claim_key(
            session, key, request.request_hash, now=now, expired_before=expired, abandoned_before=abandoned
        ):
            return now, None
        row = idempotency_keys.find_key(session, key)
        request_hash, answer = (row.request_hash, row.answer) if row else (request.request_hash, None)
    if request_hash != request.request_hash:
        message = localize("Idempotency-Key: this key came with another request before; use a new one")
        raise BadInput(message, field="Idempotency-Key")
    if answer is None:
        raise Refused(localize("the request with this Idempotency-Key is still being answered; send it again later"))
    return now, request.decrypt(answer)


def finish_request(request: KeyedRequest, started_at: datetime, answer: StoredAnswer | None) -> None:
    """Store the answer; None for a request that had no effect, whose key is free again."""
    with transaction() as session:
        if answer is None:
            idempotency_keys.release_key(session, request.stored_key, started_at)
        else:
            idempotency_keys.store_answer(session, request.stored_key, started_at, request.encrypt(answer))

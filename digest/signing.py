"""Signed links. A token is valid for one purpose only. The first key signs, all keys verify."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from digest.errors import N_, BadToken, StaleToken

CONFIRM, UNSUBSCRIBE, PREFERENCES = "confirm", "unsubscribe", "preferences"
EDITION, FEED, FEEDBACK, SIGN_IN = "edition", "feed", "feedback", "sign-in"
NOT_ME, EXPORT, ERASE = "not-me", "export", "erase"
CHANGE_ADDRESS, NEW_ADDRESS = "change-address", "new-address"


def healthcheck_token(secret_key: str) -> str:
    """The bearer token with which `digest healthcheck` asks the web process; both derive it from the secret key."""
    return hmac.new(secret_key.encode(), b"digest.healthcheck", hashlib.sha256).hexdigest()


_COMPACT_JSON = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False
)  # created once: creating it takes longer than encoding


_URL_SAFE_ALPHABET = bytes.maketrans(b"+/", b"-_")


class Signer:
    """Signs and verifies tokens. `keys`: the first signs, all verify."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        if not keys:
            raise ValueError("a signer needs at least one key")
        self._keys = list(reversed(keys))  # itsdangerous signs with the last one
        self._serializers: dict[str, URLSafeSerializer] = {}
        self._derived_keys: dict[str, bytes] = {}

    def sign(self, purpose: str, *values: int | str) -> str:
        """A URL-safe token for `values` that never expires."""
        payload = _base64url(_COMPACT_JSON.encode(values).encode())
        mac = hmac.digest(self._derived_key(purpose), payload, "sha1")
        return (payload + b"." + _base64url(mac)).decode("ascii")

    def read(self, purpose: str, token: str) -> list[Any]:
        """Verify a token and return its values. Raises BadToken."""
        if len(token) > 2000:
            raise BadToken(N_("this link is not one of ours"))
        try:
            values = self._serializer(purpose).loads(token)
        except BadSignature as error:
            raise BadToken(N_("this link is incomplete or was altered; open it again from your e-mail")) from error
        return values if isinstance(values, list) else [values]

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        """The serializer for a purpose, created at first use."""
        if purpose not in self._serializers:
            self._serializers[purpose] = URLSafeSerializer(self._keys, salt=f"digest.{purpose}")
        return self._serializers[purpose]

    def _derived_key(self, purpose: str) -> bytes:
        """The key of itsdangerous' signature (HMAC-SHA1) for a purpose, derived once because mails have many links."""
        if purpose not in self._derived_keys:
            serializer = self._serializer(purpose)
            self._derived_keys[purpose] = serializer.make_signer(serializer.salt).derive_key()
        return self._derived_keys[purpose]

    def sign_timed(self, purpose: str, *values: int | str) -> str:
        """Like `sign`, but with the time of signing, for links that expire."""
        return str(URLSafeTimedSerializer(self._keys, salt=f"digest.{purpose}").dumps(list(values)))

    def read_timed(self, purpose: str, token: str, *, max_age: int) -> list[Any]:
        """Verify a token signed at most `max_age` seconds ago and return its values. Raises BadToken.

        A token from the future is as good: the clock was set back since, or that of another machine is ahead.
        """
        if len(token) > 2000:
            raise BadToken(N_("this link is not one of ours"))
        serializer = URLSafeTimedSerializer(self._keys, salt=f"digest.{purpose}")
        try:
            values, signed_at = serializer.loads(token, return_timestamp=True)
        except BadSignature as error:
            raise BadToken(N_("this link is incomplete or was altered; open it again from your e-mail")) from error
        if abs(int(time.time()) - int(signed_at.timestamp())) > max_age:
            raise StaleToken(N_("this link has expired; ask for a new one"))
        return values if isinstance(values, list) else [values]


def keyed_hash(key: str, purpose: str, *parts: str, length: int) -> str:
    """An HMAC-SHA256 of the parts in lower-case base32, cut to `length` characters of five bits.

    For names that must survive a change of case, such as the local part of an address.
    """
    mac = hmac.digest(key.encode(), "\0".join((purpose, *parts)).encode(), "sha256")
    groups = -(-length // 8)  # of eight characters, from five bytes each
    return base64.b32encode(mac[: 5 * groups]).decode("ascii").lower()[:length]


def _base64url(value: bytes) -> bytes:
    """URL-safe base64 without padding (RFC 4648, 5)."""
    return binascii.b2a_base64(value, newline=False).rstrip(b"=").translate(_URL_SAFE_ALPHABET)

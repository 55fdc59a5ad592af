"""Signed links. A token carries its purpose and can't be used for another; the first key signs, all verify."""

from __future__ import annotations

from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeSerializer, URLSafeTimedSerializer

from digest.errors import BadToken, StaleToken

CONFIRM, UNSUBSCRIBE, PREFERENCES = "confirm", "unsubscribe", "preferences"
EDITION, FEED, FEEDBACK, SIGN_IN, SESSION = "edition", "feed", "feedback", "sign-in", "session"


class Signer:
    """Makes and reads tokens. `keys`: the first signs, all verify."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        if not keys:
            raise ValueError("a signer needs at least one key")
        self._keys = list(reversed(keys))  # itsdangerous signs with the last one
        self._made: dict[str, URLSafeSerializer] = {}

    def sign(self, purpose: str, *values: int | str) -> str:
        """An opaque, URL-safe token for `values`; it never expires."""
        return str(self._plain(purpose).dumps(list(values)))

    def read(self, purpose: str, token: str) -> list[Any]:
        """The values signed for this purpose. Raises BadToken."""
        if len(token) > 2000:
            raise BadToken("this link is not one of ours")
        try:
            values = self._plain(purpose).loads(token)
        except BadSignature as error:
            raise BadToken("this link is incomplete or was altered; open it again from your e-mail") from error
        return values if isinstance(values, list) else [values]

    def _plain(self, purpose: str) -> URLSafeSerializer:
        """The serialiser for one purpose, made at its first use."""
        if purpose not in self._made:
            self._made[purpose] = URLSafeSerializer(self._keys, salt=f"digest.{purpose}")
        return self._made[purpose]

    def sign_timed(self, purpose: str, *values: int | str) -> str:
        """Like `sign`, with the time of signing inside, for links that expire."""
        return str(URLSafeTimedSerializer(self._keys, salt=f"digest.{purpose}").dumps(list(values)))

    def read_timed(self, purpose: str, token: str, *, max_age: int) -> list[Any]:
        """The values, if signed less than `max_age` seconds ago. Raises BadToken."""
        if len(token) > 2000:
            raise BadToken("this link is not one of ours")
        try:
            values = URLSafeTimedSerializer(self._keys, salt=f"digest.{purpose}").loads(token, max_age=max_age)
        except SignatureExpired as error:
            raise StaleToken("this link has expired; ask for a new one") from error
        except BadSignature as error:
            raise BadToken("this link is incomplete or was altered; open it again from your e-mail") from error
        return values if isinstance(values, list) else [values]

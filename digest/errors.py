"""Errors. Each class answers one question: may the same call be tried again?"""

from __future__ import annotations


class DigestError(Exception):
    """Root of the project's own errors. Its text is one clear line for a person."""


class Transient(DigestError):
    """The same call may succeed later."""


class BadInput(DigestError):
    """Something from outside is wrong; the text names the field, row or position. Trying again won't help."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class BadQuery(BadInput):
    """A topic's query can't be read. `position` counts characters from 0; `expected` says what would fit there."""

    def __init__(self, message: str, *, position: int, expected: str) -> None:
        super().__init__(f"{message} at position {position + 1}: expected {expected}", field="topic")
        self.position = position
        self.expected = expected


class Misconfigured(DigestError):
    """A setting is missing or wrong; the text names it and the cure."""


class NotFound(DigestError):
    """What was asked for does not exist."""


class Refused(DigestError):
    """Allowed to nobody now: a suppressed address, an unsubscribed reader. The text says why."""


class BadToken(BadInput):
    """A signed link was altered, has expired, or was made for another purpose."""


class StaleToken(BadToken):
    """A signed link that was good once and no longer is; a new one can be had."""


class TooMany(Transient):
    """A rate limit was met; after `seconds` it is free again."""

    def __init__(self, message: str, *, seconds: int = 3600) -> None:
        super().__init__(message)
        self.seconds = seconds


class SourceDown(Transient):
    """A source could not be reached or did not answer in form.

    `retry_after`: the seconds that it asks to wait, where it does. `again`: whether asking the same at once may help.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, again: bool = True) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.again = again


class MailDeferred(Transient):
    """The server said 'not now' (4yz), or failed before it took the message."""


class MailRejected(DigestError):
    """The server said 'never' (5yz)."""


class MailUncertain(DigestError):
    """The connection failed after the message was handed over: it may have been accepted."""

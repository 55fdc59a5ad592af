"""Errors. Each class answers one question: may the same call be tried again?"""

from __future__ import annotations

from collections.abc import Callable

Translate = Callable[[str], str]  # a sentence in, the same in another language out


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for what is translated later
    """A sentence that is only kept here; whoever shows it says it."""
    return message


def _as_written(message: str) -> str:
    return message


class DigestError(Exception):
    """Root of the project's own errors. Its text is one clear line for a person."""

    def translated(self, say: Translate) -> str:
        """That line in another language, as far as its parts are known."""
        return say(str(self))


class Transient(DigestError):
    """The same call may succeed later."""


class BadInput(DigestError):
    """Something from outside is wrong; the text names the field, row or position. Trying again won't help.

    `values` stand in the message at `%(name)s`.
    """

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        self.field = field
        self._message, self._values = message, values
        super().__init__(self.translated(_as_written))

    def translated(self, say: Translate) -> str:
        """The line in another language, with its values."""
        told = say(self._message)
        return told % self._values if self._values else told


class BadQuery(BadInput):
    """A topic's query can't be read. `position` counts characters from 0; `expected` says what would fit there."""

    def __init__(self, message: str, *, position: int, expected: str, **values: object) -> None:
        self.position = position
        self.expected = expected % values if values else expected
        self._wanted = expected
        super().__init__(message, field="topic", **values)

    def translated(self, say: Translate) -> str:
        """What is wrong, where, and what would fit there."""
        wanted = say(self._wanted)
        wanted = wanted % self._values if self._values else wanted
        what = super().translated(say)
        told = say(N_("%(what)s at position %(n)s: expected %(expected)s"))
        return told % {"what": what, "n": self.position + 1, "expected": wanted}


class Misconfigured(DigestError):
    """A setting is missing or wrong; the text names it and the cure."""


class NotFound(DigestError):
    """What was asked for does not exist."""


class Refused(DigestError):
    """Allowed to nobody now: a suppressed address, an unsubscribed reader. The text says why."""


class AlreadyOwed(DigestError):
    """An e-mail that was to be queued has the key of another one, so nothing was queued. A fault of the caller."""


class BadToken(BadInput):
    """A signed link was altered, has expired, or was made for another purpose."""


class StaleToken(BadToken):
    """A signed link that was good once and no longer is; a new one can be had."""


class TooMany(Transient):
    """A rate limit was met; after `seconds` it is free again."""

    def __init__(self, message: str, *, seconds: int = 3600) -> None:
        super().__init__(message)
        self.seconds = seconds


class Cancelled(Transient):
    """Nobody waits for the result any more, so the work was given up."""


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

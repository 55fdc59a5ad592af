"""The project's exceptions. Their classes tell whether the same call may be tried again."""

from __future__ import annotations

from collections.abc import Callable

Translate = Callable[[str], str]  # returns the sentence in another language


def N_(message: str) -> str:  # noqa: N802 - gettext's name for this function
    """Mark a sentence for translation; it is translated when it is shown."""
    return message


def _untranslated(message: str) -> str:
    return message


class DigestError(Exception):
    """Base class of the project's exceptions. The text is one line for a person."""

    def translated(self, translate: Translate) -> str:
        """The text in another language, if its parts are known."""
        return translate(str(self))


class Transient(DigestError):
    """A temporary failure: the same call may succeed later."""


class BadInput(DigestError):
    """Invalid input; the text names the field, row or position. Trying again won't help.

    `values` replace `%(name)s` in the message.
    """

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        self.field = field
        self.message, self.values = message, values
        super().__init__(self.translated(_untranslated))

    def translated(self, translate: Translate) -> str:
        """The text in another language, with its values."""
        text = translate(self.message)
        return text % self.values if self.values else text


class BadCursor(BadInput):
    """A cursor of a listing that did not come with one of its pages."""

    def __init__(self) -> None:
        super().__init__(N_("cursor: use the one that came with the page before"), field="cursor")


class BadQuery(BadInput):
    """A query that can't be parsed. `position`: character index from 0; `expected`: what would be valid there."""

    def __init__(self, message: str, *, position: int, expected: str, **values: object) -> None:
        self.position = position
        self.expected = expected % values if values else expected
        self._expected_message = expected
        super().__init__(message, field="topic", **values)

    def translated(self, translate: Translate) -> str:
        """The problem, its position, and what would be valid there."""
        expected = translate(self._expected_message)
        expected = expected % self.values if self.values else expected
        problem = super().translated(translate)
        template = translate(N_("%(what)s at position %(n)s: expected %(expected)s"))
        return template % {"what": problem, "n": self.position + 1, "expected": expected}


class Misconfigured(DigestError):
    """A setting is missing or wrong; the text names it and what to do."""


class NotFound(DigestError):
    """The requested object does not exist."""


class Refused(DigestError):
    """Not possible in the current state, such as mail to a suppressed or unsubscribed address. The text says why."""


class NotSignedIn(Refused):
    """Only administrators may do this, and nobody is signed in."""


class DuplicateDeliveryKey(DigestError):
    """Nothing was queued, because an e-mail with the same key exists. An error of the caller."""


class BadToken(BadInput):
    """A signed link that was altered, has expired, or has another purpose."""


class StaleToken(BadToken):
    """A signed link that is no longer valid; the person can request a new one."""


class TooMany(Transient):
    """A rate limit was exceeded; the request may be repeated after `seconds`."""

    def __init__(self, message: str, *, seconds: int = 3600) -> None:
        super().__init__(message)
        self.seconds = seconds


class Cancelled(Transient):
    """The work was stopped, because nobody waits for its result any more."""


class SourceDown(Transient):
    """A source could not be reached, or its response was invalid.

    `retry_after`: the seconds that the source asks to wait, if any. `retryable`: whether an immediate retry may help.
    `status`: of an HTTP answer that was not the expected one.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, retryable: bool = True, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.retryable = retryable


class MailDeferred(Transient):
    """The server refused the mail temporarily (4yz), or failed before it accepted the message."""


class MailRejected(DigestError):
    """The server refused the mail permanently (5yz)."""


class MailUncertain(DigestError):
    """The connection failed after the message was sent, so the server may have accepted it."""

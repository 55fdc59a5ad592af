"""Numbers of things in the sentences of commands, logs and alarms, which are in English."""

from __future__ import annotations


def count_of(number: int, singular: str, plural: str = "") -> str:
    """A number of things: `1 mail`, `3 mails`. `plural`: where it has more than an s, `mails are overdue`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"

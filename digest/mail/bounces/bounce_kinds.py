"""The kinds of what comes back, and what a detector says of one message."""

from __future__ import annotations

from dataclasses import dataclass

HARD, SOFT, POLICY = "hard", "soft", "policy"
COMPLAINT, AUTO_REPLY, UNSUBSCRIBE, OTHER = "complaint", "auto-reply", "unsubscribe", "other"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`recipients`: addresses in the order named, as written; `status`: RFC 3463, '' where nothing tells it.

    `words`: the report's own, to show an administrator.
    """

    kind: str
    recipients: tuple[str, ...] = ()
    status: str = ""
    words: str = ""

"""Detects automatic replies and challenges (RFC 3834), and requests to unsubscribe."""

from __future__ import annotations

from digest.mail.bounces.bounce_kinds import AUTO_REPLY, UNSUBSCRIBE, Detection
from digest.mail.bounces.parsed_message import ParsedMessage
from digest.mail.bounces.reply_patterns import (
    AUTOREPLY_SUBJECT,
    CHALLENGE,
    QUOTED_LINE,
    UNSUBSCRIBE_LINE,
    UNSUBSCRIBE_SUBJECT,
)
from digest.mail.bounces.sender_type import is_machine

_AUTOREPLY_HEADERS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply-From",
    "X-Mail-Autoreply",
    "X-Vacation",
)


def detect_autoreply(mail: ParsedMessage) -> Detection | None:
    """An automatic reply; None for any other mail."""
    submitted = mail.header("Auto-Submitted").lower()
    if submitted.startswith("auto-replied") or _has_autoreply_header(mail):
        return Detection(AUTO_REPLY)
    subject = mail.header("Subject")
    if AUTOREPLY_SUBJECT.match(subject) or (CHALLENGE.search(subject) and not mail.header("List-Id")):
        return Detection(AUTO_REPLY)
    return None


def _has_autoreply_header(mail: ParsedMessage) -> bool:
    precedence = (mail.header("Precedence") or mail.header("X-Precedence")).lower()
    return precedence.replace("-", "_") == "auto_reply" or any(mail.header(name) for name in _AUTOREPLY_HEADERS)


def detect_unsubscribe_request(mail: ParsedMessage) -> Detection | None:
    """A mail to the List-Unsubscribe address, or a reply that asks for nothing else; None for any other mail."""
    if is_machine(mail) or mail.header("List-Id"):
        return None
    if UNSUBSCRIBE_SUBJECT.fullmatch(mail.header("Subject")) or UNSUBSCRIBE_LINE.fullmatch(_unquoted_text(mail.text)):
        return Detection(UNSUBSCRIBE, (mail.sender,))
    return None


def _unquoted_text(text: str) -> str:
    """The text above the quotation in one line; '' where it is too long to be only a request."""
    lines: list[str] = []
    for line in text[:4000].splitlines():
        if QUOTED_LINE.match(line):
            break
        lines.append(line.strip())
    words = " ".join(" ".join(lines).split())
    return words if len(words) <= 160 else ""

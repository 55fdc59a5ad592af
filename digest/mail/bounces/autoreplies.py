"""What people and their programs answer: automatic replies, challenges (RFC 3834), and wishes to leave."""

from __future__ import annotations

from digest.mail.bounces.bounce_kinds import AUTO_REPLY, UNSUBSCRIBE, Verdict
from digest.mail.bounces.parsed_message import Mail
from digest.mail.bounces.reply_patterns import AWAY, CHALLENGE, LEAVE_LINE, LEAVE_SUBJECT, QUOTED
from digest.mail.bounces.sender_type import is_machine

_ANSWER_HEADERS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply-From",
    "X-Mail-Autoreply",
    "X-Vacation",
)


def automatic(mail: Mail) -> Verdict | None:
    """An answer that no person wrote for this mail."""
    submitted = mail.header("Auto-Submitted").lower()
    if submitted.startswith("auto-replied") or _says_so(mail):
        return Verdict(AUTO_REPLY)
    subject = mail.header("Subject")
    if AWAY.match(subject) or (CHALLENGE.search(subject) and not mail.header("List-Id")):
        return Verdict(AUTO_REPLY)
    return None


def _says_so(mail: Mail) -> bool:
    precedence = (mail.header("Precedence") or mail.header("X-Precedence")).lower()
    return precedence.replace("-", "_") == "auto_reply" or any(mail.header(name) for name in _ANSWER_HEADERS)


def wish_to_leave(mail: Mail) -> Verdict | None:
    """A mail to the address of List-Unsubscribe, or a person's answer that says just that."""
    if is_machine(mail) or mail.header("List-Id"):
        return None
    if LEAVE_SUBJECT.fullmatch(mail.header("Subject")) or LEAVE_LINE.fullmatch(_own_words(mail.text)):
        return Verdict(UNSUBSCRIBE, (mail.sender,))
    return None


def _own_words(text: str) -> str:
    """What stands above the quotation, in one line; '' where it is long: then it says more."""
    lines: list[str] = []
    for line in text[:4000].splitlines():
        if QUOTED.match(line):
            break
        lines.append(line.strip())
    words = " ".join(" ".join(lines).split())
    return words if len(words) <= 160 else ""

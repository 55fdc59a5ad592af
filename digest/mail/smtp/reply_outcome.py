"""Classifies a server's reply to one step of sending a mail. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.mail.smtp import refusal_cause
from digest.mail.smtp.refusal_cause import Cause
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN

MAIL, RCPT, DATA, CONTENT = "MAIL", "RCPT", "DATA", "CONTENT"
NO_SESSION = "no session: "  # begins the reply where a server could not be used, before it heard of a recipient

# Refusals that our own server gives for whatever it relays, rather than the receiving domain.
_BY_OUR_SERVER = frozenset({Cause.RELAY, Cause.SENDER, Cause.AUTHENTICATION, Cause.RATE})
# Another of our servers may accept what this one refuses.
_WORTH_ANOTHER_SERVER = _BY_OUR_SERVER | {Cause.CLIENT, Cause.UNKNOWN}

_GREYLISTED = re.compile(r"gr[ae]y.?list", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """`state`: sent, deferred, rejected or uncertain. `reply`: the server's text, or ours where it sent none.

    `status`: the enhanced code (RFC 3463) where the server gave one. `cause`: what a refusal is about, None for none.
    `refused`: the server refused this mail for good (5yz). `pause_domain`: refused for a reason that concerns us.
    `server_trouble`: our server failed, so the attempt does not count. `slow_down`: the domain asks for a lower rate.
    """

    state: str
    reply: str = ""
    status: str = ""
    cause: Cause | None = None
    refused: bool = False
    pause_domain: bool = False
    server_trouble: bool = False
    slow_down: bool = False

    @property
    def no_such_address(self) -> bool:
        """Rejected because the address does not exist."""
        return self.state == REJECTED and self.cause == Cause.ADDRESS

    @property
    def about_us(self) -> bool:
        """Refused or deferred for a reason that concerns us, not the subscriber."""
        return self.cause in refusal_cause.ABOUT_US

    @property
    def by_our_server(self) -> bool:
        """Refused by our own server rather than by the receiving domain."""
        return self.cause in _BY_OUR_SERVER

    @property
    def worth_another_server(self) -> bool:
        """Refused for a reason for which another of our servers may reply differently."""
        return self.refused and self.state == DEFERRED and self.cause in _WORTH_ANOTHER_SERVER


NOT_STARTED = SendOutcome(DEFERRED, "the sender's lease was not renewed in time; no content was sent")


def classify_reply(command: str, code: int, text: str, *, sender: str = "", recipient: str = "") -> SendOutcome:
    """Classify the reply to one of the four steps of a mail. An invalid reply to the content makes it uncertain.

    `code` below 200 stands for an invalid reply. `sender`, `recipient`: the addresses of the envelope.
    """
    reply = f"{code} {text}".strip()
    if code // 100 == 2 and command == CONTENT:
        return SendOutcome(SENT, reply, refusal_cause.find_status(text, code))
    if code // 100 in {4, 5}:
        return _classify_refusal(command, code, text, reply, names_sender=_names_sender(text, sender, recipient))
    if command == CONTENT:
        return SendOutcome(UNCERTAIN, reply)
    return SendOutcome(DEFERRED, reply, server_trouble=True)


def _names_sender(text: str, sender: str, recipient: str) -> bool:
    """True where the reply quotes our address or our domain, and not the recipient's address."""
    lower_text, ours, theirs = text.lower(), sender.lower(), recipient.lower()
    if not ours or (theirs and theirs in lower_text):
        return False
    domain = ours.rpartition("@")[2]
    other_domain = domain != theirs.rpartition("@")[2]
    return ours in lower_text or (
        other_domain and re.search(rf"@{re.escape(domain)}(?![\w.-])", lower_text) is not None
    )


def _classify_refusal(command: str, code: int, text: str, reply: str, *, names_sender: bool) -> SendOutcome:
    """Classify 4yz (try again) and 5yz (permanent). A refusal of MAIL FROM is never about the recipient."""
    refusal = refusal_cause.classify(text, code=code)
    cause, status = refusal.cause, refusal_cause.find_status(text, code)
    if cause not in refusal_cause.ABOUT_US and (names_sender or command == MAIL):
        cause = Cause.SENDER
    refused = code // 100 == 5
    if command == MAIL or (refused and code in refusal_cause.LOGIN_CODES):
        return SendOutcome(DEFERRED, reply, status, cause, refused=refused, server_trouble=True)
    if not refused:
        return SendOutcome(DEFERRED, reply, status, cause, slow_down=_asks_to_slow_down(code, reply, status))
    if cause in refusal_cause.ABOUT_SUBSCRIBER:
        return SendOutcome(REJECTED, reply, status, cause, refused=True)
    return SendOutcome(DEFERRED, reply, status, cause, refused=True, pause_domain=cause in refusal_cause.ABOUT_US)


def _asks_to_slow_down(code: int, reply: str, status: str) -> bool:
    """True for 421 and 4.7.x, which ask for a lower rate, unless the receiver is greylisting."""
    return (code == 421 or status.startswith("4.7.")) and not _GREYLISTED.search(reply)

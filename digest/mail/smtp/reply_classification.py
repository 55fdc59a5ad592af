"""What one try to send a mail came to. Pure: a server's reply, the command it answers, and what follows from both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.mail.smtp import refusal_classifier
from digest.mail.smtp.refusal_classifier import Cause
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN

MAIL, RCPT, DATA, CONTENT = "MAIL", "RCPT", "DATA", "CONTENT"

# Refusals that our own server gives for whatever it relays, rather than the receiving domain.
_BY_OUR_SERVER = frozenset({Cause.RELAY, Cause.SENDER, Cause.AUTHENTICATION, Cause.RATE})
# Another of our servers may take what this one refuses so.
_WORTH_ANOTHER_SERVER = _BY_OUR_SERVER | {Cause.CLIENT, Cause.UNKNOWN}

_GREYLISTED = re.compile(r"gr[ae]y.?list", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state`: sent, deferred, rejected or uncertain. `reply`: the server's own words, or ours where it said nothing.

    `status`: the enhanced code (RFC 3463) where the server gave one. `cause`: what a refusal is about, None for none.
    `refused`: the server said 'never' (5yz) to this mail. `pause_domain`: refused for what concerns us.
    `server_trouble`: our server is at fault, not this mail; the try doesn't count. `slow_down`: the domain wants less.
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
        """Refused, or put off, for what concerns us and not the subscriber."""
        return self.cause in refusal_classifier.ABOUT_US

    @property
    def by_our_server(self) -> bool:
        """Refused by our own server, for what it relays."""
        return self.cause in _BY_OUR_SERVER

    @property
    def worth_another_server(self) -> bool:
        """Refused in a way in which another of our servers may answer differently."""
        return self.refused and self.state == DEFERRED and self.cause in _WORTH_ANOTHER_SERVER


NOT_STARTED = Outcome(DEFERRED, "the sender's lease was not renewed in time; nothing was handed over")


def judged(command: str, code: int, text: str, *, sender: str = "", recipient: str = "") -> Outcome:
    """What a reply to one of the four steps of a mail means. A reply that is no reply is uncertain after the content.

    `code` below 200 stands for an unreadable answer. `sender`, `recipient`: the addresses of the envelope.
    """
    words = f"{code} {text}".strip()
    if code // 100 == 2 and command == CONTENT:
        return Outcome(SENT, words, refusal_classifier.find_status(text, code))
    if code // 100 in {4, 5}:
        return _not_taken(command, code, text, words, names_sender=_names_sender(text, sender, recipient))
    if command == CONTENT:
        return Outcome(UNCERTAIN, words)
    return Outcome(DEFERRED, words, server_trouble=True)


def _names_sender(text: str, sender: str, recipient: str) -> bool:
    """True where the reply quotes our address, or our domain, and not the recipient's address."""
    words, ours, theirs = text.lower(), sender.lower(), recipient.lower()
    if not ours or (theirs and theirs in words):
        return False
    domain = ours.rpartition("@")[2]
    other_domain = domain != theirs.rpartition("@")[2]
    return ours in words or (other_domain and re.search(rf"@{re.escape(domain)}(?![\w.-])", words) is not None)


def _not_taken(command: str, code: int, text: str, words: str, *, names_sender: bool) -> Outcome:
    """4yz: not now; 5yz: never. A refusal of MAIL FROM is never about the recipient."""
    found = refusal_classifier.classify(text, code=code)
    cause, status = found.cause, refusal_classifier.find_status(text, code)
    if cause not in refusal_classifier.ABOUT_US and (names_sender or command == MAIL):
        cause = Cause.SENDER
    refused = code // 100 == 5
    if command == MAIL or (refused and code in refusal_classifier.LOGIN_CODES):
        return Outcome(DEFERRED, words, status, cause, refused=refused, server_trouble=True)
    if not refused:
        return Outcome(DEFERRED, words, status, cause, slow_down=_too_fast(code, words, status))
    if cause in refusal_classifier.ABOUT_SUBSCRIBER:
        return Outcome(REJECTED, words, status, cause, refused=True)
    return Outcome(DEFERRED, words, status, cause, refused=True, pause_domain=cause in refusal_classifier.ABOUT_US)


def _too_fast(code: int, words: str, status: str) -> bool:
    """421 and 4.7.x mean 'less, please', but where a receiver only waits for a second try."""
    return (code == 421 or status.startswith("4.7.")) and not _GREYLISTED.search(words)

"""What one try to send a mail came to. Pure: a server's reply, the command it answers, and what follows from both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN

MAIL, RCPT, DATA, CONTENT = "MAIL", "RCPT", "DATA", "CONTENT"

# RFC 3463: the receiver's address is wrong (.1 .2 .3 .4 .6) or its domain takes no mail (RFC 7505: .10)
NO_SUCH_ADDRESS = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10"})
OUR_ADDRESS = frozenset({"5.1.7", "5.1.8"})  # the sender's address is wrong: no reader's fault

_GREYLISTED = re.compile(r"gr[ae]y.?list", re.IGNORECASE)
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state`: sent, deferred, rejected or uncertain. `reply`: the server's own words, or ours where it said nothing.

    `status`: the enhanced code (RFC 3463) where the server gave one. `pause_domain`: refused by policy (5.7.x).
    `server_trouble`: our server is at fault, not this mail; the try doesn't count. `slow_down`: the domain wants less.
    """

    state: str
    reply: str = ""
    status: str = ""
    pause_domain: bool = False
    server_trouble: bool = False
    slow_down: bool = False

    @property
    def no_such_address(self) -> bool:
        """Rejected because the address does not exist."""
        return self.state == REJECTED and self.status in NO_SUCH_ADDRESS


NOT_STARTED = Outcome(DEFERRED, "the sender's lease was not renewed in time; nothing was handed over")


def judged(command: str, code: int, text: str) -> Outcome:
    """What a reply to one of the four steps of a mail means. A reply that is no reply is uncertain after the content.

    `code` below 200 stands for an unreadable answer.
    """
    words, status = f"{code} {text}".strip(), _status(text)
    if code // 100 == 2 and command == CONTENT:
        return Outcome(SENT, words, status)
    if code // 100 == 4:
        if command == MAIL:
            return Outcome(DEFERRED, words, status, server_trouble=True)
        return Outcome(DEFERRED, words, status, slow_down=_too_fast(code, words, status))
    if code // 100 == 5:
        return _refused(command, words, status)
    if command == CONTENT:
        return Outcome(UNCERTAIN, words)
    return Outcome(DEFERRED, words, server_trouble=True)


def _too_fast(code: int, words: str, status: str) -> bool:
    """421 and 4.7.x mean 'less, please', but where a receiver only waits for a second try."""
    return (code == 421 or status.startswith("4.7.")) and not _GREYLISTED.search(words)


def _refused(command: str, words: str, status: str) -> Outcome:
    if command == MAIL or status in OUR_ADDRESS:
        return Outcome(DEFERRED, words, status, server_trouble=True)
    if status.startswith("5.7."):
        return Outcome(DEFERRED, words, status, pause_domain=True)
    return Outcome(REJECTED, words, status)


def _status(text: str) -> str:
    found = _ENHANCED.match(text)
    return found[1] if found else ""

"""What a bounce report's status and words amount to: the kind of bounce."""

from __future__ import annotations

import re

from digest.mail.bounces.bounce_kinds import HARD, POLICY, SOFT
from digest.mail.bounces.reply_patterns import FAILURE
from digest.mail.smtp import refusal_classifier
from digest.mail.smtp.refusal_classifier import Cause, Refusal

MOST_WORDS = 300

# A code begins its field: 5.1.1.3 is an address.
_FIELD = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_FIELD = re.compile(r"([45])[0-5]\d(?=[ -](?!\d*\.\d))")
_CODED_LINE = re.compile(r"(?<![\w.:])[45][0-5]\d[ -](?!\d)|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
# How Postfix, Exim, DMA and others say which command was refused.
_SENDER_STAGE = re.compile(
    r"(?:in reply to|after|did not like our|response to) (?:pipelined |end of )?"
    r"(?:mail from|ehlo|helo|initial connection|banner|greeting|starttls|auth)\b"
)
# Headers of the mail that could not be delivered: its subject is no reason.
_QUOTED_HEADER = re.compile(
    r"^\W*(?:subject|from|to|cc|date|sent|message-id|x-[\w-]+): .*$", re.MULTILINE | re.IGNORECASE
)
_TELLING = frozenset({Cause.ADDRESS, Cause.MAILBOX, Cause.RELAY, Cause.CONTENT, Cause.NETWORK})


def in_field(value: str) -> str:
    """The code that a Status field begins with, also where it holds a reply code; '' for none."""
    found = _FIELD.match(value)
    if found:
        return ".".join(found.groups())
    reply = _REPLY_FIELD.match(value.strip() + " ")
    return f"{reply[1]}.0.0" if reply else ""


def settle(code: str, text: str, *, temporary: bool) -> Refusal:
    """The refusal that a report tells of: its Status field ('' for none) and the server's words."""
    if refused_stage(text):
        return _before_recipient(text, code)
    text = _QUOTED_HEADER.sub("", text)
    stated = _statements(text)
    found = refusal_classifier.classify(stated, code=refusal_classifier.find_code(stated), status=code)
    if found.cause == Cause.UNKNOWN and len(stated) < len(text):
        found = refusal_classifier.classify(text, code=refusal_classifier.find_code(text), status=found.status)
    if found.status:
        return Refusal(found.cause, f"4{found.status[1:]}" if temporary else found.status)
    reply = refusal_classifier.find_code(text)
    return Refusal(found.cause, f"{'4' if temporary else '5'}.0.0" if reply else "")


def refused_stage(text: str) -> str:
    """How the text says that the greeting or MAIL FROM was refused; '' where it does not."""
    found = _SENDER_STAGE.search(" ".join(text[: refusal_classifier.MOST_TEXT].lower().split()))
    return found[0] if found else ""


def _before_recipient(text: str, code: str) -> Refusal:
    """A refusal of the greeting or of MAIL FROM: whatever it says, it is not about the recipient."""
    found = refusal_classifier.classify(_statements(text), code=refusal_classifier.find_code(text), status=code)
    if found.cause in refusal_classifier.ABOUT_US or found.cause in {Cause.NETWORK, Cause.SYSTEM}:
        return found
    return Refusal(Cause.SENDER, found.status if found.status.startswith("5.7.") else "5.1.8")


def _statements(text: str) -> str:
    """The lines of a report that quote a server: those with a code, and their neighbours; all where none has one."""
    lines = text.splitlines()
    places = [place for place, line in enumerate(lines) if _CODED_LINE.search(line)]
    chosen = sorted({near for place in places for near in (place - 1, place, place + 1) if 0 <= near < len(lines)})
    return "\n".join(lines[place] for place in chosen) or text


def tells_failure(text: str) -> bool:
    """True where the words speak of a mail that did not arrive."""
    return bool(FAILURE.search(text)) or refusal_classifier.cause_of_words(text) in _TELLING


def kind(cause: Cause, *, temporary: bool) -> str:
    """Only a missing address is hard. What concerns us is policy; all else, and what is still tried, is soft."""
    if temporary:
        return SOFT
    if cause == Cause.ADDRESS:
        return HARD
    return POLICY if cause in refusal_classifier.ABOUT_US else SOFT


def shown(text: str) -> str:
    """The beginning of a report's words, in one line."""
    return " ".join(text.split())[:MOST_WORDS]

"""What a bounce report's status and words amount to: the kind of bounce."""

from __future__ import annotations

import re

from digest.mail.bounces.bounce_kinds import HARD, POLICY, SOFT
from digest.mail.bounces.reply_patterns import FAILURE, RETURNED
from digest.mail.smtp import refusal_classifier
from digest.mail.smtp.refusal_classifier import Cause, Refusal

MAX_EXCERPT = 300

# A code begins its field: 5.1.1.3 is an address.
_FIELD = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_FIELD = re.compile(r"([45])[0-5]\d(?=[ -](?!\d*\.\d))")
_CODED_LINE = re.compile(r"(?<![\w.:])[45][0-5]\d[ -](?!\d)|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
# How Postfix, Exim, DMA and others say which command was refused.
_SENDER_STAGE = re.compile(
    r"(?:in reply to|after|did not like our|response to|error following) (?:pipelined |end of )?"
    r"(?:mail from|ehlo|helo|initial connection|banner|greeting|starttls|auth)\b|"
    r"but (?:my name|(?:the )?sender) was rejected|rejected sender <"
)
# Headers of the mail that could not be delivered: its subject is no reason.
_QUOTED_HEADER = re.compile(
    r"^\W*(?:subject|from|to|cc|date|sent|message-id|x-[\w-]+): .*$", re.MULTILINE | re.IGNORECASE
)
_ADDRESS_LINE = re.compile(
    r"^[ \t*>-]{0,20}[<\"']?([^\s<>\"':;,()@]{1,64}@[\w.-]{1,253}\w)[>\"']?(?=[ \t]*(?:$|[:;,(]|\.\.\.|<))",
    re.MULTILINE,
)
# "550 <ada@one.example>... User unknown"
_TRANSCRIPT_LINE = re.compile(
    r"^[45][0-5]\d (?:[45]\.\d{1,3}\.\d{1,3} )?<?([^\s<>@]{1,64}@[\w.-]{1,254})>?\.\.\. .*$", re.MULTILINE
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
    found = _SENDER_STAGE.search(" ".join(text[: refusal_classifier.MAX_TEXT].lower().split()))
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


def said(text: str) -> str:
    """The server's words, without the message that it returns below them."""
    found = RETURNED.search(text)
    return text[: found.start()] if found and found.start() > 40 else text


def section(text: str, recipient: str) -> str:
    """What a report's text says of one recipient: from each line that begins with the address to the next address."""
    return "\n".join(body for address, body in _sections(text) if address == recipient.lower())


def _sections(text: str) -> list[tuple[str, str]]:
    """The text cut at the lines that begin with an address: each address in lower case, and what follows it."""
    found = list(_ADDRESS_LINE.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)] * bool(found)
    return [(match[1].lower(), text[match.end() : end]) for match, end in zip(found, ends, strict=True)]


def transcript(text: str) -> list[tuple[str, str]]:
    """The recipients of a Sendmail transcript, each with the part of the dialogue that its line closes."""
    found = list(_TRANSCRIPT_LINE.finditer(text)) if "Transcript of session" in text else []
    begins = [0] + [match.end() for match in found[:-1]]
    return [(match[1], text[begin : match.end()]) for begin, match in zip(begins, found, strict=False)]


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
    return " ".join(text.split())[:MAX_EXCERPT]

"""The refusal that a report states: its enhanced status, its stage and its cause, from the report's fields and text."""

from __future__ import annotations

import re

from digest.mail.bounces.report_wording import FAILURE, RETURNED
from digest.mail.smtp import refusal_cause
from digest.mail.smtp.refusal_cause import Cause, Refusal

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
# Headers of the returned mail: its subject must not count as a reason.
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
_FAILURE_CAUSES = frozenset({Cause.ADDRESS, Cause.MAILBOX, Cause.RELAY, Cause.CONTENT, Cause.NETWORK})


def parse_status_field(value: str) -> str:
    """The status at the start of a Status field, which may hold a reply code instead; '' for none."""
    match = _FIELD.match(value)
    if match:
        return ".".join(match.groups())
    reply = _REPLY_FIELD.match(value.strip() + " ")
    return f"{reply[1]}.0.0" if reply else ""


def resolve_refusal(code: str, text: str, *, temporary: bool) -> Refusal:
    """Classify the refusal of a report by its Status field ('' for none) and the server's text."""
    if refused_stage(text):
        return _before_recipient(text, code)
    text = _QUOTED_HEADER.sub("", text)
    statements = _statements(text)
    refusal = refusal_cause.classify(statements, code=refusal_cause.find_code(statements), status=code)
    if refusal.cause == Cause.UNKNOWN and len(statements) < len(text):
        refusal = refusal_cause.classify(text, code=refusal_cause.find_code(text), status=refusal.status)
    if refusal.status:
        return Refusal(refusal.cause, f"4{refusal.status[1:]}" if temporary else refusal.status)
    reply = refusal_cause.find_code(text)
    return Refusal(refusal.cause, f"{'4' if temporary else '5'}.0.0" if reply else "")


def refused_stage(text: str) -> str:
    """The phrase that says that the greeting or MAIL FROM was refused; '' if there is none."""
    match = _SENDER_STAGE.search(" ".join(text[: refusal_cause.MAX_TEXT].lower().split()))
    return match[0] if match else ""


def _before_recipient(text: str, code: str) -> Refusal:
    """Classify a refusal of the greeting or of MAIL FROM, which is never about the recipient."""
    refusal = refusal_cause.classify(_statements(text), code=refusal_cause.find_code(text), status=code)
    if refusal.cause in refusal_cause.ABOUT_US or refusal.cause in {Cause.NETWORK, Cause.SYSTEM}:
        return refusal
    return Refusal(Cause.SENDER, refusal.status if refusal.status.startswith("5.7.") else "5.1.8")


def _statements(text: str) -> str:
    """The lines of a report that quote a server: those with a code and the adjacent ones; all lines if none has one."""
    lines = text.splitlines()
    places = [place for place, line in enumerate(lines) if _CODED_LINE.search(line)]
    selected = sorted({near for place in places for near in (place - 1, place, place + 1) if 0 <= near < len(lines)})
    return "\n".join(lines[place] for place in selected) or text


def without_returned_message(text: str) -> str:
    """The server's text, without the returned message below it."""
    match = RETURNED.search(text)
    return text[: match.start()] if match and match.start() > 40 else text


def section_for(text: str, recipient: str) -> str:
    """The parts of a text about one recipient: from a line that begins with the address to the next address."""
    return "\n".join(body for address, body in _sections(text) if address == recipient.lower())


def _sections(text: str) -> list[tuple[str, str]]:
    """Split the text at lines that begin with an address: each address in lower case, with the text after it."""
    matches = list(_ADDRESS_LINE.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)] * bool(matches)
    return [(match[1].lower(), text[match.end() : end]) for match, end in zip(matches, ends, strict=True)]


def transcript(text: str) -> list[tuple[str, str]]:
    """The recipients of a Sendmail transcript, each with the part of the dialogue that ends with its line."""
    matches = list(_TRANSCRIPT_LINE.finditer(text)) if "Transcript of session" in text else []
    begins = [0] + [match.end() for match in matches[:-1]]
    return [(match[1], text[begin : match.end()]) for begin, match in zip(begins, matches, strict=False)]


def mentions_failure(text: str) -> bool:
    """True where the text is about a mail that did not arrive."""
    return bool(FAILURE.search(text)) or refusal_cause.cause_of_words(text) in _FAILURE_CAUSES


def excerpt(text: str) -> str:
    """The beginning of a report's text, in one line."""
    return " ".join(text.split())[:MAX_EXCERPT]

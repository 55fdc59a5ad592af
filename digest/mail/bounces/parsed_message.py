"""Parses a raw message within limits on its size, parts and line length; the rest is ignored."""

from __future__ import annotations

import email
import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property

# What Python's parser and flufl.bounce raise for messages that are damaged in one way or another
MESSAGE_PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)
MAX_BYTES = 256 * 1024
MAX_LINE = 1000
MAX_VALUE = 2000
MAX_TEXT = 16 * 1024
MAX_PARTS = 60
MAX_DEPTH = 20

_LONG_LINE = re.compile(rb"([^\r\n]{%d})(?=[^\r\n])" % MAX_LINE)
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_ANGLED = re.compile(r"<\s*([^<>\s]*)\s*>")
_BARE = re.compile(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+")
_TAG = re.compile(r"<[^<>]{0,500}>")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/td|/li|/h\d)\b[^<>]{0,100}>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script|title)\b[^<]{0,4000}</\1\s*>", re.IGNORECASE)
_CHARSET = re.compile(
    r"(utf-?8|us-ascii|iso-8859-\d+|iso-2022-\w+|windows-\d+|cp\d+|koi8-\w|gb\w+|big5|euc-\w+|shift_jis)"
)


@dataclass(frozen=True)
class ParsedMessage:
    """A parsed message. Its `raw` bytes are cut at `MAX_BYTES`, and long lines are broken."""

    raw: bytes
    message: Message

    def header(self, name: str) -> str:
        """The first header of that name, decoded, in one line; '' if there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """All headers of that name, decoded, each in one line."""
        return [decode_header_value(value) for value in self.message.get_all(name, [])[:20]]

    @cached_property
    def sender(self) -> str:
        """The address of From in lower case; '' if there is none."""
        return extract_address(self.header("From")).lower()

    @cached_property
    def type(self) -> str:
        """The content type, in lower case."""
        return str(self.message.get_content_type())

    @cached_property
    def parts(self) -> tuple[Message, ...]:
        """The leaf parts of the message, without those inside an attached message."""
        return tuple(_leaves(self.message))

    def part(self, *types: str) -> Message | None:
        """The first part of one of these types."""
        return next((part for part in self.parts if part.get_content_type() in types), None)

    @cached_property
    def text(self) -> str:
        """The text of the message, without that of a returned message; cut at `MAX_TEXT`."""
        joined_text = ""
        for part in self.parts:
            if part.get_content_type() in {"text/plain", "text/html"}:
                joined_text += _part_text(part) + "\n"
            if len(joined_text) > MAX_TEXT:
                break
        return joined_text[:MAX_TEXT]

    @cached_property
    def json_text(self) -> str:
        """The whole first part of text or JSON; '' for none."""
        part = self.part("text/plain", "application/json", "text/json")
        return _part_text(part) if part is not None else ""


def parse_message(raw: bytes) -> ParsedMessage:
    """Parse a message. Raises one of MESSAGE_PARSER_ERRORS."""
    bounded = _LONG_LINE.sub(rb"\1\n", raw[:MAX_BYTES])
    if len(_BOUNDARY.findall(bounded)) > MAX_PARTS:
        raise ValueError("too many nested parts")
    return ParsedMessage(bounded, email.message_from_bytes(bounded))


def decode_header_value(value: object) -> str:
    """Decode a header value: encoded-words decoded, white space collapsed, cut at `MAX_VALUE`."""
    text = str(value)[:MAX_VALUE]
    if "=?" in text:
        with suppress(MessageError, LookupError, ValueError):  # a broken encoded word stays as it is
            text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def extract_address(value: str) -> str:
    """The address in a header's value, as written; '' for none and for `<>`."""
    angled = _ANGLED.findall(value)
    if angled:
        return angled[-1] if "@" in angled[-1] else ""
    bare_address = _BARE.search(value)
    return bare_address[0] if bare_address else ""


def _leaves(message: Message, depth: int = 0) -> Iterator[Message]:
    """The leaf parts in order; an attached message and the fields of a report are one leaf."""
    parts = message.get_payload()
    if message.get_content_maintype() != "multipart" or not isinstance(parts, list) or depth > MAX_DEPTH:
        yield message
        return
    for part in parts[:MAX_PARTS]:
        if isinstance(part, Message):
            yield from _leaves(part, depth + 1)


def _part_text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = str(part.get_content_charset("utf-8"))
    codec = charset if _CHARSET.fullmatch(charset) else "latin-1"
    try:
        text = content[: 4 * MAX_TEXT].decode(codec, "replace")
    except LookupError:
        text = content[: 4 * MAX_TEXT].decode("latin-1")
    return _strip_tags(text) if part.get_content_type() == "text/html" else text


def _strip_tags(text: str) -> str:
    visible_html = _BREAK.sub("\n", _HIDDEN.sub(" ", text))
    return html.unescape(_TAG.sub(" ", visible_html)).replace("\xa0", " ")

"""Builds the bytes of a mail exactly as they go over the wire; no other code serialises them again."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from digest.compose.email.template_context import Pieces, RenderedMail
from digest.mail.mime.quoted_printable import (
    EncodedPieces,
    encode_body,
    mailbox_header,
    structured_header,
    unstructured_header,
)
from digest.signing import keyed_hash

PERSONAL = "personal"  # a mail that its recipient's own job sends (`digest mail`): there is no list to leave
TRANSACTIONAL = frozenset(
    {"confirmation", "link", "account-link", "new-address", "moved", "sign-in", "alarm", "test", "run-report", PERSONAL}
)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Sender, Reply-To, list, run and date are the same in many mails, so their header lines are cached.
_cached_mailbox, _cached_structured = lru_cache(maxsize=64)(mailbox_header), lru_cache(maxsize=256)(structured_header)
_URL = re.compile(r"(?:https?://|mailto:)[!#-;=?-Z\[\]_a-z~]+")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header fields of a mail, beside its content.

    `sender` and `reply_to` are (display name, address); `date` is aware; `list_id` is a domain name such as
    `papers.example.org`. List fields are None where a page or an inbox does not exist; transactional mails never
    carry them. `feedback_id` holds ids and kinds, no addresses.
    """

    kind: str
    sender: tuple[str, str]
    to: str
    message_id: str
    date: datetime
    list_id: str = ""
    reply_to: tuple[str, str] | None = None
    unsubscribe_url: str | None = None
    unsubscribe_mailto: str | None = None
    archive_url: str | None = None
    help_url: str | None = None
    feedback_id: str | None = None

    @property
    def transactional(self) -> bool:
        """True for a mail that answers a request of its recipient, or of an administrator."""
        return self.kind in TRANSACTIONAL


def build_message(rendered: RenderedMail, envelope: Envelope, encoded_pieces: EncodedPieces | None = None) -> bytes:
    """Return the whole unsigned message: ASCII headers, text part, HTML part. Raises ValueError for an invalid header.

    The same inputs give the same bytes, so a second attempt sends the same mail. Pass the same `encoded_pieces` for
    mails that share text, such as those of a day.
    """
    encoded_pieces = EncodedPieces() if encoded_pieces is None else encoded_pieces
    boundary = "=_" + hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]
    return b"".join(
        [
            *_headers(rendered, envelope),
            f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode("ascii"),
            *_part(boundary, "plain", rendered.text_pieces, encoded_pieces),
            *_part(boundary, "html", rendered.html_pieces, encoded_pieces),
            f"--{boundary}--\r\n".encode("ascii"),
        ]
    )


def _headers(rendered: RenderedMail, envelope: Envelope) -> list[bytes]:
    """All headers but Content-Type, in order."""
    headers = [
        _cached_mailbox("From", *envelope.sender),
        mailbox_header("To", "", envelope.to),
        unstructured_header("Subject", rendered.subject),
        _cached_structured("Date", date_header(envelope.date)),
        structured_header("Message-ID", envelope.message_id),
        b"MIME-Version: 1.0\r\n",
        b"Auto-Submitted: auto-generated\r\n",
    ]
    if envelope.reply_to:
        headers.append(_cached_mailbox("Reply-To", *envelope.reply_to))
    return headers + ([] if envelope.transactional else _list_headers(envelope))


def _list_headers(envelope: Envelope) -> list[bytes]:
    """List headers, which mailbox providers use to sort, unsubscribe and report (RFC 2369, 2919, 8058)."""
    if not envelope.unsubscribe_url:
        raise ValueError("a mail to a list needs an unsubscribe URL")
    unsubscribe_uris = [f"<{_uri('List-Unsubscribe', envelope.unsubscribe_url)}>"]
    if envelope.unsubscribe_mailto:
        unsubscribe_uris.append(f"<{_uri('List-Unsubscribe', envelope.unsubscribe_mailto)}>")
    headers = [
        _cached_structured("List-Id", f"<{envelope.list_id}>"),
        structured_header("List-Unsubscribe", ", ".join(unsubscribe_uris)),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"Precedence: bulk\r\n",
    ]
    for name, url in (("List-Archive", envelope.archive_url), ("List-Help", envelope.help_url)):
        if url:
            headers.append(_cached_structured(name, f"<{_uri(name, url)}>"))
    if envelope.feedback_id:
        headers.append(_cached_structured("Feedback-ID", envelope.feedback_id))
    return headers


def _uri(name: str, url: str) -> str:
    """Return the URL if it may stand between angle brackets. Raises ValueError."""
    if not _URL.fullmatch(url):
        raise ValueError(f"{name} needs a URL of printable ASCII without blanks")
    return url


def _part(boundary: str, subtype: str, pieces: Pieces, encoded_pieces: EncodedPieces) -> list[bytes]:
    """One alternative part with its headers."""
    headers = f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n".encode("ascii")
    return [headers, b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", encode_body(pieces, encoded_pieces)]


@lru_cache(maxsize=256)
def date_header(at: datetime) -> str:
    """Format a Date header (RFC 5322), with a numeric zone. Raises ValueError for a naive datetime."""
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("the date of a mail needs a time zone")
    minutes = int(offset.total_seconds()) // 60
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04} {at.isoformat()[11:19]} {zone}"


def return_path(bounce_address: str, delivery_id: int, key: str) -> str:
    """The return path of one delivery, `bounce+<id>-<stamp>@domain`; the stamp keeps strangers from forging it."""
    local, _, domain = bounce_address.partition("@")
    return f"{local}+{delivery_id}-{keyed_hash(key, 'verp', str(delivery_id), length=10)}@{domain}"


def parse_return_path(address: str, key: str) -> int | None:
    """The delivery id of a return path, or None where the path is not ours. Receivers may change its case."""
    match = re.fullmatch(r"[^@\s]{1,64}?\+(\d{1,18})-([a-z2-7]{10})@[^@\s]{1,255}", address.strip("<> ").lower())
    if not match:
        return None
    expected = keyed_hash(key, "verp", str(int(match[1])), length=10)
    return int(match[1]) if hmac.compare_digest(expected, match[2]) else None

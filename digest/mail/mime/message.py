"""The bytes of a mail, exactly as they go over the wire. Written here once; nothing serialises them again."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from digest.compose.email.template_context import Pieces, Rendered
from digest.mail.mime.quoted_printable import body, mailbox, structured, unstructured
from digest.signing import stamp

TRANSACTIONAL = frozenset({"confirmation", "link", "account-link", "new-address", "moved", "sign-in", "alarm", "test"})

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# who sends, who reads replies, which list and which run it is, and when, is the same for many
_ours, _same = lru_cache(maxsize=64)(mailbox), lru_cache(maxsize=256)(structured)
_URL = re.compile(r"(?:https?://|mailto:)[!#-;=?-Z\[\]_a-z~]+")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a mail says about itself, beside its content.

    `sender` and `reply_to` are (display name, address); `date` is aware; `list_id` is a domain name such as
    `papers.example.org`. Lists' fields are None where a page or an inbox does not exist; mails of a transactional
    kind never carry them. `feedback_id` is opaque to readers: ids and kinds, no addresses.
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
        """True for a mail that answers its reader's own request, or an administrator's."""
        return self.kind in TRANSACTIONAL


def build(rendered: Rendered, envelope: Envelope) -> bytes:
    """The whole message, unsigned: ASCII headers, text first, then HTML. Raises ValueError on a header it can't write.

    The same inputs give the same bytes, so a second attempt sends the same mail.
    """
    boundary = "=_" + hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]
    return b"".join(
        [
            *_headers(rendered, envelope),
            f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode("ascii"),
            *_part(boundary, "plain", rendered.text_pieces),
            *_part(boundary, "html", rendered.html_pieces),
            f"--{boundary}--\r\n".encode("ascii"),
        ]
    )


def _headers(rendered: Rendered, envelope: Envelope) -> list[bytes]:
    """All headers but the content's type, in their order."""
    headers = [
        _ours("From", *envelope.sender),
        mailbox("To", "", envelope.to),
        unstructured("Subject", rendered.subject),
        _same("Date", date_line(envelope.date)),
        structured("Message-ID", envelope.message_id),
        b"MIME-Version: 1.0\r\n",
        b"Auto-Submitted: auto-generated\r\n",
    ]
    if envelope.reply_to:
        headers.append(_ours("Reply-To", *envelope.reply_to))
    return headers + ([] if envelope.transactional else _list_headers(envelope))


def _list_headers(envelope: Envelope) -> list[bytes]:
    """What mailboxes use to sort, to stop and to complain (RFC 2369, 2919, 8058)."""
    if not envelope.unsubscribe_url:
        raise ValueError("a list's mail needs an unsubscribe address")
    ways = [f"<{_uri('List-Unsubscribe', envelope.unsubscribe_url)}>"]
    if envelope.unsubscribe_mailto:
        ways.append(f"<{_uri('List-Unsubscribe', envelope.unsubscribe_mailto)}>")
    headers = [
        _same("List-Id", f"<{envelope.list_id}>"),
        structured("List-Unsubscribe", ", ".join(ways)),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"Precedence: bulk\r\n",
    ]
    for name, url in (("List-Archive", envelope.archive_url), ("List-Help", envelope.help_url)):
        if url:
            headers.append(_same(name, f"<{_uri(name, url)}>"))
    if envelope.feedback_id:
        headers.append(_same("Feedback-ID", envelope.feedback_id))
    return headers


def _uri(name: str, url: str) -> str:
    """The address, if it can stand between angle brackets. Raises ValueError."""
    if not _URL.fullmatch(url):
        raise ValueError(f"{name} needs an address of printable ASCII without blanks")
    return url


def _part(boundary: str, subtype: str, pieces: Pieces) -> list[bytes]:
    """One alternative with its own small head."""
    head = f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n".encode("ascii")
    return [head, b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", body(pieces)]


@lru_cache(maxsize=256)
def date_line(at: datetime) -> str:
    """RFC 5322's date, with a numeric zone. Raises ValueError for a naive one."""
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("a mail's date needs its zone")
    minutes = int(offset.total_seconds()) // 60
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04} {at.isoformat()[11:19]} {zone}"


def verp(bounce_address: str, delivery_id: int, key: str) -> str:
    """The return path of one delivery, `bounce+<id>-<stamp>@domain`, signed so that no stranger can report it."""
    local, _, domain = bounce_address.partition("@")
    return f"{local}+{delivery_id}-{stamp(key, 'verp', str(delivery_id), length=10)}@{domain}"


def read_verp(address: str, key: str) -> int | None:
    """The delivery that a return path names; None where it is not one of ours. Receivers may change its case."""
    found = re.fullmatch(r"[^@\s]{1,64}?\+(\d{1,18})-([a-z2-7]{10})@[^@\s]{1,255}", address.strip("<> ").lower())
    if not found:
        return None
    expected = stamp(key, "verp", str(int(found[1])), length=10)
    return int(found[1]) if hmac.compare_digest(expected, found[2]) else None

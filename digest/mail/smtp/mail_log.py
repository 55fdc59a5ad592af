"""Reads which of our mails a mail server accepted from its log, from JSON lines, or from a plain list.

Postfix, Exim and OpenSMTPD log a mail in several lines that share a queue id; this joins them. A mail that the server
took over counts as sent, whatever became of it there: the server retries it or returns a report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MAX_LINE = 8192  # characters that are read of a line
MAX_SAMPLES = 5
_FUTURE_MARGIN = timedelta(days=1)  # a syslog date without a year that lies further ahead is of last year

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z| ?[+-]\d\d:?\d\d)?")
_SYSLOG_TIME = re.compile(r"([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d:\d\d:\d\d)\b")
_ADDRESS = re.compile(r"[^\s<>@,;\"]{1,64}@[^\s<>@,;\"]{1,255}")

_POSTFIX_ID = re.compile(r"postfix[\w/-]*/cleanup\[\d+\]: (\w{5,20}): message-id=(<[^>\s]{3,300}>)")
_POSTFIX_RECIPIENT = re.compile(r"postfix[\w/-]*\[\d+\]: (\w{5,20}): to=<([^>\s]{3,320})>.*?\bstatus=(\w+)")
_POSTFIX = re.compile(r"\bpostfix[\w/-]*\[\d+\]: ")
_EXIM_QUEUE_ID = r"([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})"
_EXIM_ARRIVAL = re.compile(rf"{_EXIM_QUEUE_ID} <= .*?\bid=(\S{{3,300}})")
_EXIM_RECIPIENT = re.compile(rf"{_EXIM_QUEUE_ID} (?:=>|->|==|\*\*) (?:[^<\s]* <)?([^\s<>]+@[^\s<>]+)")
_EXIM = re.compile(rf"\b{_EXIM_QUEUE_ID} ")
_OPENSMTPD_ENVELOPE = re.compile(r"\bsmtpd\[\d+\]: .*\benvelope evpid=\w+ from=<([^>\s]*)> to=<([^>\s]+)>")
_OPENSMTPD_DELIVERY = re.compile(
    r"\bsmtpd\[\d+\]: .*\bdelivery evpid=\w+ from=<([^>\s]*)> to=<([^>\s]+)>.*result=\"?Ok"
)
_OPENSMTPD = re.compile(r"\bsmtpd\[\d+\]: ")
_PLAIN = re.compile(r"^\s*(<[^>\s]{3,300}>)[\s,;]+(?:<?([^\s<>,;]+@[^\s<>,;]+)>?)(?:[\s,;]+(.+?))?\s*$")


@dataclass(frozen=True, slots=True)
class LoggedMail:
    """A mail that a server took over. It has a Message-ID or, where only that is logged, a return path."""

    recipient: str
    message_id: str = ""
    return_path: str = ""
    at: datetime | None = None


@dataclass(slots=True)
class MailLog:
    """The mails of a log. `unknown`: how many lines were not understood; `samples`: (line number, text) of a few."""

    mails: list[LoggedMail] = field(default_factory=list)
    lines: int = 0
    unknown: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)


class _QueueIds:
    """Joins the lines of a mail: the line with its Message-ID comes before those with its recipients."""

    def __init__(self) -> None:
        self._message_ids: dict[str, str] = {}

    def note(self, queue_id: str, message_id: str) -> Iterator[None]:
        """Remember the Message-ID of a queue id; a server uses a queue id again after a while."""
        self._message_ids[queue_id] = message_id
        yield None

    def mail(self, queue_id: str, recipient: str, at: datetime | None) -> LoggedMail | None:
        """The mail to this recipient, None where the log begins after its first line."""
        message_id = self._message_ids.get(queue_id)
        return LoggedMail(recipient, message_id, at=at) if message_id else None


def read_mail_log(lines: Iterable[str], *, now: datetime) -> MailLog:
    """All mails of a log, each once. `now`: for dates without a year; times without a zone are of this machine's."""
    log, queue_ids = MailLog(), _QueueIds()
    mails: dict[tuple[str, str, str], LoggedMail] = {}
    for number, line in enumerate(lines, start=1):
        text = line[:MAX_LINE].strip()
        if not text or text.startswith("#"):
            continue
        log.lines += 1
        understood = list(_read_line(text, queue_ids, now))
        if not understood and not _is_server_line(text):
            log.unknown += 1
            if len(log.samples) < MAX_SAMPLES:
                log.samples.append((number, text[:120]))
        for mail in filter(None, understood):
            mails.setdefault((mail.message_id, mail.return_path, mail.recipient), mail)
    log.mails = list(mails.values())
    return log


def _read_line(text: str, queue_ids: _QueueIds, now: datetime) -> Iterator[LoggedMail | None]:
    """What a line says: a mail, or None for a line that is understood and names none."""
    if text.startswith("{"):
        yield from _read_json(text)
    elif plain := _PLAIN.match(text):
        yield LoggedMail(plain[2], plain[1], at=_read_time(plain[3] or "", now))
    elif arrival := _POSTFIX_ID.search(text):
        yield from queue_ids.note(arrival[1], arrival[2])
    elif arrival := _EXIM_ARRIVAL.search(text):
        yield from queue_ids.note(arrival[1], f"<{arrival[2].strip('<>')}>")
    elif recipient := _POSTFIX_RECIPIENT.search(text) or _EXIM_RECIPIENT.search(text):
        yield queue_ids.mail(recipient[1], recipient[2], _read_time(text, now))
    elif envelope := _OPENSMTPD_ENVELOPE.search(text) or _OPENSMTPD_DELIVERY.search(text):
        yield LoggedMail(envelope[2], return_path=envelope[1], at=_read_time(text, now))


def _is_server_line(text: str) -> bool:
    """True for a line of a known mail server that names no mail, such as a connection."""
    return any(pattern.search(text) for pattern in (_POSTFIX, _EXIM, _OPENSMTPD))


def _read_json(text: str) -> Iterator[LoggedMail | None]:
    """An object with `message_id` and `recipient` (or `address`), perhaps `at` and `state`."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(row, dict):
        return
    message_id, recipient = row.get("message_id"), row.get("recipient") or row.get("address")
    if not isinstance(message_id, str) or not isinstance(recipient, str) or not _ADDRESS.fullmatch(recipient):
        return
    if row.get("state", "sent") == "sent":
        at = row.get("at")
        yield LoggedMail(recipient, message_id, at=_parse_iso(at) if isinstance(at, str) else None)
    else:
        yield None


def _read_time(text: str, now: datetime) -> datetime | None:
    """The first time in a line, in UTC; None where there is none."""
    if iso := _ISO_TIME.search(text):
        return _parse_iso(iso[0])
    syslog = _SYSLOG_TIME.search(text)
    if syslog is None:
        return None
    for year in (now.year + 1, now.year, now.year - 1):
        try:
            at = datetime.strptime(f"{year} {syslog[1]} {syslog[2]} {syslog[3]}", "%Y %b %d %H:%M:%S").astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if at <= now + _FUTURE_MARGIN:
            return at
    return None


def _parse_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

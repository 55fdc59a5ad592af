"""Reads which of our mails a mail server accepted from its log, from JSON lines, or from a plain list.

Postfix, Exim and OpenSMTPD log a mail in several lines that share a queue id; this joins them. A mail that the server
took over counts as sent, whatever became of it there: the server retries it or returns a report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MAX_LINE = 8192  # characters that are read of a line
MAX_SAMPLES = 5
_RECENT_MAILS = 10_000  # of others: a repeated attempt to send one of these counts once
_FUTURE_MARGIN = timedelta(days=1)  # a syslog date without a year that lies further ahead is of last year

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z| ?[+-]\d\d:?\d\d)?")
_SYSLOG_TIME = re.compile(r"([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d:\d\d:\d\d)\b")
_ADDRESS = re.compile(r"[^\s<>@,;\"]{1,64}@[^\s<>@,;\"]{1,255}")

_POSTFIX_ID = re.compile(r"postfix[\w/-]*/cleanup\[\d+\]: (\w{5,20}): message-id=(<[^>\s]{3,300}>)")
_POSTFIX_SENDER = re.compile(r"postfix[\w/-]*/n?qmgr\[\d+\]: (\w{5,20}): from=<([^>\s]{0,320})>")
_POSTFIX_END = re.compile(r"postfix[\w/-]*/n?qmgr\[\d+\]: (\w{5,20}): removed$")
_POSTFIX_RECIPIENT = re.compile(r"postfix[\w/-]*\[\d+\]: (\w{5,20}): to=<([^>\s]{3,320})>.*?\bstatus=(\w+)")
_POSTFIX = re.compile(r"\bpostfix[\w/-]*\[\d+\]: ")
_EXIM_QUEUE_ID = r"([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})"
_EXIM_ARRIVAL = re.compile(rf"{_EXIM_QUEUE_ID} <= (\S{{1,320}}) .*?\bid=(\S{{3,300}})")
_EXIM_END = re.compile(rf"{_EXIM_QUEUE_ID} Completed\b")
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
    """A mail that a server took over. It has a Message-ID or, where only that is logged, a return path.

    `sender`: the envelope sender beside a Message-ID, "" for the null sender; None where the log does not show it.
    `kind`: as a list made by hand says it, else "".
    """

    recipient: str
    message_id: str = ""
    return_path: str = ""
    at: datetime | None = None
    kind: str = ""
    sender: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class MailLog:
    """The relevant mails of a log, and about how many others there are.

    `unknown`: how many lines were not understood; `samples`: (line number, text) of a few.
    """

    mails: list[LoggedMail] = field(default_factory=list)
    irrelevant: int = 0
    lines: int = 0
    unknown: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)


_MailKey = tuple[str, str, str, str | None]


class _QueueIds:
    """Joins the lines of a mail: those with its Message-ID and sender come before those with its recipients."""

    def __init__(self) -> None:
        self._message_ids: dict[str, str] = {}
        self._senders: dict[str, str] = {}

    def note(self, queue_id: str, message_id: str) -> None:
        """Remember the Message-ID of a queue id; a server uses a queue id again after a while."""
        self.forget(queue_id)
        self._message_ids[queue_id] = message_id

    def note_sender(self, queue_id: str, sender: str) -> None:
        """Remember the envelope sender of a queue id."""
        if queue_id in self._message_ids:
            self._senders[queue_id] = sender.strip("<>")

    def forget(self, queue_id: str) -> None:
        """The server is done with this mail."""
        self._message_ids.pop(queue_id, None)
        self._senders.pop(queue_id, None)

    def mail(self, queue_id: str, recipient: str, at: datetime | None) -> LoggedMail | None:
        """The mail to this recipient, None where the log begins after its first line."""
        message_id = self._message_ids.get(queue_id)
        return LoggedMail(recipient, message_id, at=at, sender=self._senders.get(queue_id)) if message_id else None


def _any_mail(_: LoggedMail) -> bool:
    return True


def read_mail_log(
    lines: Iterable[str], *, now: datetime, is_relevant: Callable[[LoggedMail], bool] = _any_mail
) -> MailLog:
    """All relevant mails of a log, each once. `now`: for dates without a year; without a zone times are local."""
    log, queue_ids = MailLog(), _QueueIds()
    mails: dict[_MailKey, LoggedMail] = {}
    others: dict[_MailKey, None] = {}  # the newest ones: a server's log may hold millions
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
            key = mail.message_id, mail.return_path, mail.recipient, mail.sender
            if is_relevant(mail):
                mails.setdefault(key, mail)
            elif key not in others:
                others[key] = None
                log.irrelevant += 1
                if len(others) > _RECENT_MAILS:
                    del others[next(iter(others))]
    log.mails = list(mails.values())
    return log


def _read_line(text: str, queue_ids: _QueueIds, now: datetime) -> Iterator[LoggedMail | None]:
    """What a line says: a mail, or None for a line that is understood and names none."""
    if text.startswith("{"):
        yield from _read_json(text)
    elif plain := _PLAIN.match(text):
        yield LoggedMail(plain[2], plain[1], at=_read_time(plain[3] or "", now))
    elif _note_queue_id(text, queue_ids):
        yield None
    elif recipient := _POSTFIX_RECIPIENT.search(text) or _EXIM_RECIPIENT.search(text):
        yield queue_ids.mail(recipient[1], recipient[2], _read_time(text, now))
    elif envelope := _OPENSMTPD_ENVELOPE.search(text) or _OPENSMTPD_DELIVERY.search(text):
        yield LoggedMail(envelope[2], return_path=envelope[1], at=_read_time(text, now))


def _note_queue_id(text: str, queue_ids: _QueueIds) -> bool:
    """True for a line that only says which mail a queue id stands for, or that the server is done with it."""
    if arrival := _POSTFIX_ID.search(text):
        queue_ids.note(arrival[1], arrival[2])
    elif sender := _POSTFIX_SENDER.search(text):
        queue_ids.note_sender(sender[1], sender[2])
    elif arrival := _EXIM_ARRIVAL.search(text):
        queue_ids.note(arrival[1], f"<{arrival[3].strip('<>')}>")
        queue_ids.note_sender(arrival[1], arrival[2])
    elif end := _POSTFIX_END.search(text) or _EXIM_END.search(text):
        queue_ids.forget(end[1])
    else:
        return False
    return True


def _is_server_line(text: str) -> bool:
    """True for a line of a known mail server that names no mail, such as a connection."""
    return any(pattern.search(text) for pattern in (_POSTFIX, _EXIM, _OPENSMTPD))


def _read_json(text: str) -> Iterator[LoggedMail | None]:
    """An object with `message_id` or `return_path`, and `recipient` or `address`; perhaps `at`, `kind` and `state`."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(row, dict):
        return
    names = "message_id", "return_path", "kind", "at"
    values = {name: value for name in names if isinstance(value := row.get(name), str)}
    recipient = row.get("recipient") or row.get("address")
    if not isinstance(recipient, str) or not _ADDRESS.fullmatch(recipient):
        return
    if not values.get("message_id") and not values.get("return_path"):
        return
    if row.get("state", "sent") != "sent":
        yield None
        return
    at = _parse_iso(values["at"]) if "at" in values else None
    path, kind = values.get("return_path", ""), values.get("kind", "").lower()
    yield LoggedMail(recipient, values.get("message_id", ""), return_path=path, at=at, kind=kind)


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

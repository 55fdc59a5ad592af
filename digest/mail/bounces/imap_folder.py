"""Reads a folder of an IMAP server (RFC 3501, MOVE of RFC 6851, UIDPLUS of RFC 4315) and marks what was processed.

imaplib of the standard library is enough for these few commands and is no further dependency. No UID is stored between
two connections, so a changed UIDVALIDITY loses nothing: what was processed is marked on the server.
"""

from __future__ import annotations

import binascii
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from digest.errors import Misconfigured, Transient

PROCESSED_KEYWORD = "$PapersInboxProcessed"
TIMEOUT_SECONDS = 60.0  # of one answer
FLAG, MOVE, DELETE = "flag", "move", "delete"
TLS, STARTTLS, PLAIN = "tls", "starttls", "none"
DEFAULT_PORTS = {TLS: 993, STARTTLS: 143, PLAIN: 143}

_FAILURES = (imaplib.IMAP4.error, OSError, EOFError)
_FETCHED_UID = re.compile(rb"\bUID (\d{1,10})\b")


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where the folder is. `port`: 0 for the usual one. `processed`: FLAG, MOVE (to `archive`) or DELETE."""

    host: str
    user: str
    password: str
    port: int = 0
    security: str = TLS
    folder: str = "INBOX"
    processed: str = FLAG
    archive: str = "Processed"


@dataclass(frozen=True, slots=True)
class ImapMessage:
    """A message of the folder; `raw` is cut at the requested length."""

    uid: str
    raw: bytes


class ImapFolder:
    """An open folder. Raises Transient where the server does not do what it should."""

    def __init__(self, connection: imaplib.IMAP4, account: ImapAccount, *, has_keywords: bool) -> None:
        self._connection, self._account, self.has_keywords = connection, account, has_keywords
        self.uid_validity = _text(connection.response("UIDVALIDITY")[1])

    def unprocessed(self) -> list[str]:
        """The UIDs of messages that are not marked as processed, oldest first."""
        criteria = ["UNDELETED", *(["UNKEYWORD", PROCESSED_KEYWORD] if self.has_keywords else [])]
        lines = self._uid("SEARCH", *criteria)
        uids = b" ".join(line for line in lines if isinstance(line, bytes)).split()
        return sorted((uid.decode("ascii") for uid in uids if uid.isdigit()), key=int)

    def fetch(self, uids: Sequence[str], *, max_bytes: int) -> list[ImapMessage]:
        """The first `max_bytes` of these messages; those that are gone are left out. They stay unread.

        The UID may stand before or behind the text (RFC 3501, 7.4.2). Raises Transient where none came back.
        """
        messages = []
        items = self._uid("FETCH", ",".join(uids), f"(UID BODY.PEEK[]<0.{max_bytes}>)")
        for item, following in zip(items, [*items[1:], b""], strict=True):
            if isinstance(item, tuple):
                rest = following if isinstance(following, bytes) else b""
                match = _FETCHED_UID.search(item[0]) or _FETCHED_UID.search(rest)
                if match is not None:
                    messages.append(ImapMessage(match[1].decode("ascii"), bytes(item[1])[:max_bytes]))
        if uids and not messages:
            raise Transient("IMAP: FETCH returned none of the messages that SEARCH named")
        return messages

    def finish(self, uids: Sequence[str]) -> None:
        """Flag, move or delete messages that were processed."""
        if not uids:
            return
        if self._account.processed == DELETE:
            self._delete(uids)
        elif self._account.processed == MOVE:
            self._move(uids)
        else:
            self._uid("STORE", ",".join(uids), "+FLAGS.SILENT", f"({PROCESSED_KEYWORD} \\Seen)")

    def leave_for_person(self, uids: Sequence[str]) -> None:
        """Mark messages that are not ours, where the server has keywords; they stay unread where they are."""
        if uids and self.has_keywords:
            self._uid("STORE", ",".join(uids), "+FLAGS.SILENT", f"({PROCESSED_KEYWORD})")

    def _move(self, uids: Sequence[str]) -> None:
        target = _mailbox_argument(self._account.archive)
        if "MOVE" in self._connection.capabilities:
            self._uid("MOVE", ",".join(uids), target)
        else:
            self._uid("COPY", ",".join(uids), target)
            self._delete(uids)

    def _delete(self, uids: Sequence[str]) -> None:
        """Mark as deleted and remove these alone; without UIDPLUS their owner's mail program removes them."""
        self._uid("STORE", ",".join(uids), "+FLAGS.SILENT", "(\\Deleted)")
        if "UIDPLUS" in self._connection.capabilities:
            self._uid("EXPUNGE", ",".join(uids))

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        status, data = self._connection.uid(command, *arguments)
        if status != "OK":
            raise Transient(f"IMAP: {command} was refused: {_text(data)}")
        return [item for item in data if item is not None]


@contextmanager
def open_folder(account: ImapAccount, *, timeout: float = TIMEOUT_SECONDS) -> Iterator[ImapFolder]:
    """Connect, sign in and open the folder. Raises Misconfigured for a refused password or folder, Transient.

    `timeout`: seconds for each answer.
    """
    try:
        connection = _connect(account, timeout)
    except _FAILURES as error:
        raise Transient(f"IMAP: {account.host} does not answer: {_reason(error)}") from error
    try:
        yield _open(connection, account)
    except _FAILURES as error:
        raise Transient(f"IMAP: {account.host}: {_reason(error)}") from error
    finally:
        _log_out(connection)


def _connect(account: ImapAccount, timeout: float) -> imaplib.IMAP4:
    port = account.port or DEFAULT_PORTS[account.security]
    if account.security == TLS:
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(account.host, port, ssl_context=context, timeout=timeout)
    connection = imaplib.IMAP4(account.host, port, timeout=timeout)
    if account.security == STARTTLS:
        try:
            connection.starttls(ssl.create_default_context())
        except _FAILURES:
            connection.shutdown()
            raise
    return connection


def _open(connection: imaplib.IMAP4, account: ImapAccount) -> ImapFolder:
    _sign_in(connection, account)
    connection.capability()  # it may be another one after the sign-in
    if account.processed == MOVE:
        connection.create(_mailbox_argument(account.archive))  # fails where it exists
    status, data = connection.select(_mailbox_argument(account.folder))
    if status != "OK":
        raise Misconfigured(f"IMAP: there is no folder {account.folder}: {_text(data)}")
    flags = _text(connection.response("PERMANENTFLAGS")[1])
    has_keywords = "\\*" in flags or PROCESSED_KEYWORD.lower() in flags.lower()
    if account.processed == FLAG and not has_keywords:
        raise Misconfigured("IMAP: the server keeps no keywords; set DIGEST_BOUNCE_IMAP_PROCESSED to move or delete")
    return ImapFolder(connection, account, has_keywords=has_keywords)


def _sign_in(connection: imaplib.IMAP4, account: ImapAccount) -> None:
    """Sign in; by PLAIN where the server has it, because LOGIN takes ASCII alone."""
    try:
        if "AUTH=PLAIN" in connection.capabilities:
            connection.authenticate("PLAIN", lambda _: f"\0{account.user}\0{account.password}".encode())
        else:
            connection.login(account.user, account.password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeEncodeError) as error:
        raise Misconfigured(
            f"IMAP: {account.host} refuses the user {account.user} or the password: {_reason(error)}"
        ) from error


def _log_out(connection: imaplib.IMAP4) -> None:
    try:
        connection.logout()
    except _FAILURES:
        connection.shutdown()


def _mailbox_argument(name: str) -> str:
    """A folder's name as a quoted string in modified UTF-7 (RFC 3501, 5.1.3)."""
    encoded = re.sub(r"&|[^\x20-\x7e]+", lambda match: "&-" if match[0] == "&" else _modified_base64(match[0]), name)
    return '"' + encoded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _modified_base64(text: str) -> str:
    encoded = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{encoded.decode('ascii')}-"


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _text(data: object) -> str:
    """What a server answered, as text."""
    items = data if isinstance(data, list) else [data]
    return " ".join(item.decode("utf-8", "replace") for item in items if isinstance(item, bytes))[:200]

"""One SMTP session. Only this module uses aiosmtplib, which connects, greets, encrypts and logs in.

Until the server's 354 any failure is safe to retry; after it, a missing reply makes the mail uncertain. aiosmtplib
raises the same errors in both phases, so the commands of a mail are sent here, in one packet where the server allows.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import cast

import aiosmtplib

from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.smtp.endpoints import SmtpServer
from digest.mail.smtp.pipelining import PipelinedSession, SmtpReply
from digest.mail.smtp.refusal_cause import Cause
from digest.mail.smtp.reply_outcome import (
    CONTENT,
    DATA,
    MAIL,
    NO_SESSION,
    NOT_STARTED,
    RCPT,
    SendOutcome,
    classify_reply,
)
from digest.models.delivery import DEFERRED, REJECTED, UNCERTAIN
from digest.network_errors import UNRESOLVED, describe_network_error
from digest.text.plain_text import remove_controls

MAX_MAILS_PER_CONNECTION = 100
MAX_CONNECTION_SECONDS = 300.0
MAX_IDLE_SECONDS = 30.0  # servers close idle connections; the pool then retries on a new one at once
CONNECT_TIMEOUT_SECONDS = 20.0
QUIT_TIMEOUT_SECONDS = 2.0

_EXPECTED_CODES = {MAIL: (250,), RCPT: (250, 251), DATA: (354,)}
_NO_SMTPUTF8 = "the server does not support addresses outside ASCII (SMTPUTF8)"
_CONNECTION_ERRORS = (aiosmtplib.SMTPException, OSError, TimeoutError, UnicodeError, ValueError)


@cache
def _tls_context() -> ssl.SSLContext:
    """Cached, because reading the certificates of the machine takes longer than sending a mail."""
    return ssl.create_default_context()


class SmtpConnection:
    """One session with one server; sends one mail at a time, each within `timeout` seconds."""

    def __init__(self, server: SmtpServer, ehlo_name: str, timeout: float) -> None:
        self.server = server
        self._timeout = timeout
        self._deadline = 0.0
        self._opened_at = self._used_at = time.monotonic()
        self._mail_count = 0
        self._session: PipelinedSession | None = None
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=None if server.tls == "none" else _tls_context(),
            local_hostname=ehlo_name,
            timeout=min(timeout, CONNECT_TIMEOUT_SECONDS),
        )

    async def open(self) -> SendOutcome | None:
        """Connect, greet and log in. Returns None on success, else the failure."""
        try:
            await self._client.connect()
            if self._client.is_ehlo_or_helo_needed:
                await self._greet()
            self._session = PipelinedSession(cast(asyncio.Transport, self._client.transport))
        except _CONNECTION_ERRORS as error:
            self._client.close()
            refused = isinstance(error, aiosmtplib.SMTPResponseException) and error.code // 100 == 5
            return SendOutcome(DEFERRED, f"{NO_SESSION}{_describe(error)}", refused=refused, server_trouble=True)
        return None

    async def _greet(self) -> None:
        try:
            await self._client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await self._client.helo()

    @property
    def reusable(self) -> bool:
        """True while it may send another mail."""
        now = time.monotonic()
        is_recent = now - self._opened_at < MAX_CONNECTION_SECONDS and now - self._used_at < MAX_IDLE_SECONDS
        return (
            self._session is not None
            and self._session.is_open
            and is_recent
            and self._mail_count < MAX_MAILS_PER_CONNECTION
        )

    async def send(self, message: OutgoingMessage, allowed: Callable[[], bool]) -> SendOutcome:
        """Send one mail. A connection lost before the 354 defers the mail; at MAIL it counts as a server failure."""
        if self._session is None:
            raise RuntimeError("the connection is not open")
        self._mail_count += 1
        self._deadline = time.monotonic() + self._timeout
        failure = await self._send_envelope(self._session, message, allowed)
        outcome = await self._send_content(self._session, message) if failure is None else failure
        self._used_at = time.monotonic()
        return outcome

    async def _send_envelope(
        self, session: PipelinedSession, message: OutgoingMessage, allowed: Callable[[], bool]
    ) -> SendOutcome | None:
        """Send MAIL, RCPT and DATA. Returns None once the server has sent its 354, else the failure."""
        international = not (message.recipient + message.envelope_from).isascii()
        if international and not self._client.supports_extension("smtputf8"):
            return SendOutcome(REJECTED, _NO_SMTPUTF8, "5.6.7", Cause.CONTENT)
        commands = self._commands(message, international)
        for group in (commands,) if self._pipelines else [(command,) for command in commands]:
            lines = b"".join([line for _, line in group])
            if group[-1][0] == DATA and not allowed():
                await self._reset(session, 0)
                return NOT_STARTED
            replies = await session.request(lines, len(group), seconds=self._seconds_left())
            refused = _refusal([command for command, _ in group], replies, session.end_reason, message)
            if refused is not None:
                await self._reset(session, replies[-1].code if replies else 0)
                return refused
        if not allowed():  # checked again, because the replies took time
            session.end("the lease was not renewed in time")
            return NOT_STARTED
        return None

    @property
    def _pipelines(self) -> bool:
        """Whether commands may share a packet. Those of the first mail go one by one, to see which of them fails."""
        return self._mail_count > 1 and self._client.supports_extension("pipelining")

    def _commands(self, message: OutgoingMessage, international: bool) -> Sequence[tuple[str, bytes]]:
        options = f" SIZE={len(message.raw)}" if self._client.supports_extension("size") else ""
        options += " SMTPUTF8" if international else ""
        return (
            (MAIL, f"MAIL FROM:<{message.envelope_from}>{options}\r\n".encode()),
            (RCPT, f"RCPT TO:<{message.recipient}>\r\n".encode()),
            (DATA, b"DATA\r\n"),
        )

    async def _send_content(self, session: PipelinedSession, message: OutgoingMessage) -> SendOutcome:
        """Send the content after the 354: from here on a missing reply means uncertain."""
        replies = await session.request(_with_final_dot(message), 1, seconds=self._seconds_left())
        if not replies:
            return SendOutcome(UNCERTAIN, f"no reply after the content was sent: {session.end_reason}")
        outcome = classify_reply(CONTENT, *replies[0], sender=message.envelope_from, recipient=message.recipient)
        if replies[0].code == 421 or outcome.state == UNCERTAIN:
            session.end("the server closes the session")
        return outcome

    async def _reset(self, session: PipelinedSession, last_code: int) -> None:
        """Reset the session after a refused mail, so that the connection can send another.

        A server that replied 354 though no recipient was accepted waits for content, so the connection is closed.
        """
        if last_code in _EXPECTED_CODES[DATA]:
            session.end("the server waits for content after a refusal")
        elif session.is_open:
            await session.request(b"RSET\r\n", 1, seconds=self._seconds_left())

    def _seconds_left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    async def close(self) -> None:
        """Send QUIT and close. A failure here changes no outcome."""
        if self._session is None:
            self._client.close()
            return
        if self._session.is_open:
            await self._session.request(b"QUIT\r\n", 1, seconds=QUIT_TIMEOUT_SECONDS)
        self._session.end("closed")


def _refusal(
    commands: Sequence[str], replies: Sequence[SmtpReply], end_reason: str, message: OutgoingMessage
) -> SendOutcome | None:
    """The outcome of the first unexpected or missing reply; None where all are as expected."""
    for command, reply in zip(commands, replies, strict=False):
        if reply.code not in _EXPECTED_CODES[command]:
            return classify_reply(command, *reply, sender=message.envelope_from, recipient=message.recipient)
    if len(replies) < len(commands):
        command = commands[len(replies)]
        return SendOutcome(DEFERRED, f"lost at {command}: {end_reason}", server_trouble=command == MAIL)
    return None


def _with_final_dot(message: OutgoingMessage) -> bytes:
    """The content with dots doubled at the start of lines (RFC 5321, 4.5.2) and the final dot."""
    if message.built:
        return message.raw + b".\r\n"
    stuffed = message.raw.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


def _describe(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return remove_controls(f"{error.code} {error.message}")
    reason = describe_network_error(error)
    return reason if reason == UNRESOLVED else remove_controls(f"{type(error).__name__}: {error}")

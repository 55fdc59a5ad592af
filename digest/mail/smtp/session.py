"""One SMTP session. The one module that knows aiosmtplib, which connects, greets, encrypts and logs in.

The rule: until the server's 354 any failure is safe to retry; from then on, without an answer, it is uncertain.
So each mail's phase is kept here, and its commands go in one packet where the server allows that.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import cast

import aiosmtplib

from digest.mail.mime.outgoing_message import Letter
from digest.mail.smtp.endpoints import Server
from digest.mail.smtp.pipelining import Dialogue, Reply
from digest.mail.smtp.refusal_classifier import Cause
from digest.mail.smtp.reply_classification import CONTENT, DATA, MAIL, NOT_STARTED, RCPT, Outcome, judged
from digest.models.delivery import DEFERRED, REJECTED, UNCERTAIN

MAILS_A_CONNECTION = 100
SECONDS_A_CONNECTION = 300.0
SECONDS_IDLE = 30.0  # servers hang up after a while; a mail that meets that is tried on a new connection at once
SECONDS_TO_CONNECT = 20.0
SECONDS_TO_QUIT = 2.0

_EXPECTED = {MAIL: (250,), RCPT: (250, 251), DATA: (354,)}
_NEVER_OFFERED = "the server takes no addresses outside ASCII (SMTPUTF8)"
_FAILURES = (aiosmtplib.SMTPException, OSError, TimeoutError, UnicodeError, ValueError)


@cache
def _tls_context() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than sending a mail: once a process."""
    return ssl.create_default_context()


class Connection:
    """One session with one server; carries one mail at a time, each within `timeout` seconds."""

    def __init__(self, server: Server, hello: str, timeout: float) -> None:
        self.server = server
        self._timeout = timeout
        self._deadline = 0.0
        self._born = self._used = time.monotonic()
        self._mails = 0
        self._session: Dialogue | None = None
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=None if server.tls == "none" else _tls_context(),
            local_hostname=hello,
            timeout=min(timeout, SECONDS_TO_CONNECT),
        )

    async def open(self) -> Outcome | None:
        """Connect, greet, log in. None where that worked; else the server's trouble."""
        try:
            await self._client.connect()
            if self._client.is_ehlo_or_helo_needed:
                await self._greet()
            self._session = Dialogue(cast(asyncio.Transport, self._client.transport))
        except _FAILURES as error:
            self._client.close()
            refused = isinstance(error, aiosmtplib.SMTPResponseException) and error.code // 100 == 5
            return Outcome(DEFERRED, f"no session: {_why(error)}", refused=refused, server_trouble=True)
        return None

    async def _greet(self) -> None:
        try:
            await self._client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await self._client.helo()

    @property
    def reusable(self) -> bool:
        """True while it may carry another mail."""
        now = time.monotonic()
        young = now - self._born < SECONDS_A_CONNECTION and now - self._used < SECONDS_IDLE
        return self._session is not None and self._session.is_open and young and self._mails < MAILS_A_CONNECTION

    async def carry(self, letter: Letter, allowed: Callable[[], bool]) -> Outcome:
        """Send one mail. A connection lost before the 354 is deferred; at MAIL it is the server's trouble."""
        if self._session is None:
            raise RuntimeError("the connection was not opened")
        self._mails += 1
        self._deadline = time.monotonic() + self._timeout
        refused = await self._offer(self._session, letter, allowed)
        outcome = await self._hand_over(self._session, letter) if refused is None else refused
        self._used = time.monotonic()
        return outcome

    async def _offer(self, session: Dialogue, letter: Letter, allowed: Callable[[], bool]) -> Outcome | None:
        """MAIL, RCPT and DATA. None at the 354; else why it did not come so far."""
        international = not (letter.recipient + letter.envelope_from).isascii()
        if international and not self._client.supports_extension("smtputf8"):
            return Outcome(REJECTED, _NEVER_OFFERED, "5.6.7", Cause.CONTENT)
        commands = self._commands(letter, international)
        for group in (commands,) if self._pipelines else [(command,) for command in commands]:
            words = b"".join([line for _, line in group])
            if group[-1][0] == DATA and not allowed():
                await self._forget(session, 0)
                return NOT_STARTED
            replies = await session.ask(words, len(group), seconds=self._left())
            refused = _refusal([command for command, _ in group], replies, session.why, letter)
            if refused is not None:
                await self._forget(session, replies[-1].code if replies else 0)
                return refused
        if not allowed():  # time has passed since it was asked
            session.end("not in time")
            return NOT_STARTED
        return None

    @property
    def _pipelines(self) -> bool:
        """Whether commands may go together. A connection's first go one by one, to see which of them fails."""
        return self._mails > 1 and self._client.supports_extension("pipelining")

    def _commands(self, letter: Letter, international: bool) -> Sequence[tuple[str, bytes]]:
        options = f" SIZE={len(letter.raw)}" if self._client.supports_extension("size") else ""
        options += " SMTPUTF8" if international else ""
        return (
            (MAIL, f"MAIL FROM:<{letter.envelope_from}>{options}\r\n".encode()),
            (RCPT, f"RCPT TO:<{letter.recipient}>\r\n".encode()),
            (DATA, b"DATA\r\n"),
        )

    async def _hand_over(self, session: Dialogue, letter: Letter) -> Outcome:
        """The content, after the 354: from here on no answer means uncertain."""
        replies = await session.ask(_ended(letter), 1, seconds=self._left())
        if not replies:
            return Outcome(UNCERTAIN, f"no answer after the message was handed over: {session.why}")
        outcome = judged(CONTENT, *replies[0], sender=letter.envelope_from, recipient=letter.recipient)
        if replies[0].code == 421 or outcome.state == UNCERTAIN:
            session.end("the server leaves")
        return outcome

    async def _forget(self, session: Dialogue, last: int) -> None:
        """Make the server forget a refused mail, so that the connection can carry another.

        A server that said 354 though nobody is addressed waits for a content: there is none, so it is left.
        """
        if last in _EXPECTED[DATA]:
            session.end("a content was asked for and is not given")
        elif session.is_open:
            await session.ask(b"RSET\r\n", 1, seconds=self._left())

    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    async def leave(self) -> None:
        """QUIT and close; what happens here changes nothing."""
        if self._session is None:
            self._client.close()
            return
        if self._session.is_open:
            await self._session.ask(b"QUIT\r\n", 1, seconds=SECONDS_TO_QUIT)
        self._session.end("left")


def _refusal(commands: Sequence[str], replies: Sequence[Reply], why: str, letter: Letter) -> Outcome | None:
    """What the first reply means that is not as it should be; None where all are."""
    for command, reply in zip(commands, replies, strict=False):
        if reply.code not in _EXPECTED[command]:
            return judged(command, *reply, sender=letter.envelope_from, recipient=letter.recipient)
    if len(replies) < len(commands):
        command = commands[len(replies)]
        return Outcome(DEFERRED, f"lost at {command}: {why}", server_trouble=command == MAIL)
    return None


def _ended(letter: Letter) -> bytes:
    """The content as it goes over the wire: a dot before every line that begins with one, and the last dot."""
    if letter.built:
        return letter.raw + b".\r\n"
    stuffed = letter.raw.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


def _why(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"

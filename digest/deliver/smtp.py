"""One SMTP session. The one module that knows aiosmtplib.

The rule: until the server's 354 any failure is safe to retry; from then on, without an answer, it is uncertain.
The library raises the same errors before and after, so each mail's phase is kept here.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cache

import aiosmtplib

from digest.deliver.letter import Letter
from digest.deliver.outcome import CONTENT, DATA, MAIL, NOT_STARTED, RCPT, Outcome, judged
from digest.deliver.servers import Server
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


class _Lost(Exception):
    """The connection failed before the 354."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(reason)
        self.command = command


class Connection:
    """One session with one server; carries one mail at a time, each within `timeout` seconds."""

    def __init__(self, server: Server, hello: str, timeout: float) -> None:
        self.server = server
        self._timeout = timeout
        self._deadline = 0.0
        self._born = self._used = time.monotonic()
        self._mails = 0
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
        except _FAILURES as error:
            self._client.close()
            return Outcome(DEFERRED, f"no session: {_why(error)}", server_trouble=True)
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
        return self._client.is_connected and young and self._mails < MAILS_A_CONNECTION

    async def carry(self, letter: Letter, allowed: Callable[[], bool]) -> Outcome:
        """Send one mail. A connection lost before the 354 is deferred; at MAIL it is the server's trouble."""
        self._mails += 1
        self._deadline = time.monotonic() + self._timeout
        try:
            refused = await self._offer(letter, allowed)
        except _Lost as lost:
            self._client.close()
            return Outcome(DEFERRED, f"lost at {lost.command}: {lost}", server_trouble=lost.command == MAIL)
        outcome = await self._hand_over(letter) if refused is None else refused
        self._used = time.monotonic()
        return outcome

    async def _offer(self, letter: Letter, allowed: Callable[[], bool]) -> Outcome | None:
        """MAIL, RCPT and DATA. None at the 354; else why it did not come so far."""
        international = not (letter.recipient + letter.envelope_from).isascii()
        if international and not self._client.supports_extension("smtputf8"):
            return Outcome(REJECTED, _NEVER_OFFERED, "5.6.7")
        for command, line in self._commands(letter, international):
            if command == DATA and not allowed():
                await self._reset()
                return NOT_STARTED
            code, text = await self._ask(command, line)
            if code not in _EXPECTED[command]:
                await self._reset()
                return judged(command, code, text)
        return None

    def _commands(self, letter: Letter, international: bool) -> Sequence[tuple[str, bytes]]:
        options = f" SIZE={len(letter.raw)}" if self._client.supports_extension("size") else ""
        options += " SMTPUTF8" if international else ""
        return (
            (MAIL, f"MAIL FROM:<{letter.envelope_from}>{options}".encode()),
            (RCPT, f"RCPT TO:<{letter.recipient}>".encode()),
            (DATA, b"DATA"),
        )

    async def _ask(self, command: str, line: bytes) -> aiosmtplib.SMTPResponse:
        try:
            return await self._client.execute_command(line, timeout=self._left())
        except _FAILURES as error:
            raise _Lost(command, _why(error)) from error

    async def _hand_over(self, letter: Letter) -> Outcome:
        """The content, after the 354: from here on no answer means uncertain."""
        try:
            if self._client.protocol is None:
                raise ConnectionError("connection lost")
            self._client.protocol.write(_dotted(letter.raw))
            code, text = await self._client.protocol.read_response(timeout=self._left())
        except _FAILURES as error:
            self._client.close()
            return Outcome(UNCERTAIN, f"no answer after the message was handed over: {_why(error)}")
        outcome = judged(CONTENT, code, text)
        if code == 421 or outcome.state == UNCERTAIN:
            self._client.close()
        return outcome

    async def _reset(self) -> None:
        """Forget the refused mail, so that the connection can carry another."""
        try:
            await self._client.execute_command(b"RSET", timeout=self._left())
        except _FAILURES:
            self._client.close()

    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    async def leave(self) -> None:
        """QUIT and close; what happens here changes nothing."""
        with contextlib.suppress(*_FAILURES):
            await self._client.execute_command(b"QUIT", timeout=SECONDS_TO_QUIT)
        self._client.close()


def _dotted(raw: bytes) -> bytes:
    """The content as it goes over the wire: a dot before every line that begins with one, and the last dot."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


def _why(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"

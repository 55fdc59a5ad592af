"""Sends commands over an open SMTP session, several at once where allowed, and reads the replies in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from digest.text.plain_text import remove_controls

MAX_REPLY_BYTES = 32_768  # a longer reply ends the session


class SmtpReply(NamedTuple):
    """A server's reply to one command: its code and the text of all its lines."""

    code: int
    text: str


class PipelinedSession(asyncio.Protocol):
    """Takes over a connected transport. Commands of one group share a packet (RFC 2920); one group at a time.

    The session ends where the server hangs up, times out or sends an invalid reply; `end_reason` says why.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._partial_line, self._lines = b"", [b""]  # of an unfinished line, and of an unfinished reply
        self._replies: list[SmtpReply] = []
        self._expected_replies = 0
        self._waiter: asyncio.Future[None] | None = None
        self.end_reason = ""
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """True while commands can be sent."""
        return not self.end_reason and not self._transport.is_closing()

    async def request(self, commands: bytes, replies: int, *, seconds: float) -> Sequence[SmtpReply]:
        """Send `commands` and wait for `replies` replies. Fewer are returned where the session has ended."""
        self._replies, self._expected_replies = [], replies
        if not self.is_open:
            self.end("connection lost")
            return ()
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self.end, f"no answer within {seconds:.0f} s")
        try:
            self._transport.write(commands)
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
        return self._replies

    def end(self, reason: str) -> None:
        """Close the connection. A request under way gets no more replies."""
        self.end_reason = self.end_reason or reason
        self._transport.abort() if self._waiter else self._transport.close()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Read parts of replies, or several replies at once."""
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        for line in lines:
            if self._waiter is None or len(self._replies) == self._expected_replies:
                self.end("unexpected data from the server")
                return
            self._read_line(line.rstrip(b"\r"))
        if len(self._partial_line) + sum(map(len, self._lines)) > MAX_REPLY_BYTES:
            self.end("reply too long")

    def _read_line(self, line: bytes) -> None:
        """Read one line of a reply: `250-more` or `250 last` (RFC 5321, 4.2)."""
        self._lines.append(line[4:].strip())
        if not line[:3].isdigit() or line[3:4] not in {b"-", b" ", b""}:
            self.end(f"invalid reply: {_decode(line[:80])}")
        elif line[3:4] != b"-":
            self._replies.append(SmtpReply(int(line[:3]), _decode(b"\n".join(self._lines[1:]))))
            self._lines = [b""]
            if len(self._replies) == self._expected_replies:
                self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio when either side has closed the connection."""
        self.end_reason = self.end_reason or (f"{type(error).__name__}: {error}" if error else "connection lost")
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _decode(text: bytes) -> str:
    """What a server said, without control characters: it is stored."""
    return remove_controls(text.decode("utf-8", "replace"))

"""An open SMTP session as questions and answers: several commands may go at once, their replies come in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

LONGEST = 32_768  # bytes of one reply; more is no reply


class Reply(NamedTuple):
    """What the server said to one command: its code, and the text of all its lines."""

    code: int
    text: str


class Dialogue(asyncio.Protocol):
    """Takes over a connected transport. Commands of one group share a packet (RFC 2920). One question at a time.

    It ends by itself where the server leaves, is silent too long, or says what is no reply; `why` tells.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._rest, self._lines = b"", [b""]  # of a line, and of a reply, that goes on
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiting: asyncio.Future[None] | None = None
        self.why = ""
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """True while the server can be asked."""
        return not self.why and not self._transport.is_closing()

    async def ask(self, words: bytes, replies: int, *, seconds: float) -> Sequence[Reply]:
        """Say this and wait for so many replies. Where fewer come back the session has ended."""
        self._replies, self._wanted = [], replies
        if not self.is_open:
            self.end("connection lost")
            return ()
        self._waiting = self._loop.create_future()
        clock = self._loop.call_later(seconds, self.end, f"no answer within {seconds:.0f} s")
        try:
            self._transport.write(words)
            await self._waiting
        finally:
            clock.cancel()
            self._waiting = None
        return self._replies

    def end(self, why: str) -> None:
        """Close the connection. What is asked now gets no more replies."""
        self.why = self.why or why
        self._transport.abort() if self._waiting else self._transport.close()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Parts of replies, or several of them."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._waiting is None or len(self._replies) == self._wanted:
                self.end("the server spoke unasked")
                return
            self._line(line.rstrip(b"\r"))
        if len(self._rest) + sum(map(len, self._lines)) > LONGEST:
            self.end("a reply without end")

    def _line(self, line: bytes) -> None:
        """One line of a reply: `250-more` or `250 last` (RFC 5321, 4.2)."""
        self._lines.append(line[4:].strip())
        if not line[:3].isdigit() or line[3:4] not in {b"-", b" ", b""}:
            self.end(f"an answer that is none: {line[:80].decode('utf-8', 'replace')}")
        elif line[3:4] != b"-":
            text = b"\n".join(self._lines[1:]).decode("utf-8", "replace")
            self._replies.append(Reply(int(line[:3]), text))
            self._lines = [b""]
            if len(self._replies) == self._wanted:
                self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """The server hung up, or we did."""
        self.why = self.why or (f"{type(error).__name__}: {error}" if error else "connection lost")
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

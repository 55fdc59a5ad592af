"""Reused connections to servers in order: the first that works takes the mail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from digest.errors import Misconfigured
from digest.mail.mime.outgoing_message import Letter
from digest.mail.smtp.endpoints import Server
from digest.mail.smtp.reply_classification import Outcome
from digest.mail.smtp.session import Connection
from digest.models.delivery import DEFERRED

SECONDS_DOWN = 30.0  # a server in trouble is passed over for so long


class Pool:
    """Up to `size` connections to servers in order; one in trouble is passed over for a while, then asked again.

    Belongs to one event loop. `timeout`: seconds for one mail; `hello`: our name in EHLO.
    """

    def __init__(self, servers: Sequence[Server], *, size: int, timeout: float, hello: str) -> None:
        if not servers:
            raise Misconfigured("DIGEST_SMTP_URL is not set; `digest init` asks for it and writes .env")
        self._servers = tuple(servers)
        self._hello, self._timeout = hello, timeout
        self._room = asyncio.Semaphore(size)
        self._kept: list[Connection] = []
        self._down_until: dict[Server, float] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, letter: Letter, allowed: Callable[[], bool] = lambda: True) -> Outcome:
        """Send one mail through the first server that takes it. `allowed` is asked before its content is offered.

        A server that refuses us for this mail is not down: it may take others.
        """
        async with self._room:
            outcome = Outcome(DEFERRED, "no server was asked", server_trouble=True)
            for server in self._in_order():
                outcome = await self._through(server, letter, allowed)
                if outcome.server_trouble:
                    self._down_until[server] = time.monotonic() + SECONDS_DOWN
                    continue
                self._down_until.pop(server, None)
                if not outcome.worth_another_server:
                    return outcome
            return outcome

    @property
    def first(self) -> str:
        """The server that is asked first now, as `host:port`; may be read from any thread."""
        server = self._in_order()[0]
        return f"{server.host}:{server.port}"

    async def close(self) -> None:
        """Leave every server."""
        kept, self._kept = self._kept, []
        await asyncio.gather(*(connection.leave() for connection in kept), *self._leaving)

    def _in_order(self) -> list[Server]:
        now = time.monotonic()
        return sorted(self._servers, key=lambda server: self._down_until.get(server, 0.0) > now)

    async def _through(self, server: Server, letter: Letter, allowed: Callable[[], bool]) -> Outcome:
        """A kept connection may have been hung up meanwhile: then a new one is tried at once."""
        kept = self._take(server)
        if kept is not None:
            outcome = await self._carry(kept, letter, allowed)
            if not outcome.server_trouble:
                return outcome
        made = Connection(server, self._hello, self._timeout)
        return await made.open() or await self._carry(made, letter, allowed)

    async def _carry(self, connection: Connection, letter: Letter, allowed: Callable[[], bool]) -> Outcome:
        outcome = await connection.carry(letter, allowed)
        if connection.reusable:
            self._kept.append(connection)
        else:
            self._leave(connection)
        return outcome

    def _take(self, server: Server) -> Connection | None:
        """The connection used last, so that the others can grow old and leave."""
        for connection in reversed(self._kept):
            if connection.server == server:
                self._kept.remove(connection)
                if connection.reusable:
                    return connection
                self._leave(connection)
        return None

    def _leave(self, connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(connection.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

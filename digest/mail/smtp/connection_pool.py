"""Pools connections to the configured servers; each mail goes to the first server that works.

Their number: setting CONNECTIONS. A connection serves `connection.MAX_MAILS_PER_CONNECTION` mails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from digest.errors import Misconfigured
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.smtp.connection import SmtpConnection
from digest.mail.smtp.endpoints import SmtpServer
from digest.mail.smtp.reply_outcome import SendOutcome
from digest.models.delivery import DEFERRED

DOWN_SECONDS = 30.0  # how long a failing server is skipped


class ConnectionPool:
    """At most `size` connections to servers in order of preference; a failing server is skipped for a while.

    Belongs to one event loop. `timeout`: seconds for one mail; `hello`: our name in EHLO.
    """

    def __init__(self, servers: Sequence[SmtpServer], *, size: int, timeout: float, ehlo_name: str) -> None:
        if not servers:
            raise Misconfigured("DIGEST_SMTP_URL is not set; `digest init` asks for it and writes .env")
        self._servers = tuple(servers)
        self._ehlo_name, self._timeout = ehlo_name, timeout
        self._slots = asyncio.Semaphore(size)
        self._idle: list[SmtpConnection] = []
        self._down_until: dict[SmtpServer, float] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, message: OutgoingMessage, allowed: Callable[[], bool] = lambda: True) -> SendOutcome:
        """Send one mail through the first server that accepts it. `allowed` is called before its content is sent.

        A server that refuses this mail is not marked as down: it may accept others.
        """
        async with self._slots:
            outcome = SendOutcome(DEFERRED, "no server was tried", server_trouble=True)
            for server in self._by_preference():
                outcome = await self._send_through(server, message, allowed)
                if outcome.server_trouble:
                    self._down_until[server] = time.monotonic() + DOWN_SECONDS
                    continue
                self._down_until.pop(server, None)
                if not outcome.worth_another_server:
                    return outcome
            return outcome

    @property
    def preferred_server(self) -> str:
        """The server that is tried first now, as `host:port`; may be read from any thread."""
        server = self._by_preference()[0]
        return f"{server.host}:{server.port}"

    async def close(self) -> None:
        """Close all connections."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.close() for connection in idle), *self._closing)

    def _by_preference(self) -> list[SmtpServer]:
        now = time.monotonic()
        return sorted(self._servers, key=lambda server: self._down_until.get(server, 0.0) > now)

    async def _send_through(
        self, server: SmtpServer, message: OutgoingMessage, allowed: Callable[[], bool]
    ) -> SendOutcome:
        """Use an idle connection, or a new one where there is none or the server has closed it meanwhile."""
        idle = self._take_idle(server)
        if idle is not None:
            outcome = await self._send_on(idle, message, allowed)
            if not outcome.server_trouble:
                return outcome
        connection = SmtpConnection(server, self._ehlo_name, self._timeout)
        return await connection.open() or await self._send_on(connection, message, allowed)

    async def _send_on(
        self, connection: SmtpConnection, message: OutgoingMessage, allowed: Callable[[], bool]
    ) -> SendOutcome:
        outcome = await connection.send(message, allowed)
        if connection.reusable:
            self._idle.append(connection)
        else:
            self._close_later(connection)
        return outcome

    def _take_idle(self, server: SmtpServer) -> SmtpConnection | None:
        """The connection used last, so that surplus connections become idle long enough to close."""
        for connection in reversed(self._idle):
            if connection.server == server:
                self._idle.remove(connection)
                if connection.reusable:
                    return connection
                self._close_later(connection)
        return None

    def _close_later(self, connection: SmtpConnection) -> None:
        task = asyncio.get_running_loop().create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

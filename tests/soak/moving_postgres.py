"""A PostgreSQL on a small disk, that may be killed and changes its address."""

from __future__ import annotations

import os
import subprocess
import time

import psycopg

from tests.patience import PATIENCE
from tests.processes import children
from tests.servers import Postgres
from tests.small_disk import SmallDisk


class MovingPostgres(Postgres):
    """A durable PostgreSQL that may be killed, and that comes back at another socket after a fail-over."""

    def __init__(self, disk: SmallDisk) -> None:
        super().__init__(durable=True, parent=disk.folder)
        self.sockets = self.folder

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    @property
    def address(self) -> str:
        """The address of both servers, as libpq takes it: the one that answers is used."""
        return f"postgresql://digest@/soak?host={self.folder}&host={self.folder / 'standby'}"

    def __enter__(self) -> MovingPostgres:
        super().__enter__()
        standby = self.folder / "standby"
        standby.mkdir(mode=0o755)
        os.chown(standby, self.folder.stat().st_uid, -1)
        self._execute("CREATE DATABASE soak")
        return self

    def pids(self) -> list[int]:
        """Its processes, the first one in front."""
        return [self.pid, *children(self.pid)] if not self.has_ended else []

    def crash(self) -> None:
        """Kill -9 all its processes."""
        for pid in self.pids():
            os.kill(pid, 9)
        assert self._process is not None
        self._process.wait(PATIENCE)

    def revive(self) -> None:
        """Start it where it has ended; return without waiting until it answers."""
        if self.has_ended:
            null = subprocess.DEVNULL
            self._process = subprocess.Popen(self._command, stdout=null, stderr=null, cwd="/", **self._user)

    def fail_over(self) -> None:
        """Stop it, and start what it holds at the other address."""
        self.stop()
        old, new = self.sockets, self.folder / "standby" if self.sockets == self.folder else self.folder
        option = f"unix_socket_directories={old}"
        self._command[self._command.index(option)] = f"unix_socket_directories={new}"
        self.sockets = new

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """The rows, or psycopg.Error where it does not answer within seconds."""
        with psycopg.connect(
            self._address("soak"), connect_timeout=3, options="-c statement_timeout=5000"
        ) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[arg-type]

    def size_kb(self) -> int:
        """The size of the database."""
        [(size,)] = self.query("SELECT pg_database_size('soak') / 1024")
        return int(str(size))

    def wait_until_ready(self) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            self.revive()
            try:
                self.query("SELECT 1")
            except psycopg.Error:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return

    def _address(self, name: str) -> str:
        return f"postgresql://digest@/{name}?host={self.sockets}"

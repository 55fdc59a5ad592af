"""An SMTP sink: Debian's `smtp-sink`, else a small one of our own. Accepts every mail, keeps none."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def install() -> None:
    """Debian's postfix brings `smtp-sink` and `smtp-source`; installed where that is possible and they are absent."""
    if program("smtp-sink") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postfix"]):
        subprocess.run(command, env=environment, check=False, capture_output=True)


def program(name: str) -> str | None:
    """Where a program of postfix is; it may lie outside a user's path."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec/postfix")


@contextmanager
def sink() -> Iterator[int]:
    """Its port while it runs."""
    port = free_port()
    smtp_sink = program("smtp-sink")
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    own_sink = [sys.executable, "-m", "tests.benchmarks.sink", str(port)]
    command = [smtp_sink, *user, f"127.0.0.1:{port}", "256"] if smtp_sink else own_sink
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            answering(port)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answering(port: int, *, seconds: float = 20.0) -> None:
    """Wait until somebody listens there."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


class _Session(asyncio.Protocol):
    """Accepts every command, and reads contents up to the final dot."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._out, self._unread, self._content = transport, b"", False
        self._reply(b"220 sink ready")

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while self._step():
            pass

    def _step(self) -> bool:
        line, separator, remainder = self._unread.partition(b"\r\n.\r\n" if self._content else b"\r\n")
        if not separator:
            return False
        self._unread = remainder
        verb = b"." if self._content else line[:4].upper()
        self._content = verb == b"DATA"
        self._reply({b"DATA": b"354 go on", b"QUIT": b"221 bye"}.get(verb, b"250 yes"))
        return True

    def _reply(self, line: bytes) -> None:
        self._out.write(line + b"\r\n")  # type: ignore[attr-defined]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Session, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(_serve(int(sys.argv[1])))

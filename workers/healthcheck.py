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
from enum import StrEnum
from pathlib import Path

from digest import redis
from digest.errors import Misconfigured, Transient
from digest.redis import light, running

SECONDS_FRESH = 60.0
SECONDS_TO_WORK = 20.0  # a delivery task takes up to 10 s and a message; the pulse waits behind it
SECONDS_TO_SERVE = 10.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a server that listens everywhere is asked


class Process(StrEnum):
    """What can be examined."""

    web = "web"
    worker = "worker"
    scheduler = "scheduler"


def examine(process: Process) -> str:
    """One line on its progress. Raises Transient where there is none, Misconfigured without a Redis to ask."""
    return {Process.web: _web, Process.worker: _worker, Process.scheduler: _scheduler}[process]()


def _web() -> str:
    """It answers and its database does. A worker's trouble is not its own: pages go on being served."""
    host, port = _setting("host", "127.0.0.1"), _port()
    connection = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=SECONDS_TO_SERVE)
    try:
        connection.request("GET", "/readyz")
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Transient(f"web does not answer on port {port}: {error}") from error
    finally:
        connection.close()
    if found.get("database") != "ok":
        raise Transient(f"web has no database: {found.get('database')}")
    return "web: it answers, and its database too"


def _worker() -> str:
    """It did something lately, or does when it is asked: the question goes through a queue that only it serves."""
    url = _redis_url()
    age, before = _progress(url, redis.WORKER)
    if age > SECONDS_FRESH:
        until = time.monotonic() + SECONDS_TO_WORK
        _ask(url)
        while (found := _progress(url, redis.WORKER))[1] == before:  # by one clock, the server's
            if time.monotonic() > until:
                raise Transient(f"the worker did nothing for {SECONDS_TO_WORK:.0f} s while asked to")
            time.sleep(0.1)
        age = found[0]
    return f"worker: progress {age:.0f} s ago"


def _ask(url: str) -> None:
    from kombu.exceptions import OperationalError  # only here is a queue needed

    from workers.app import configure, own_queue
    from workers.tasks import pulse

    configure(url)
    try:
        pulse.apply_async(queue=own_queue(), expires=SECONDS_TO_WORK)
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
    if found := running.find(_data_dir()):
        return found.redis_url
    raise Misconfigured(f"DIGEST_REDIS_URL is not set, and no `digest up` runs with DIGEST_DATA_DIR={_data_dir()}")


def _port() -> int:
    """The port of a `digest up` with the same DATA_DIR, else the configured one. Raises Misconfigured."""
    if found := running.find(_data_dir()):
        return found.port
    text = _setting("port", "8000")
    try:
        return int(text)
    except ValueError as error:
        raise Misconfigured(f"DIGEST_PORT: expected a number, not {text[:20]!r}") from error


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

"""Is a process of this machine getting on? Asked by containers and monitors. Progress counts, not presence."""

from __future__ import annotations

import http.client
import json
import socket
import time
from enum import StrEnum

from digest import redis, settings
from digest.errors import Transient

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
    from digest.web.health import healthcheck_token  # only here is the web part needed

    chosen = settings.get()
    headers = {"Authorization": f"Bearer {healthcheck_token()}"} if chosen.secret_key else {}
    connection = http.client.HTTPConnection(
        EVERYWHERE.get(chosen.host, chosen.host), chosen.port, timeout=SECONDS_TO_SERVE
    )
    try:
        connection.request("GET", "/readyz", headers=headers)
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Transient(f"web does not answer on port {chosen.port}: {error}") from error
    finally:
        connection.close()
    if found.get("database") != "ok":
        raise Transient(f"web has no database: {found.get('database')}")
    return "web: it answers, and its database too"


def _worker() -> str:
    """It did something lately, or does when it is asked: the question goes through a queue that only it serves."""
    store = redis.connect(settings.get().redis_url)
    age = _age(store, redis.WORKER)
    if age > SECONDS_FRESH:
        asked = time.monotonic()
        _ask()
        while (age := _age(store, redis.WORKER)) > time.monotonic() - asked:
            if time.monotonic() > asked + SECONDS_TO_WORK:
                raise Transient(f"the worker did nothing for {SECONDS_TO_WORK:.0f} s while asked to")
            time.sleep(0.1)
    return f"worker: progress {age:.0f} s ago"


def _ask() -> None:
    from kombu.exceptions import OperationalError  # only here is a queue needed

    from workers.app import configure, own_queue
    from workers.tasks import pulse

    configure(settings.get().redis_url)
    try:
        pulse.apply_async(queue=own_queue(), expires=SECONDS_TO_WORK)
    except OperationalError as error:
        raise Transient(f"Redis does not answer: {error}") from error


def _scheduler() -> str:
    """It looked after its jobs lately, as the leader or waiting to be."""
    age = _age(redis.connect(settings.get().redis_url), redis.SCHEDULER)
    if age > SECONDS_FRESH:
        raise Transient(f"the scheduler did nothing for {SECONDS_FRESH:.0f} s")
    return f"scheduler: progress {age:.0f} s ago"


def _age(store: redis.Store, kind: str) -> float:
    """Seconds since a process of that kind on this host last got something done; infinite where none ever did."""
    own = socket.gethostname()
    ages = [age for name, age in store.progress(kind).items() if name.rpartition(":")[0] == own]
    return min(ages, default=float("inf"))

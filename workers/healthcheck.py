"""Is a process of this machine getting on? Asked by containers and monitors. Progress counts, not presence."""

from __future__ import annotations

import http.client
import json
import math
import socket
import time
from collections.abc import Sequence
from enum import StrEnum

from digest import redis, settings
from digest.errors import BadInput, Transient
from digest.ports import QUEUES

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
    from digest.web.health import healthcheck_token  # only here is the web part needed

    chosen = settings.get()
    chosen.require("secret_key")
    connection = http.client.HTTPConnection(
        EVERYWHERE.get(chosen.host, chosen.host), chosen.port, timeout=SECONDS_TO_SERVE
    )
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {healthcheck_token()}"})
        found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Transient(f"web does not answer on port {chosen.port}: {error}") from error
    finally:
        connection.close()
    if found.get("database") != "ok":
        raise Transient(f"web has no database: {found.get('database')}")
    return "web: it answers, and its database too"


def _worker(queues: Sequence[str]) -> str:
    """For each queue somebody did something lately, or does when asked: only this host is asked."""
    store = redis.connect(settings.get().redis_url)
    ages = {queue: _age(store, redis.queue_kind(queue)) for queue in QUEUES}
    wanted = queues or [queue for queue in QUEUES if ages[queue] < math.inf] or QUEUES
    silent = [queue for queue in wanted if ages[queue] > SECONDS_FRESH]
    if silent:
        _ask(silent)
        asked = time.monotonic()
    while silent:
        ages |= {queue: _age(store, redis.queue_kind(queue)) for queue in silent}
        silent = [queue for queue in silent if ages[queue] > time.monotonic() - asked]
        if silent and time.monotonic() > asked + SECONDS_TO_WORK:
            raise Transient(
                f"the worker did nothing for {SECONDS_TO_WORK:.0f} s while asked to (queues: {', '.join(silent)})"
            )
        time.sleep(0.1)
    return f"worker: progress {max(ages[queue] for queue in wanted):.0f} s ago ({', '.join(wanted)})"


def _ask(queues: Sequence[str]) -> None:
    from kombu.exceptions import OperationalError  # only here is a queue needed

    from workers.app import configure
    from workers.queues import health_list
    from workers.tasks import pulse

    configure(settings.get().redis_url)
    try:
        for queue in queues:
            pulse.apply_async(queue=health_list(queue), expires=SECONDS_TO_WORK)
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

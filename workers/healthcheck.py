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
from digest.queues import QUEUES
from digest.redis import minimal_client, running_instance
from digest.signing import healthcheck_token

MAX_PROGRESS_AGE_SECONDS = 60.0
WORKER_TIMEOUT_SECONDS = 20.0  # the pulse may wait behind a delivery task, which takes up to 10 s and a message
WEB_TIMEOUT_SECONDS = 10.0
LOOPBACK_OF_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how to reach a server that listens on all addresses


class Process(StrEnum):
    """The processes that can be checked."""

    web = "web"
    worker = "worker"
    scheduler = "scheduler"


def check_process(process: Process, queues: Sequence[str] = ()) -> str:
    """One line about the progress of a process. `queues`: those that a worker must serve; by default those it served.

    Raises Transient if there is no progress, Misconfigured without a Redis, BadInput for an unknown queue.
    """
    unknown = [queue for queue in queues if queue not in QUEUES]
    if unknown:
        raise BadInput(f"queue: there is no queue {unknown[0]!r}; there are {', '.join(QUEUES)}", field="queue")
    if process is Process.worker:
        return _check_worker(queues)
    return _check_web() if process is Process.web else _check_scheduler()


def _check_web() -> str:
    """The web process and its database respond. The state of the workers does not count: pages are served anyway."""
    host, port = _setting("host", "127.0.0.1"), _web_port()
    connection = http.client.HTTPConnection(LOOPBACK_OF_WILDCARD.get(host, host), port, timeout=WEB_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz", headers=_authorization_headers())
        details = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Transient(f"web does not answer on port {port}: {error}") from error
    finally:
        connection.close()
    if "database" not in details:
        raise Transient("web answers without details: DIGEST_SECRET_KEY is not set here, or differs")
    if details["database"] != "ok":
        raise Transient(f"web has no database: {details['database']}")
    return "web: the process and its database answer"


def _check_worker(queues: Sequence[str]) -> str:
    """Each queue had progress lately, or has when a pulse is sent to the workers of this host."""
    url = _redis_url()
    progress_before = {queue: _latest_progress(url, redis.queue_kind(queue)) for queue in QUEUES}
    checked_queues = queues or [queue for queue in QUEUES if progress_before[queue][1]] or QUEUES
    stalled = [queue for queue in checked_queues if progress_before[queue][0] > MAX_PROGRESS_AGE_SECONDS]
    ages = {queue: progress_before[queue][0] for queue in checked_queues if queue not in stalled}
    deadline = time.monotonic() + WORKER_TIMEOUT_SECONDS
    if stalled:
        _enqueue_pulses(url, stalled)
    while stalled:
        for queue in tuple(stalled):
            age, stamped_at = _latest_progress(url, redis.queue_kind(queue))
            if stamped_at != progress_before[queue][1]:  # both stamps are by the server's clock
                stalled.remove(queue)
                ages[queue] = age
        if stalled and time.monotonic() > deadline:
            raise Transient(
                f"the worker did not react within {WORKER_TIMEOUT_SECONDS:.0f} s (queues: {', '.join(stalled)})"
            )
        time.sleep(0.1)
    return f"worker: progress {max(ages.values()):.0f} s ago ({', '.join(checked_queues)})"


def _enqueue_pulses(url: str, queues: Sequence[str]) -> None:
    from kombu.exceptions import OperationalError  # imported only here, because no other check needs the queue

    from workers.app import app, configure
    from workers.task_queues import PULSE, health_check_list

    configure(url)
    try:
        for queue in queues:
            app.send_task(PULSE, queue=health_check_list(queue), expires=WORKER_TIMEOUT_SECONDS)
    except OperationalError as error:
        raise Transient(f"Redis does not answer: {error}") from error


def _check_scheduler() -> str:
    """The scheduler ran lately, as the leader or waiting to become it."""
    age, _ = _latest_progress(_redis_url(), redis.SCHEDULER)
    if age > MAX_PROGRESS_AGE_SECONDS:
        raise Transient(f"the scheduler did nothing for {MAX_PROGRESS_AGE_SECONDS:.0f} s")
    return f"scheduler: progress {age:.0f} s ago"


def _latest_progress(url: str, kind: str) -> tuple[float, float]:
    """Seconds since the last progress of a process of that kind on this host, and its stamp; infinity and 0 if none."""
    own_host = socket.gethostname()
    now, stamps = minimal_client.progress(url, kind)
    latest_stamp = max((stamp for name, stamp in stamps.items() if name.rpartition(":")[0] == own_host), default=0.0)
    return (max(now - latest_stamp, 0.0), latest_stamp) if latest_stamp else (float("inf"), 0.0)


def _redis_url() -> str:
    """The configured Redis, else that of a `digest up` with the same DATA_DIR. Raises Misconfigured."""
    if url := _setting("redis_url"):
        return url
    if instance := running_instance.find_instance(_data_dir()):
        return instance.redis_url
    raise Misconfigured(f"DIGEST_REDIS_URL is not set, and no `digest up` runs with DIGEST_DATA_DIR={_data_dir()}")


def _web_port() -> int:
    """The port of a `digest up` with the same DATA_DIR, else the configured one. Raises Misconfigured."""
    if instance := running_instance.find_instance(_data_dir()):
        return instance.port
    text = _setting("port", "8000")
    try:
        return int(text)
    except ValueError as error:
        raise Misconfigured(f"DIGEST_PORT: expected a number, not {text[:20]!r}") from error


def _authorization_headers() -> dict[str, str]:
    """The header for which the web process shows the details of /readyz; empty without a secret key."""
    key = _setting("secret_key").partition(",")[0].strip()
    return {"Authorization": f"Bearer {healthcheck_token(key)}"} if key else {}


def _data_dir() -> Path:
    return Path(_setting("data_dir", "data"))


def _setting(name: str, default: str = "") -> str:
    """The value of a setting, as `digest.settings` reads it, but not validated: from environment, a file or `.env`."""
    variables = {variable.lower(): value for variable, value in os.environ.items()}
    key = f"digest_{name}"
    if file := variables.get(f"{key}_file", ""):
        return _read_secret(Path(file))
    if key in variables:
        return variables[key]
    env_file = Path(variables.get("digest_env_file") or ".env")
    if not env_file.exists():
        return default
    from dotenv import dotenv_values

    in_file = {
        variable.lower(): value for variable, value in dotenv_values(env_file, encoding="utf-8-sig").items() if value
    }
    if file := in_file.get(f"{key}_file", ""):
        return _read_secret(Path(str(file)))
    return in_file.get(key) or default


def _read_secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} can't be read") from error

"""`digest up`: runs all processes on one machine, restarts those that crash with growing delays, and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from digest import logs
from digest.errors import DigestError, Transient
from digest.redis import PrivateRedis, running_instance, start_guarded
from workers.stop_signal import STOP_SIGNALS, StopSignal

log = logs.get(__name__)

MIN_RESTART_DELAY, MAX_RESTART_DELAY = 1.0, 30.0
STABLE_SECONDS = 60.0  # a process that lived this long is restarted with the first delay
POLL_SECONDS = 0.2
DRAIN_SECONDS = 90.0
REDIS_URL_VARIABLE = "DIGEST_REDIS_URL"


def process_command(*arguments: str) -> list[str]:
    """The command line of one of our processes. `-P`: never import `workers/` from the current folder."""
    return [sys.executable, "-P", "-m", "workers.main", *arguments]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The settings that `up` uses. `redis_url`: empty for a private Redis."""

    port: int
    data_dir: Path
    redis_url: str
    log_level: str


@dataclass(slots=True)
class _ChildProcess:
    """A process, and when it may be restarted."""

    name: str
    command_line: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    restart_delay: float = MIN_RESTART_DELAY

    def start(self, environment: Mapping[str, str], output: Path | None) -> None:
        """Start it in its own session, so that Ctrl-C reaches only the supervisor."""
        guarded_command = start_guarded(self.command_line, with_signal=signal.SIGTERM)
        with output.open("ab") if output else nullcontext() as file:
            self.process = subprocess.Popen(  # noqa: S603
                guarded_command, env=dict(environment), stdout=file, stderr=file, start_new_session=True
            )
        self.started_at = time.monotonic()

    def take_exit_code(self) -> int | None:
        """If the process has ended, return its exit code and schedule the next start; else None."""
        if self.process is None or (exit_code := self.process.poll()) is None:
            return None
        now = time.monotonic()
        self.restart_delay = MIN_RESTART_DELAY if now - self.started_at > STABLE_SECONDS else self.restart_delay
        self.process, self.start_at = None, now + self.restart_delay
        self.restart_delay = min(2 * self.restart_delay, MAX_RESTART_DELAY)
        return exit_code


class Supervisor:
    """Keeps processes running. `commands`: command lines by name; `redis`: a private Redis to keep running, if any.

    `output`: a file for their output; by default it goes to our own standard output and error.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        redis: PrivateRedis | None = None,
        environment: Mapping[str, str] | None = None,
        drain_seconds: float = DRAIN_SECONDS,
        output: Path | None = None,
    ) -> None:
        self._children = [_ChildProcess(name, command_line) for name, command_line in commands.items()]
        self._environment = dict(os.environ, **(environment or {}))
        self._redis = redis
        self._drain_seconds = drain_seconds
        self._output = output
        self._stop = StopSignal()

    def stop(self) -> None:
        """Stop `run` or `watch`; from any thread."""
        self._stop.set()

    def start(self) -> None:
        """Start the processes that are not running and whose delay is over."""
        self._ensure_redis()
        for child in self._children:
            if child.process is None and time.monotonic() >= child.start_at:
                child.start(self._environment, self._output)

    def watch(self) -> None:
        """Start and restart processes until `stop`."""
        while not self._stop.is_set():
            for child in self._children:
                code = child.take_exit_code()
                if code is not None:
                    log.error("process_died", process=child.name, code=code, again_in=child.start_at - time.monotonic())
            self.start()
            self._stop.wait(POLL_SECONDS)

    def shut_down(self) -> None:
        """Let all processes drain, then kill the remaining ones; Redis last. `watch` cannot be called again."""
        live_children = [child for child in self._children if child.process is not None]
        for child in live_children:
            _send_signal(child.process, signal.SIGTERM)
        deadline = time.monotonic() + self._drain_seconds
        for child in live_children:
            _wait_or_kill(child, deadline)
        if self._redis is not None:
            self._redis.stop()
        self._stop.close()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT. Call it in the main thread. Returns the exit code."""
        self._stop.install()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        try:
            self.watch()
        finally:
            self.shut_down()
        return 0

    def _ensure_redis(self) -> None:
        if self._redis is None or self._redis.pid is not None:
            return
        try:
            self._redis.start()
        except Transient as error:
            log.warning("redis_not_started", reason=str(error))


def service_commands(port: int) -> dict[str, list[str]]:
    """The service's processes by name."""
    return {
        "worker": process_command("worker"),
        "scheduler": process_command("scheduler"),
        "web": process_command("web", "--port", str(port)),
    }


def replace_process(service: ServiceSettings) -> NoReturn:
    """Continue with `up` in a new program that replaces this one and has the same process id.

    What has checked the settings and the database stays loaded in this one: 60 MB for as long as the service runs.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # until `Supervisor.run` handles them
    environment = dict(os.environ, **_redis_environment(service.redis_url))  # a password does not belong into arguments
    arguments = [str(service.port), str(service.data_dir), service.log_level]
    os.execve(sys.executable, [sys.executable, "-P", "-m", __name__, *arguments], environment)  # noqa: S606


def up(service: ServiceSettings) -> int:
    """Run web, worker and scheduler, and a private Redis if there is no other. Returns the exit code."""
    private_redis = None if service.redis_url else PrivateRedis()
    redis_url = private_redis.url if private_redis else service.redis_url
    supervisor = Supervisor(
        service_commands(service.port), redis=private_redis, environment=_redis_environment(redis_url)
    )
    with running_instance.recorded_instance(service.data_dir, port=service.port, redis_url=redis_url):
        return supervisor.run()


def _redis_environment(redis_url: str) -> dict[str, str]:
    """The environment that names this Redis. A setting must not have two values, so it names no file with one."""
    return {REDIS_URL_VARIABLE: redis_url, f"{REDIS_URL_VARIABLE}_FILE": ""}


def _send_signal(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)


def _wait_or_kill(child: _ChildProcess, deadline: float) -> None:
    if child.process is None:
        return
    try:
        child.process.wait(max(deadline - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        log.warning("process_killed", process=child.name)
        _send_signal(child.process, signal.SIGKILL)
        child.process.wait()


def _main(port: str, data_dir: str, log_level: str) -> int:
    """Run `up`, as `replace_process` starts it."""
    logs.configure(level=log_level)
    try:
        return up(ServiceSettings(int(port), Path(data_dir), os.environ[REDIS_URL_VARIABLE], log_level))
    except (DigestError, OSError) as error:  # another service was started at the same moment; a full disk
        sys.exit(f"digest: {error}")


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))

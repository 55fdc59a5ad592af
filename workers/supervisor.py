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

from digest import logs, settings
from digest.errors import Transient
from digest.redis import PrivateRedis, running, start_guarded
from workers.stop_signal import StopSignal

log = logs.get(__name__)

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
SECONDS_STEADY = 60.0  # a process that lived this long is restarted with the first delay
LOOK_EVERY = 0.2
SECONDS_TO_DRAIN = 90.0


def command(*words: str) -> list[str]:
    """The command line of one of our processes. `-P`: never import `workers/` from the current folder."""
    return [sys.executable, "-P", "-m", "workers.main", *words]


@dataclass(slots=True)
class _Child:
    """A process, and when it may be restarted."""

    name: str
    words: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    start_at: float = 0.0
    delay: float = FIRST_DELAY

    def start(self, environment: Mapping[str, str], output: Path | None) -> None:
        """Start it in its own session, so that Ctrl-C reaches only the supervisor."""
        words = start_guarded(self.words, with_signal=signal.SIGTERM)
        with output.open("ab") if output else nullcontext() as file:
            self.process = subprocess.Popen(  # noqa: S603
                words, env=dict(environment), stdout=file, stderr=file, start_new_session=True
            )
        self.born = time.monotonic()

    def died(self) -> int | None:
        """If the process has ended, return its exit code and schedule the next start; else None."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        now = time.monotonic()
        self.delay = FIRST_DELAY if now - self.born > SECONDS_STEADY else self.delay
        self.process, self.start_at = None, now + self.delay
        self.delay = min(2 * self.delay, LONGEST_DELAY)
        return code


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
        drain: float = SECONDS_TO_DRAIN,
        output: Path | None = None,
    ) -> None:
        self._children = [_Child(name, words) for name, words in commands.items()]
        self._environment = dict(os.environ, **(environment or {}))
        self._redis = redis
        self._drain = drain
        self._output = output
        self._stop = StopSignal()

    def stop(self) -> None:
        """Stop `run` or `watch`; from any thread."""
        self._stop.set()

    def start(self) -> None:
        """Start the processes that are not running and whose delay is over."""
        self._keep_redis()
        for child in self._children:
            if child.process is None and time.monotonic() >= child.start_at:
                child.start(self._environment, self._output)

    def watch(self) -> None:
        """Start and restart processes until `stop`."""
        while not self._stop.is_set():
            for child in self._children:
                code = child.died()
                if code is not None:
                    log.error("process_died", process=child.name, code=code, again_in=child.start_at - time.monotonic())
            self.start()
            self._stop.wait(LOOK_EVERY)

    def end(self) -> None:
        """Let all processes drain, then kill the remaining ones; Redis last."""
        running = [child for child in self._children if child.process is not None]
        for child in running:
            _tell(child.process, signal.SIGTERM)
        until = time.monotonic() + self._drain
        for child in running:
            _wait(child, until)
        if self._redis is not None:
            self._redis.stop()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT. Call it in the main thread. Returns the exit code."""
        self._stop.install()
        try:
            self.watch()
        finally:
            self.end()
        return 0

    def _keep_redis(self) -> None:
        if self._redis is None or self._redis.pid is not None:
            return
        try:
            self._redis.start()
        except Transient as error:
            log.warning("redis_not_started", reason=str(error))


def commands(port: int) -> dict[str, list[str]]:
    """The service's processes by name."""
    return {
        "worker": command("worker"),
        "scheduler": command("scheduler"),
        "web": command("web", "--port", str(port)),
    }


def up(*, port: int = 8000) -> int:
    """Run web, worker and scheduler, and a private Redis if REDIS_URL is not set. Returns the exit code."""
    chosen = settings.get()
    private = None if chosen.redis_url else PrivateRedis()
    url = private.url if private else chosen.redis_url
    supervisor = Supervisor(commands(port), redis=private, environment={"DIGEST_REDIS_URL": url})
    with running.recorded_instance(chosen.data_dir, port=port, redis_url=url):
        return supervisor.run()


def _tell(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)


def _wait(child: _Child, until: float) -> None:
    if child.process is None:
        return
    try:
        child.process.wait(max(until - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        log.warning("process_killed", process=child.name)
        _tell(child.process, signal.SIGKILL)
        child.process.wait()

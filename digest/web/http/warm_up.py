"""Work that a web process does in the background, so that no visitor waits for it: at its start, and after changes.

The cyclic collector stops all threads. What a web process prepares is exempted from it, and it runs less often.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from digest import logs
from digest.caching import exempt_objects_from_gc
from digest.errors import DigestError

log = logs.get(__name__)

NOT_STARTED, RUNNING, DONE = "not warmed up", "warming up", "warm"
REFRESH_SECONDS = 2.0  # between two looks whether papers or signals have changed
YOUNG_OBJECTS = 10_000  # new objects after which the collector looks at them; a full run comes after 100 such looks


class WarmUp:
    """Runs `work` once in a thread, then `refresh` every few seconds. `state` is shown in the details of /readyz."""

    def __init__(self, work: Callable[[], None], refresh: Callable[[], None] = lambda: None) -> None:
        self._work, self._refresh = work, refresh
        self.state = NOT_STARTED

    def start(self) -> threading.Thread:
        """Begin the work. The thread ends with the process, and nobody waits for it."""
        self.state = RUNNING
        return _start_thread("warm-up", self._run)

    def start_and_refresh(self) -> threading.Thread:
        """Begin the work, and keep its results current until the process ends."""
        self.state = RUNNING
        return _start_thread("warm-up", self._run_forever)

    def refresh(self) -> None:
        """Bring the results up to date."""
        self._run_step(self._refresh)

    def _run(self) -> None:
        self._run_step(self._work)

    def _run_forever(self) -> None:
        gc.set_threshold(YOUNG_OBJECTS, 10, 10)
        self._run()
        exempt_objects_from_gc()
        pause = threading.Event()
        while not pause.wait(REFRESH_SECONDS):
            self.refresh()

    def _run_step(self, step: Callable[[], None]) -> None:
        """Do a step. An error is logged once while it repeats, and the thread goes on: the next step may succeed."""
        before = self.state
        try:
            step()
        except Exception as error:  # the thread must survive any error: nobody would notice that it ended
            self.state = f"not warmed up: {type(error).__name__}"
            if self.state != before:
                is_expected = isinstance(error, DigestError | SQLAlchemyError | OSError)
                log.warning("warm_up_failed", reason=type(error).__name__, exc_info=None if is_expected else error)
        else:
            self.state = DONE


def _start_thread(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread

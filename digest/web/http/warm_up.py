"""Work that a new process does in the background, so that its first visitor does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from digest import logs
from digest.errors import DigestError

log = logs.get(__name__)

NOT_STARTED, RUNNING, DONE = "not warmed up", "warming up", "warm"


class WarmUp:
    """Runs `work` once in a thread. `state` is shown in the details of /readyz."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.state = NOT_STARTED

    def start(self) -> threading.Thread:
        """Begin. The thread ends with the process, and nobody waits for it."""
        self.state = RUNNING
        thread = threading.Thread(target=self._run, name="warm-up", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        try:
            self._work()
        except (DigestError, SQLAlchemyError, OSError) as error:
            log.warning("warm_up_failed", reason=type(error).__name__)
            self.state = f"not warmed up: {type(error).__name__}"
        else:
            self.state = DONE

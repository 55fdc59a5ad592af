"""Stubs of the services that the tasks call: a plain composer, and runs that only record their calls."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

from sqlalchemy.exc import OperationalError

from tests.outbox import PlainComposer
from workers import worker_progress


def install() -> None:
    """Put the stubs where the tasks import them from, and let no test wait long. Only for test processes."""
    worker_progress.RETRY_SECONDS = 1.0
    composer_module = ModuleType("digest.services.delivery.render_messages")
    composer_module.MailComposer = PlainComposer  # type: ignore[attr-defined]
    runs = ModuleType("digest.services.runs.build_editions")
    runs.build_shard = freeze_shard  # type: ignore[attr-defined]
    welcome = ModuleType("digest.services.editions.welcome")
    welcome.first_edition = first_edition  # type: ignore[attr-defined]
    for module in (composer_module, runs, welcome):
        sys.modules[module.__name__] = module
        package, _, name = module.__name__.rpartition(".")
        setattr(import_module(package), name, module)


def freeze_shard(run_id: int, shard: int) -> None:
    """Record the call; shard 13 ends its process, and shard 14 fails like a database that restarts."""
    note(f"freeze {run_id} {shard}")
    if shard == 13:
        os.abort()
    if shard == 14:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))


def first_edition(subscriber_id: int) -> None:
    """Record the call; it takes as long as the test sets."""
    time.sleep(float(os.environ.get("TEST_SECONDS_A_WELCOME", "0")))
    note(f"welcome {subscriber_id}")


def note(line: str) -> None:
    """Append to the file that the test reads."""
    with notes().open("a") as file:
        file.write(line + "\n")


def notes() -> Path:
    """The calls, one a line."""
    return Path(os.environ["DIGEST_DATA_DIR"]) / "notes"

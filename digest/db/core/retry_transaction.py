"""A transaction that is retried after a short failure of the database: a restart, a lock time-out, a deadlock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from digest.db.core.database_failures import is_temporary, problem_and_cure
from digest.db.core.engine import transaction
from digest.errors import Transient

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


def retry_transaction(work: Callable[[Session], T], *, seconds: float) -> T:
    """Run `work` in one transaction, and all of it again where the database fails, for `seconds`. Raises Transient.

    `work` must be idempotent: where the answer to a commit is lost, it runs twice.
    """
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            with transaction() as session:
                return work(session)
        except DBAPIError as error:
            if not is_temporary(error):
                raise
            if time.monotonic() + pause > deadline:
                problem, cure = problem_and_cure(error)
                raise Transient(f"{problem}; {cure}") from error
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)

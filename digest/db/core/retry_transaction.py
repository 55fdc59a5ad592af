"""A transaction that outlasts a short failure of the database: a restart, a lock that took too long, a deadlock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlmodel import Session

from digest.db.core.engine import transaction
from digest.errors import Transient

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


def retry_transaction(work: Callable[[Session], T], *, seconds: float) -> T:
    """Do `work` in one transaction; where the database fails, all of it again, for that long. Raises Transient.

    A commit whose answer was lost is done twice, so `work` must bear that.
    """
    give_up, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            with transaction() as session:
                return work(session)
        except DBAPIError as error:
            if not _passing(error):
                raise
            if time.monotonic() + pause > give_up:
                raise Transient(f"the database does not answer: {type(error.orig).__name__}") from error
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _passing(error: DBAPIError) -> bool:
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)

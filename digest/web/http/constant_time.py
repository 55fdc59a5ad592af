"""Makes responses take the same time in all cases, so that the time does not reveal whether an address is known."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

STEP_SECONDS = 0.25  # many times longer than a sign-up takes, but short for a person


async def run_in_time_steps(work: Callable[[], None], *, step_seconds: float = STEP_SECONDS) -> None:
    """Do the work in a thread, and return after a whole number of time steps.

    An error is raised at once: callers raise only what does not depend on whether the address is known.
    """
    started_at = time.perf_counter()
    await run_in_threadpool(work)
    elapsed = time.perf_counter() - started_at
    await asyncio.sleep(math.ceil(elapsed / step_seconds) * step_seconds - elapsed)

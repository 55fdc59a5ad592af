"""Time limits for conditions that must become true. A slow or busy machine is no failure.

Waits end as soon as their condition holds, so the bound costs time only where a test fails anyway. A test of a
time-out sets one of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 240.0  # seconds; several fit into the `timeout` of pyproject.toml, which ends what hangs


def wait_for(
    condition: Callable[[], object], *, seconds: float = PATIENCE, state: Callable[[], object] = lambda: ""
) -> None:
    """Return when `condition` holds. Raises TimeoutError, with what `state` says then."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds:.0f} s {state()}".rstrip())
        time.sleep(0.02)

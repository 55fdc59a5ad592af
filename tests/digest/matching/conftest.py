"""Machine code is compiled once for all workers of the tests."""

from __future__ import annotations

import pytest

from digest.services.selection import engine_warmup


@pytest.fixture(scope="module")
def kernel() -> None:
    """Compiled by one worker; the others wait for it."""
    engine_warmup.warm_up()

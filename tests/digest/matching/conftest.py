"""Machine code is made once for all workers of the tests."""

from __future__ import annotations

import pytest

from digest.services.selection import engine_warmup


@pytest.fixture(scope="module")
def kernel() -> None:
    """Made by one, waited for by the others."""
    engine_warmup.warm_up()

"""What a web process prepares is exempted from the cyclic collector, whose runs stop all threads."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from digest.web.http.warm_up import WarmUp
from tests.patience import wait_for


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_prepared_data_are_not_looked_at_again_by_the_collector() -> None:
    prepared: list[list[int]] = []

    WarmUp(lambda: prepared.extend([number] for number in range(1000))).start_and_refresh()

    wait_for(lambda: bool(prepared) and not any(item is prepared[0] for item in gc.get_objects()))

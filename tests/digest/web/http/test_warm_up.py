"""What a web process prepares is exempted from the cyclic collector, whose runs stop all threads."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from digest.web.http import warm_up
from digest.web.http.warm_up import WarmUp
from tests.patience import PATIENCE


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_prepared_data_are_not_looked_at_again_by_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "REFRESH_SECONDS", 0.01)
    prepared: list[list[int]] = []
    is_refreshed = threading.Event()

    WarmUp(lambda: prepared.extend([number] for number in range(1000)), is_refreshed.set).start_and_refresh()
    assert is_refreshed.wait(PATIENCE)

    assert prepared
    assert not any(item is prepared[0] for item in gc.get_objects())

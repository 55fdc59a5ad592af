"""The pools of a process that goes on for days: what earlier runs needed is released."""

from __future__ import annotations

import gc
from datetime import date, timedelta

import pytest

from digest.matching.scoring.bm25 import Weights
from tests.digest.services.conftest import MONDAY, Lab, utc

DAYS = [MONDAY + timedelta(days=number) for number in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
RETAINED = 4  # sets of word weights: those of two epochs by pools, and as many that are unpacked


def live_weights() -> list[Weights]:
    return [tracked for tracked in gc.get_objects() if isinstance(tracked, Weights)]


@pytest.mark.parametrize("days", [DAYS[2:8], pytest.param(DAYS, marks=pytest.mark.soak)], ids=len)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_word_weights_of_earlier_days_are_released(lab: Lab, days: list[date]) -> None:
    lab.subscribe("ada", "offline reinforcement learning")
    gc.collect()
    before = {id(weights) for weights in live_weights()}
    sent = 0
    for day in days:
        lab.set_time(utc(day, 6))
        lab.announce(day, f"Offline reinforcement learning in chapter {day.day}")
        lab.set_time(utc(day, 12))
        sent += lab.run().sent

    gc.collect()
    new_weights = [weights for weights in live_weights() if id(weights) not in before]

    assert sent == len(days)
    assert len(new_weights) <= RETAINED

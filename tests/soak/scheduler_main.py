"""A real scheduler that checks its jobs every half second. Settings come from the environment."""

from __future__ import annotations

from tests.soak.short import shorten
from workers import scheduler

if __name__ == "__main__":
    shorten()
    scheduler.TICK_SECONDS = scheduler.SWEEP_SECONDS = scheduler.PULSE_SECONDS = 0.5
    scheduler.LEADER_LOCK_SECONDS = 2.0
    scheduler.run()

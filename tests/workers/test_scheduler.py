"""One leader ticks; a job that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import Transient
from digest.redis import SCHEDULER, PrivateRedis, connect
from tests.patience import wait_for
from workers.scheduler import ClockStepWatch, LeaderLock, create_scheduler, run_jobs_after_step_back


@pytest.fixture
def leader(redis_server: PrivateRedis) -> Callable[[str], LeaderLock]:
    return lambda holder: LeaderLock(connect(redis_server.url), holder)


def test_of_two_schedulers_one_ticks(leader: Callable[[str], LeaderLock]) -> None:
    ticks: list[str] = []
    now = datetime.now(UTC)
    both = [
        create_scheduler({"tick": (0.05, lambda name=name: ticks.append(name))}, leader(name), now=now) for name in "ab"
    ]

    for scheduler in both:
        scheduler.start()
    wait_for(lambda: len(ticks) >= 4)
    for scheduler in both:
        scheduler.shutdown()

    assert len(set(ticks)) == 1


def test_the_other_takes_over_when_the_leader_leaves(leader: Callable[[str], LeaderLock]) -> None:
    first, second = leader("a"), leader("b")
    before = first.acquire(), second.acquire()
    first.release()

    after = second.acquire(), first.acquire()

    assert before == after == (True, False)
    assert second.term == 2


def test_a_scheduler_that_ended_in_order_leaves_no_progress_behind(
    leader: Callable[[str], LeaderLock], redis_server: PrivateRedis
) -> None:
    store, ended, running = connect(redis_server.url), leader("host:1"), leader("host:2")
    for lock in (ended, running):
        lock.acquire()
        lock.stamp_progress()
    ended.release()

    assert store.progress(SCHEDULER).keys() == {"host:2"}


def test_of_two_containers_with_the_same_host_name_and_process_id_one_leads(
    leader: Callable[[str], LeaderLock],
) -> None:
    assert [leader("host:1").acquire(), leader("host:1").acquire()] == [True, False]


def test_a_failing_job_is_tried_again_and_stops_no_other(leader: Callable[[str], LeaderLock]) -> None:
    calls: list[str] = []

    def failing() -> None:
        calls.append("failing")
        raise Transient("the database does not answer")

    jobs: dict[str, tuple[float, Callable[[], object]]] = {
        "failing": (0.05, failing),
        "working": (0.05, lambda: calls.append("working")),
    }
    scheduler = create_scheduler(jobs, leader("a"), now=datetime.now(UTC))
    scheduler.start()

    wait_for(lambda: calls.count("failing") >= 2 and calls.count("working") >= 2)
    scheduler.shutdown()

    assert set(calls) == {"failing", "working"}


def test_a_late_job_runs_once_and_not_for_each_time_it_missed(leader: Callable[[str], LeaderLock]) -> None:
    calls: list[str] = []
    jobs: dict[str, tuple[float, Callable[[], object]]] = {"late": (600, lambda: calls.append("late"))}
    days_ago = datetime.now(UTC) - timedelta(days=2)

    scheduler = create_scheduler(jobs, leader("a"), now=days_ago)
    scheduler.start()
    wait_for(lambda: bool(calls))
    scheduler.shutdown()

    assert calls == ["late"]


class SettableClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(("step", "seconds"), [(-7200, 7200), (-30, 30), (-2, 0), (0, 0), (7200, 0)])
def test_a_wall_clock_that_is_set_back_is_noticed_once(step: float, seconds: float) -> None:
    wall, monotonic = SettableClock(), SettableClock()
    watch = ClockStepWatch(wall=wall, monotonic=monotonic)

    monotonic.seconds += 5
    wall.seconds += 5 + step

    assert watch.seconds_back() == seconds
    assert watch.seconds_back() == 0


def test_jobs_run_at_once_after_the_clock_was_set_back(leader: Callable[[str], LeaderLock]) -> None:
    calls: list[str] = []
    jobs: dict[str, tuple[float, Callable[[], object]]] = {"sweep": (5, lambda: calls.append("sweep"))}
    wall = SettableClock()
    watch = ClockStepWatch(wall=wall)
    scheduler = create_scheduler(jobs, leader("a"), now=datetime.now(UTC) + timedelta(hours=2))  # before the step
    scheduler.start()

    wall.seconds -= 7200
    run_jobs_after_step_back(scheduler, watch)
    wait_for(lambda: bool(calls))
    scheduler.shutdown()

    assert calls == ["sweep"]

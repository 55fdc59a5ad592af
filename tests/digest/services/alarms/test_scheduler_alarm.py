"""An alarm where no scheduler runs, raised by the web process, on a real Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from digest import redis
from digest.queues import NoQueue
from digest.redis import PrivateRedis, RedisStore
from digest.services.alarms import scheduler_alarm
from digest.web.http import scheduler_watch
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import alarms, later

pytestmark = MAINLY_SQLITE


class CountingQueue(NoQueue):
    """An Enqueue that counts how often a worker is woken."""

    woken = 0

    def deliver(self) -> None:
        self.woken += 1


@pytest.fixture
def store(service: str, configured: Callable[..., None]) -> Iterator[RedisStore]:
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        connected = redis.connect(server.url)
        yield connected
        connected.close()


def test_without_a_scheduler_an_alarm_is_raised_once_a_day_and_a_worker_is_woken(store: RedisStore) -> None:
    queue = CountingQueue()
    for _ in range(2):
        scheduler_watch.check_once(queue)

    assert alarms() == ["No scheduler runs"] * 2
    assert queue.woken == 1
    assert scheduler_alarm.check_scheduler(now=later(hours=25))


def test_a_scheduler_that_makes_progress_is_well(store: RedisStore) -> None:
    store.record_progress("a:1", redis.SCHEDULER)

    assert not scheduler_alarm.check_scheduler()


def test_a_scheduler_that_was_silent_for_long_is_not(store: RedisStore) -> None:
    store.record_progress("a:1", redis.SCHEDULER)
    store._client.zincrby("digest:progress:scheduler", -601, "a:1")

    assert scheduler_alarm.check_scheduler()


def test_a_scheduler_that_ended_in_order_may_be_absent_as_long_as_a_silent_one(store: RedisStore) -> None:
    scheduler_alarm.note_orderly_end(store)
    during_a_restart = scheduler_alarm.check_scheduler()
    store._client.pexpire("digest:text:scheduler_ended", 0)

    assert not during_a_restart
    assert scheduler_alarm.check_scheduler()


def test_without_redis_cron_runs_the_service_and_nothing_is_checked(service: str) -> None:
    assert not scheduler_alarm.check_scheduler()


def test_a_redis_that_does_not_answer_ends_no_watch(service: str, configured: Callable[..., None]) -> None:
    configured(REDIS_URL="redis://127.0.0.1:1")
    queue = CountingQueue()

    scheduler_watch.check_once(queue)

    assert (alarms(), queue.woken) == ([], 0)

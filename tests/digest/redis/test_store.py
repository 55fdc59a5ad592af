"""Marks, the lead, progress, and a private server that dies with its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from digest.errors import Misconfigured, Transient
from digest.redis import PrivateRedis, RedisStore, broker_url, connect, find_server
from tests.conftest import ROOT
from tests.patience import PATIENCE, wait_for
from tests.processes import has_ended, state

OWNER = """
import time
from digest.redis import PrivateRedis
server = PrivateRedis()
server.start()
print(server.pid, server.url, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateRedis]:
    with PrivateRedis() as running:
        yield running


@pytest.fixture
def store(server: PrivateRedis) -> Iterator[RedisStore]:
    client = connect(server.url)
    yield client
    client.close()


def test_a_task_is_marked_once_until_it_ends(store: RedisStore) -> None:
    first, second = store.mark("a", 60), store.mark("a", 60)
    store.record_end("a")
    third = store.mark("a", 60)

    assert (first, second, third) == (True, False, True)


def test_a_mark_expires(store: RedisStore) -> None:
    store.mark("b", 0.02)
    time.sleep(0.05)

    assert store.mark("b", 60)


def test_a_mark_of_a_clock_that_was_ahead_does_not_last(store: RedisStore) -> None:
    store.mark("ahead", 86_400)

    assert store.mark("ahead", 60)
    assert not store.mark("ahead", 60)


def test_starts_are_counted_until_the_task_ends(store: RedisStore) -> None:
    counts = [store.record_start("c", 60), store.record_start("c", 60)]
    store.record_end("c")

    assert [*counts, store.record_start("c", 60)] == [1, 2, 1]


def test_one_leads_until_its_time_is_over_and_the_terms_grow(store: RedisStore) -> None:
    first, other = store.acquire_lead("d", "one", 60), store.acquire_lead("d", "two", 60)
    renewed = store.acquire_lead("d", "one", 0.1)
    time.sleep(0.15)
    next_one = store.acquire_lead("d", "two", 60)

    assert (first, other, renewed, next_one) == (1, 0, 1, 2)


def test_a_lead_taken_by_a_clock_that_was_ahead_does_not_last(store: RedisStore) -> None:
    store.acquire_lead("f", "one", 86_400)

    assert store.acquire_lead("f", "two", 60) == 2


def test_only_the_leader_can_leave(store: RedisStore) -> None:
    store.acquire_lead("e", "one", 60)
    store.release_lead("e", "two")
    other = store.acquire_lead("e", "two", 60)
    store.release_lead("e", "one")

    assert other == 0
    assert store.acquire_lead("e", "two", 60) > 0


def test_progress_is_as_old_as_the_last_stamp(store: RedisStore) -> None:
    store.record_progress("worker")
    time.sleep(0.05)

    assert 0.04 < store.progress()["worker"] < PATIENCE


def test_fingerprints_are_recorded_for_a_process_of_a_kind_until_it_ends_in_order(store: RedisStore) -> None:
    store.record_file_fingerprints("host:1", "scheduler", {"/a/.env": "1f"})
    store.record_file_fingerprints("host:1", "worker", {"/a/.env": "2e"})
    recorded = store.file_fingerprints("host:1", "scheduler"), store.file_fingerprints("host:1", "worker")
    store.remove_progress("host:1", "scheduler")
    store.remove_process("host:1", ["delivery"])

    assert recorded == ({"/a/.env": "1f"}, {"/a/.env": "2e"})
    assert store.file_fingerprints("host:1", "scheduler") == store.file_fingerprints("host:1", "worker") == {}


def test_progress_of_a_process_that_ended_in_order_is_removed(store: RedisStore) -> None:
    store.record_progress("host:3", "scheduler")
    store.remove_progress("host:3", "scheduler")

    assert "host:3" not in store.progress("scheduler")


def test_a_lost_server_is_transient() -> None:
    unreachable = connect("unix:///nowhere/redis.sock")

    with pytest.raises(Transient, match="Redis does not answer"):
        unreachable.mark("a", 1)


@pytest.mark.parametrize("url", ["", "http://localhost"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="DIGEST_REDIS_URL"):
        connect(url)


def test_the_queue_writes_a_sockets_address_its_own_way() -> None:
    assert broker_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock"


def test_the_program_from_path_comes_first(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    program = os.path.join(tmp_path, "valkey-server")  # noqa: PTH118
    with open(program, "w") as file:  # noqa: PTH123
        file.write("#!/bin/sh\n")
    os.chmod(program, 0o755)  # noqa: PTH101
    monkeypatch.setenv("PATH", str(tmp_path))

    assert str(find_server()) == program


def test_without_a_program_on_path_the_wheels_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert find_server().name == "valkey-server"


def test_a_private_server_evicts_no_keys_when_it_is_full(server: PrivateRedis) -> None:
    import redis

    client = redis.Redis.from_url(server.url)
    policy = client.config_get("maxmemory-policy")
    client.close()

    assert policy == {"maxmemory-policy": "noeviction"}


def test_a_private_server_starts_again_at_the_same_address(server: PrivateRedis, store: RedisStore) -> None:
    os.kill(server.pid or 0, signal.SIGKILL)
    wait_for(lambda: server.pid is None)
    server.start()

    store.ping()

    assert server.pid is not None


def test_a_private_server_that_was_killed_is_no_zombie_once_it_runs_again(server: PrivateRedis) -> None:
    killed = server.pid or 0
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: has_ended(killed))
    server.start()

    assert state(killed) == ""


def test_a_private_server_that_runs_is_replaced_when_it_is_started_again(server: PrivateRedis) -> None:
    former = server.pid or 0
    server.start()

    assert state(former) == ""
    assert server.pid not in {former, None}


def test_ctrl_c_ends_the_owner_alone_which_ends_a_private_server_last(server: PrivateRedis) -> None:
    assert server.pid is not None

    assert os.getpgid(server.pid) != os.getpgrp()


def test_a_private_server_ends_when_its_owner_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, url = owner.stdout.readline().split()
        owner.kill()

    wait_for(lambda: has_ended(int(pid)))
    assert len(url) < 110

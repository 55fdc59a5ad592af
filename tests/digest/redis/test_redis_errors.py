"""What Redis refuses is named with its cure, as a real server words it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_client

from digest import redis
from digest.errors import Transient
from digest.redis import PrivateRedis
from digest.redis.redis_errors import failure_of


@pytest.fixture
def server() -> Iterator[PrivateRedis]:
    with PrivateRedis() as private_redis:
        yield private_redis


def test_a_server_that_requires_a_password_says_where_it_goes(server: PrivateRedis) -> None:
    redis_client.Redis.from_url(server.url).config_set("requirepass", "secret")

    with pytest.raises(Transient, match="requires a password: redis://:password@host"):
        redis.connect(server.url).ping()


def test_a_wrong_password_is_named(server: PrivateRedis) -> None:
    redis_client.Redis.from_url(server.url).config_set("requirepass", "secret")

    with pytest.raises(Transient, match="user or password of DIGEST_REDIS_URL is wrong"):
        redis.connect(f"{server.url}?password=other").ping()


def test_a_database_that_is_not_there_is_named(server: PrivateRedis) -> None:
    with pytest.raises(Transient, match="no database of the number"):
        redis.connect(f"{server.url}?db=99").ping()


def test_a_server_without_memory_is_named(server: PrivateRedis) -> None:
    redis_client.Redis.from_url(server.url).config_set("maxmemory", 1)

    with pytest.raises(Transient, match="no memory left"):
        redis.connect(server.url).store_text("name", "text", seconds=60)


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        ("LOADING Redis is loading the dataset in memory", "still loads its data"),
        ("READONLY You can't write against a read only replica.", "name the primary"),
        ("MISCONF Redis is configured to save RDB snapshots, but can't persist", "free its disk"),
        ("Error 111 connecting to 127.0.0.1:1. Connection refused.", "does not answer: Error 111"),
    ],
)
def test_a_reply_is_explained(reply: str, meaning: str) -> None:
    assert meaning in str(failure_of(reply))

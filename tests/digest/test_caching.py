"""The cache of a process: bounded, versioned, and each value made by one thread at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from digest.caching import BoundedCache


def cache(*, entries: int = 10, size: int = 1000) -> BoundedCache[str]:
    return BoundedCache(max_entries=entries, max_bytes=size, size_of=len)


def test_a_value_is_made_once_for_each_version() -> None:
    values, computed = cache(), []

    for version in (1, 1, 2, 2, 1):
        values.get("page", lambda version=version: computed.append(version) or f"v{version}", version=version)  # type: ignore[misc]

    assert computed == [1, 2, 1]


def test_the_least_recently_used_value_goes_first_where_there_are_too_many() -> None:
    values, computed = cache(entries=2), []

    for key in "abacab":
        values.get(key, lambda key=key: computed.append(key) or key)  # type: ignore[misc]

    assert computed == ["a", "b", "c", "b"]
    assert values.size == (2, 2)


def test_values_go_where_they_take_too_many_bytes_and_a_single_larger_one_is_not_kept() -> None:
    values = cache(size=10)

    values.get("a", lambda: "x" * 6)
    values.get("b", lambda: "x" * 6)
    values.get("c", lambda: "x" * 11)

    assert values.size == (1, 6)


def test_threads_that_want_the_same_value_wait_for_the_one_that_makes_it() -> None:
    values, computed, release, started = cache(), [], threading.Event(), threading.Event()

    def make() -> str:
        started.set()
        release.wait(60)
        computed.append(1)
        return "value"

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(values.get, "page", make) for _ in range(8)]
        started.wait(60)
        release.set()
        assert {answer.result() for answer in answers} == {"value"}

    assert len(computed) == 1


def test_a_value_that_is_being_made_holds_up_no_other_one() -> None:
    values, release, started = cache(), threading.Event(), threading.Event()

    def make() -> str:
        started.set()
        release.wait(60)
        return "slow"

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(values.get, "slow", make)
        started.wait(60)
        assert values.get("fast", lambda: "fast") == "fast"
        release.set()
        assert slow.result() == "slow"


def test_an_error_is_raised_and_the_next_one_who_asks_tries_again() -> None:
    values = cache()

    def fail() -> str:
        raise LookupError("nothing")

    with pytest.raises(LookupError):
        values.get("page", fail)
    assert values.get("page", lambda: "there") == "there"

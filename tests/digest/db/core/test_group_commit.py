"""Concurrent writes share a transaction, and each caller gets its own error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlmodel import Session, select

from digest import clock
from digest.db.core.engine import reading
from digest.db.core.group_commit import GroupCommit
from digest.models import Attempt
from tests.patience import PATIENCE

ACTION = "group"


class _Writer:
    """Stores each write as an attempt, and the size of each transaction; the first waits until it is released."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.released = threading.Event()

    def __call__(self, session: Session, writes: Sequence[str]) -> None:
        self.sizes.append(len(writes))
        if len(self.sizes) == 1:
            assert self.released.wait(PATIENCE)
        if "bad" in writes:
            raise ValueError("a bad write")
        session.add_all([Attempt(action=ACTION, key=write, at=clock.now()) for write in writes])


def stored_keys() -> list[str]:
    with reading() as session:
        return sorted(session.exec(select(Attempt.key).where(Attempt.action == ACTION)))


async def commit_all(writer: _Writer, writes: Sequence[str]) -> list[BaseException | None]:
    """Commit the first write, all others while it commits."""
    commits = GroupCommit(writer)
    first = asyncio.create_task(commits.commit(writes[0]))
    while not writer.sizes:
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(commits.commit(write)) for write in writes[1:]]
    await asyncio.sleep(0)
    writer.released.set()
    return await asyncio.wait_for(asyncio.gather(first, *others, return_exceptions=True), PATIENCE)


def test_what_arrives_during_a_commit_shares_the_next_transaction(database: str) -> None:
    writer = _Writer()
    results = asyncio.run(commit_all(writer, ["a", "b", "c", "d"]))

    assert results == [None] * 4
    assert writer.sizes == [1, 3]
    assert stored_keys() == ["a", "b", "c", "d"]


def test_a_failing_write_fails_alone(database: str) -> None:
    writer = _Writer()
    results = asyncio.run(commit_all(writer, ["a", "b", "bad", "d"]))

    assert [type(result) for result in results] == [type(None), type(None), ValueError, type(None)]
    assert stored_keys() == ["a", "b", "d"]


def test_a_caller_that_gave_up_stops_nobody(database: str) -> None:
    async def give_up() -> None:
        writer = _Writer()
        commits = GroupCommit(writer)
        impatient = asyncio.create_task(commits.commit("a"))
        while not writer.sizes:
            await asyncio.sleep(0.001)
        impatient.cancel()
        writer.released.set()
        await asyncio.wait_for(commits.commit("b"), PATIENCE)
        with pytest.raises(asyncio.CancelledError):
            await impatient

    asyncio.run(give_up())

    assert stored_keys() == ["a", "b"]

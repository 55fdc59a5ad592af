"""kill -9 at random moments: no mail is lost, and duplicates were in flight and have the same Message-ID."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from digest.db.core.engine import reading
from digest.db.outbox import held_mail
from tests import takeover
from tests.soak.conftest import BOTH, FULL, FULL_SQLITE, POSTGRESQL, SMALL, SMALL_RUN, Size, SoakRun

VICTIMS = pytest.mark.parametrize("victim", ["child", "main"])
KILLS = pytest.mark.parametrize(
    ("database", "size"),
    [
        pytest.param("postgresql", SMALL, id="postgresql small"),
        pytest.param("sqlite", SMALL_RUN, id="sqlite small"),
        pytest.param("postgresql", FULL, id="postgresql full", marks=pytest.mark.soak),
        pytest.param("sqlite", FULL_SQLITE, id="sqlite full", marks=pytest.mark.soak),
    ],
    indirect=["database"],
)


def killed(run: SoakRun, size: Size, victim: str) -> None:
    """Send all mails, killing at random moments."""
    rng, fleet = random.Random(7), None
    run.enqueue(size.mails)
    fleet = run.begin()
    for moment in run.moments(size, 11):
        run.until_taken(moment)
        if victim == "child":
            fleet.kill_child(rng)
        else:
            fleet.kill_main()


def check_nothing_lost(run: SoakRun, size: Size) -> None:
    """Assert that no mail is lost and that duplicates were in flight and are the same mail."""
    assert run.lost() == set()
    assert run.doubled() <= run.in_doubt
    assert all(len(names) == 1 for names in run.names().values())
    assert run.outbox.states() == {"sent": size.mails}


@KILLS
@VICTIMS
def test_killed_processes_lose_nothing(run: SoakRun, size: Size, victim: str) -> None:
    killed(run, size, victim)
    run.until_over()

    check_nothing_lost(run, size)


@POSTGRESQL
@BOTH
def test_with_hold_nothing_is_doubled_and_every_open_case_is_listed(
    run: SoakRun, size: Size, configured: Callable[..., None]
) -> None:
    configured(UNCERTAIN="hold")
    run.sweeper = takeover.sweeper()
    killed(run, size, "child")
    run.until_over(is_held=True)

    with reading() as session:
        open_cases = {row.address for row in held_mail.held_deliveries(session, limit=10_000)}
    assert run.doubled() == 0
    assert run.lost() <= open_cases
    assert len(open_cases) == run.outbox.states().get("uncertain", 0)

"""Take-over of leases: when a heartbeat stands still for one lease, on the reaper's own clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import engine, transaction
from digest.db.outbox import claims, deliveries, leases
from digest.mail.outbox.lease_reaper import LeaseReaper
from digest.models.delivery import SENDING, SENT, UNCERTAIN
from tests.outbox import Outbox


class ManualClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sweeper(outbox: Outbox, manual_clock: ManualClock, configured: Callable[..., None]) -> LeaseReaper:
    configured(LEASE=100, MESSAGE_TIMEOUT=10)
    return LeaseReaper(settings.get(), monotonic=manual_clock)


def claim(outbox: Outbox) -> int:
    """Claim one mail with a lease that is never renewed."""
    if not outbox.rows():
        outbox.enqueue("ada@one.example")
    with transaction() as session:
        lease = leases.open_lease(session, "somebody", clock.now())
        claims.claim(session, lease, 8, clock.now(), domain="digest.example")
    return lease


def test_a_beat_that_stands_still_for_a_lease_is_taken_over(
    outbox: Outbox, sweeper: LeaseReaper, manual_clock: ManualClock
) -> None:
    claim(outbox)
    sweeper.sweep()
    manual_clock.seconds += 99
    takeovers_before = sweeper.sweep()
    manual_clock.seconds += 1

    takeovers_after = sweeper.sweep()

    assert (takeovers_before, takeovers_after) == (0, 1)
    assert outbox.row().state == UNCERTAIN
    assert outbox.row().due_at is not None


def test_a_beat_that_moves_keeps_the_lease(outbox: Outbox, sweeper: LeaseReaper, manual_clock: ManualClock) -> None:
    lease = claim(outbox)
    takeovers = 0
    for _ in range(5):
        takeovers += sweeper.sweep()
        manual_clock.seconds += 99
        with transaction() as session:
            leases.bump_beat(session, lease)

    assert takeovers == 0
    assert outbox.row().state == SENDING


def test_a_beat_just_before_the_take_over_stops_it(outbox: Outbox) -> None:
    lease = claim(outbox)
    with transaction() as session:
        leases.bump_beat(session, lease)

    with transaction() as session:
        leases_taken = leases.take_over(session, lease, 0, lambda _: None)

    assert leases_taken is None
    assert outbox.row().state == SENDING


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_lease_that_a_cut_off_machine_has_locked_is_taken_over_once_the_database_lets_go(
    outbox: Outbox, sweeper: LeaseReaper, manual_clock: ManualClock
) -> None:
    lease = claim(outbox)
    sweeper.sweep()
    manual_clock.seconds += 100
    with Session(engine()) as cut_off:
        leases.bump_beat(cut_off, lease)
        while_locked = sweeper.sweep(), sweeper.leases_taken_over
        cut_off.rollback()

    assert while_locked == (0, 0)
    assert sweeper.sweep() == 1
    assert sweeper.leases_taken_over == 1


def test_a_result_after_the_take_over_is_fenced_off(
    outbox: Outbox, sweeper: LeaseReaper, manual_clock: ManualClock
) -> None:
    lease = claim(outbox)
    row = outbox.row()
    sweeper.sweep()
    manual_clock.seconds += 100
    sweeper.sweep()

    with transaction() as session:
        fenced = deliveries.record_results(session, lease, [deliveries.DeliveryResult(row, SENT)], clock.now())
        beating = leases.bump_beat(session, lease)

    assert fenced == 1
    assert not beating
    assert outbox.row().state == UNCERTAIN


def test_five_dead_senders_hold_the_mail(outbox: Outbox, sweeper: LeaseReaper, manual_clock: ManualClock) -> None:
    outbox.enqueue("ada@one.example")
    for _ in range(5):
        outbox.make_due()
        claim(outbox)
        sweeper.sweep()
        manual_clock.seconds += 100
        sweeper.sweep()

    assert (outbox.row().state, outbox.row().due_at, outbox.row().attempts) == (UNCERTAIN, None, 5)

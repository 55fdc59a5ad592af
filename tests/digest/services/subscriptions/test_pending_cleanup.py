"""Sign-ups that nobody confirmed go after 30 days; all others stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from digest.queues import NoQueue
from digest.services.runs import retention
from digest.services.subscriptions import pending_cleanup, sign_up, sign_up_confirmation
from digest.services.subscriptions.preference_fields import Subscription
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, NOW, everything, only_subscriber

pytestmark = MAINLY_SQLITE


@pytest.fixture(autouse=True)
def _request(database: str, configured: Callable[..., None]) -> None:
    """Ada has signed up."""
    configured(SECRET_KEY="a-key-for-tests-of-at-least-32-bytes")
    with time_machine.travel(NOW, tick=False):
        sign_up.subscribe(Subscription(address=ADA, topics="graphs"), "203.0.113.7", NoQueue())


def test_a_sign_up_never_confirmed_is_forgotten_without_a_trace() -> None:
    forgotten = pending_cleanup.delete_unconfirmed(now=NOW + timedelta(days=31))

    assert forgotten == 1
    assert ADA not in str(everything())


def test_a_sign_up_may_be_confirmed_for_30_days() -> None:
    before = everything()

    assert pending_cleanup.delete_unconfirmed(now=NOW + timedelta(days=30)) == 0
    assert everything() == before


def test_a_confirmed_subscriber_is_not_cleaned_up() -> None:
    with time_machine.travel(NOW, tick=False):
        sign_up_confirmation.confirm(1, 1, "203.0.113.7", NoQueue())

    assert pending_cleanup.delete_unconfirmed(now=NOW + timedelta(days=400)) == 0
    assert only_subscriber().state == "active"


def test_the_daily_clean_up_deletes_unconfirmed_sign_ups() -> None:
    retention.delete_expired(now=NOW + timedelta(days=31))

    assert everything()["subscriber"] == []


def test_asking_again_begins_anew() -> None:
    with time_machine.travel(NOW + timedelta(days=20), tick=False):
        sign_up.subscribe(Subscription(address=ADA, topics="graphs"), "203.0.113.7", NoQueue())

    assert pending_cleanup.delete_unconfirmed(now=NOW + timedelta(days=31)) == 0
    assert pending_cleanup.delete_unconfirmed(now=NOW + timedelta(days=51)) == 1

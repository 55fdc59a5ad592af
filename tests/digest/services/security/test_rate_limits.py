"""Rate limits: what is counted together, when counting begins anew, and what no order of requests can exceed."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest import clock
from digest.db.core.engine import transaction
from digest.errors import TooMany
from digest.services.security import rate_limits
from digest.services.security.rate_limits import CONFIRMATIONS, DAY, SIGN_IN_MAILS, Backoff, RateLimit
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import later

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
TWICE = RateLimit("test", 2)


def allowances_of(limit: RateLimit | Backoff, *minutes: float, client: str = "ada") -> list[int]:
    """The allowance at each of these minutes."""
    start, allowances = clock.now(), []
    for minute in minutes:
        with transaction() as session:
            allowances.append(rate_limits.count_attempt(session, limit, client, now=start + timedelta(minutes=minute)))
    return allowances


@MAINLY_SQLITE
def test_a_window_begins_with_the_first_try_and_again_when_it_is_over(service: str) -> None:
    assert allowances_of(TWICE, 0, 30, 59, 60, 61, 62) == [1, 2, 0, 1, 2, 0]


@MAINLY_SQLITE
@pytest.mark.parametrize("limit", [TWICE, SIGN_IN_MAILS], ids=["window", "backoff"])
def test_tries_of_a_clock_that_was_a_year_ahead_lock_nobody(service: str, limit: RateLimit | Backoff) -> None:
    year = 365 * 24 * 60

    assert allowances_of(limit, year, year + 2, 0) == [1, 2, 1]


@MAINLY_SQLITE
def test_a_ceiling_reached_while_the_clock_was_ahead_stops_no_mail(service: str) -> None:
    ahead = clock.now() + timedelta(days=365)
    with transaction() as session:
        ceiling = rate_limits._ceiling()
        for _ in range(ceiling.limit):
            rate_limits.count_attempt(session, ceiling, rate_limits.ALL_CLIENTS, now=ahead)

    with pytest.raises(TooMany):
        rate_limits.require_below_ceiling(now=ahead)
    rate_limits.require_below_ceiling()


@MAINLY_SQLITE
def test_a_refused_try_is_not_counted(service: str) -> None:
    assert allowances_of(SIGN_IN_MAILS, 0, 0.5, 0.9, 1.0) == [1, 0, 0, 2]


@MAINLY_SQLITE
def test_each_key_and_each_action_is_counted_by_itself(service: str) -> None:
    allowances_of(TWICE, 0, 0)

    assert allowances_of(TWICE, 0, client="bob") == [1]
    assert allowances_of(RateLimit("other", 2), 0) == [1]


@MAINLY_SQLITE
def test_a_limit_of_nothing_allows_nothing(service: str) -> None:
    assert allowances_of(RateLimit("test", 0), 0) == [0]


@MAINLY_SQLITE
def test_the_seconds_to_wait_are_those_until_the_window_ends(service: str) -> None:
    start = clock.now()
    for _ in range(2):
        rate_limits.count_client(TWICE, "ada", now=start)

    with pytest.raises(TooMany) as refused:
        rate_limits.count_client(TWICE, "ada", now=start + timedelta(minutes=45))
    assert refused.value.seconds == 15 * 60


@pytest.mark.parametrize(
    ("address", "inbox"),
    [
        ("ada@one.example", "ada@one.example"),
        ("ada+news@one.example", "ada@one.example"),
        ("ada+a+b@one.example", "ada@one.example"),
        ("a.d.a@one.example", "a.d.a@one.example"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("a.da+x@googlemail.com", "ada@gmail.com"),
        ("+x@one.example", "+x@one.example"),
    ],
)
def test_the_spellings_of_one_inbox_have_one_name(address: str, inbox: str) -> None:
    assert rate_limits.canonical_inbox(address) == inbox


@SQLITE
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pauses=st.lists(st.integers(0, 40 * 60), min_size=1, max_size=15))
def test_no_day_holds_more_than_three_confirmations(service: str, pauses: list[int]) -> None:
    moments = [sum(pauses[: n + 1]) for n in range(len(pauses))]
    answers = allowances_of(CONFIRMATIONS, *moments, client=str(uuid.uuid4()))
    allowed = [moment for moment, number in zip(moments, answers, strict=True) if number]

    assert allowed[0] == moments[0]
    assert all(later - first >= DAY.total_seconds() / 60 for first, later in zip(allowed, allowed[3:], strict=False))


@MAINLY_SQLITE
def test_old_counters_are_deleted(service: str) -> None:
    from digest.services.runs import retention

    allowances_of(TWICE, 0)

    assert retention.delete_expired(now=later(days=1)) == 0
    assert retention.delete_expired(now=later(days=3)) == 1

"""Rates: mail over its domain's rate waits in the table, not on a connection; all other mail goes at full speed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import clock, settings
from digest.errors import Misconfigured
from digest.mail.outbox import sender as outboxes
from digest.mail.smtp.reply_classification import CONTENT as CONTENT_STEP
from digest.mail.smtp.reply_classification import classify_reply
from digest.mail.throttle import domain_rates, throttle
from digest.mail.throttle.throttle import Throttle
from digest.mail.throttle.token_buckets import Buckets, LocalBuckets
from digest.models.delivery import DEFERRED, QUEUED, SENT
from digest.redis import PrivateRedis, connect
from tests.outbox import Outbox
from tests.patience import PATIENCE
from tests.servers import CONTENT, RCPT, MailServer

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class SteppedClock:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock on instead of sleeping."""
        self.now += seconds


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    """The clock of the outbox, its rates and its rows: only the waits of a pass take time."""
    fake_clock, started_at = SteppedClock(), clock.now()
    times = SimpleNamespace(monotonic=fake_clock, sleep=fake_clock.sleep)
    monkeypatch.setattr(outboxes, "time", times)
    monkeypatch.setattr(throttle, "time", times)
    monkeypatch.setattr(throttle, "LocalBuckets", lambda: LocalBuckets(fake_clock))
    monkeypatch.setattr(clock, "now", lambda: started_at + timedelta(seconds=fake_clock.now - 1000.0))
    return fake_clock


@pytest.fixture(params=["here", "redis"])
def buckets(request: pytest.FixtureRequest) -> Iterator[Buckets]:
    """Both kinds, by the same rules."""
    if request.param == "here":
        yield LocalBuckets()
        return
    with PrivateRedis() as server:
        store = connect(server.url)
        yield store
        store.close()


@given(
    rate=st.floats(0.1, 50), burst=st.floats(1, 20),
    requests=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 10)), max_size=40),
)  # fmt: skip
def test_never_more_go_than_the_rate_and_one_burst(
    rate: float, burst: float, requests: list[tuple[float, int]]
) -> None:
    worker, admitted = SteppedClock(), 0
    token_buckets = LocalBuckets(worker)
    for seconds, count in requests:
        worker.now += seconds
        admitted += token_buckets.take("one.example", rate, burst, count)[0]

    assert admitted <= (worker.now - 1000.0) * rate + burst + 1e-3


@given(rate=st.floats(0.1, 50), burst=st.floats(1, 20))
def test_a_request_is_admitted_after_the_wait_that_was_returned(rate: float, burst: float) -> None:
    worker = SteppedClock()
    token_buckets = LocalBuckets(worker)
    token_buckets.take("one.example", rate, burst, 1000)
    worker.now += token_buckets.take("one.example", rate, burst, 1)[1] + 1e-5

    assert token_buckets.take("one.example", rate, burst, 1)[0] == 1


def test_a_bucket_gives_its_burst_and_then_says_how_long(buckets: Buckets) -> None:
    granted, wait = buckets.take("one.example", 0.002, 4.0, 10)
    other, none = buckets.take("two.example", 0.002, 4.0, 3)

    assert (granted, other, none) == (4, 3, 0.0)
    assert wait == pytest.approx(500, abs=1)
    assert buckets.available_tokens("one.example", 0.002, 4.0)[0] == 0


def test_what_is_overdrawn_is_waited_for(buckets: Buckets) -> None:
    buckets.charge("server", 0.1, 30)

    free, wait = buckets.available_tokens("server", 0.1, 29.0)

    assert free == 0
    assert 0 < wait <= 20 + 1e-3


def test_bookings_stand_one_behind_the_other(buckets: Buckets) -> None:
    starts = [buckets.reserve("one.example", 0.01, 50, 100_000.0) for _ in range(3)]

    assert starts == pytest.approx([0, 5000, 10_000], abs=PATIENCE)


def test_a_booking_is_never_later_than_requested(buckets: Buckets) -> None:
    buckets.reserve("one.example", 1.0, 100_000, 3600.0)

    assert buckets.reserve("one.example", 1.0, 1, 3600.0) == pytest.approx(3600.0, abs=0.5)


def test_two_workers_share_one_rate(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "BURST_SECONDS", 400.0)
    configured(DOMAIN_RATES="one.example=0.01")
    with PrivateRedis() as server:
        both = [Throttle(settings.get(), connect(server.url)) for _ in range(2)]
        admitted = [sum(throttler.admit(["one.example"] * 10)) for throttler in both]

    assert sum(admitted) == 4


def test_without_redis_each_worker_has_a_part_of_the_rate(configured: Callable[..., None]) -> None:
    configured(DOMAIN_RATES="one.example=40")
    with PrivateRedis() as server:
        throttler = Throttle(settings.get(), connect(server.url))
        os.kill(server.pid or 0, signal.SIGKILL)
        admitted = sum(throttler.admit(["one.example"] * 100))

    assert admitted == 80 // max(os.cpu_count() or 1, 2)


def test_a_slowed_domain_gets_its_rate_back_slowly() -> None:
    shares = [
        domain_rates.reduced_rate(10, domain_rates.recovered_share(0.5, minutes * 60)) for minutes in (0, 5, 10, 20)
    ]

    assert shares == [5.0, pytest.approx(7.07, abs=0.01), 10.0, 10.0]


def test_a_burst_of_refusals_halves_the_rate_once(buckets: Buckets, configured: Callable[..., None]) -> None:
    configured(DOMAIN_RATES="one.example=8")
    throttler = Throttle(settings.get(), buckets)
    for _ in range(8):
        throttler.slow("one.example")

    assert throttler.admit(["one.example"] * 20).count(True) == 8  # two seconds' worth of 4 a second


@pytest.mark.parametrize(
    ("code", "text", "slow"),
    [
        (421, "4.7.28 unusual rate of mail", True),
        (421, "too many connections", True),
        (451, "4.7.650 try later", True),
        (451, "4.7.1 Greylisting in action", False),
        (450, "4.7.1 <a@b>: Recipient address rejected: Graylisted", False),
        (452, "4.2.2 mailbox full", False),
    ],
)
def test_which_replies_ask_for_a_lower_rate(code: int, text: str, slow: bool) -> None:
    assert classify_reply(CONTENT_STEP, code, text).slow_down is slow


@pytest.mark.parametrize("value", ["gmail.com", "gmail.com=fast", "=3", "a b.com=3"])
def test_a_rate_that_is_no_rate_is_refused_by_name(configured: Callable[..., None], value: str) -> None:
    configured(DOMAIN_RATES=value)

    with pytest.raises(Misconfigured, match="DOMAIN_RATES"):
        settings.get()


def test_a_slow_domain_waits_in_the_table_and_stops_nobody(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], hand: SteppedClock
) -> None:
    configured(DOMAIN_RATES="slow.example=1", CONNECTIONS=4)
    outbox.enqueue(*(f"r{n}@slow.example" for n in range(30)), *(f"r{n}@fast.example" for n in range(30)))

    counts = outbox.send(seconds=1.2)

    sent = Counter(received.recipient.partition("@")[2] for received in smtp.log)
    waiting = [row.due_at for row in outbox.rows() if row.state == QUEUED]
    assert sent["fast.example"] == 30
    assert sent["slow.example"] == 3  # two seconds' worth at once, and one a second
    assert counts.deferred == 0
    assert all(row.attempts == 0 for row in outbox.rows() if row.state == QUEUED)
    assert max(instant for instant in waiting if instant) > clock.now() + timedelta(seconds=20)


@SQLITE
def test_a_slow_domains_mail_goes_out_at_its_rate(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], hand: SteppedClock
) -> None:
    configured(DOMAIN_RATES="slow.example=10")
    outbox.enqueue(*(f"r{n}@slow.example" for n in range(40)))
    started_at = hand.now

    outbox.send(seconds=8)

    assert outbox.states() == {SENT: 40}
    # Two seconds' worth at once, the other twenty at ten a second.
    assert hand.now - started_at == pytest.approx(2.0, abs=2 * outboxes.POLL_SECONDS)


@SQLITE
def test_a_domain_that_asks_for_a_lower_rate_gets_it(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], hand: SteppedClock
) -> None:
    configured(CONNECTIONS=4)
    smtp.fail(CONTENT, "421 4.7.28 slow down", address="@one.example", times=4)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(60)), *(f"r{n}@two.example" for n in range(60)))

    outbox.send(seconds=1)

    sent = Counter(received.recipient.partition("@")[2] for received in smtp.log if received.answered)
    assert sent["two.example"] == 60
    assert sent["one.example"] < 30
    assert outbox.states()[DEFERRED] == 4


@SQLITE
def test_a_greylisted_mail_does_not_slow_other_mails(outbox: Outbox, smtp: MailServer, hand: SteppedClock) -> None:
    smtp.fail(RCPT, "451 4.7.1 Greylisted, try again", address="r0@", times=1)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(60)))

    outbox.send(seconds=5)

    assert outbox.states() == {SENT: 59, DEFERRED: 1}


@SQLITE
def test_a_servers_rate_holds_no_connection_and_no_row(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], hand: SteppedClock
) -> None:
    configured(SEND_RATE=10)
    outbox.enqueue(*(f"r{n}@one.example" for n in range(100)))

    counts = outbox.send(seconds=1)

    assert 20 <= counts.sent <= 36  # two seconds' worth at once, then ten a second, and one window over
    assert counts.more
    assert set(outbox.states()) == {SENT, QUEUED}


@pytest.fixture(autouse=True)
def _fresh_rates() -> None:
    throttle._cached_throttle.cache_clear()

"""The call after each run: a dead-man switch that never holds up a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from digest.db.core.engine import transaction
from digest.models import Delivery
from digest.services.runs import completion_ping, run_report
from tests.digest.cli.conftest import Terminal, ready, terminal
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, later
from tests.ping_server import PingServer, ping_server

__all__ = ["ready", "terminal"]

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def pinged(service: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[PingServer]:
    monkeypatch.setattr(completion_ping, "RETRY_DELAY_SECONDS", 0.0)
    with ping_server() as server:
        configured(PING_URL=server.url, RUN_REPORT="never")
        yield server


def end_run(minutes_ago: int = 0) -> int:
    run = add_run(later(minutes=-minutes_ago))
    run_report.report_ended_runs()
    return run


def test_each_finished_run_is_announced_once(pinged: PingServer) -> None:
    end_run()

    assert [completion_ping.ping_ended_runs(), completion_ping.ping_ended_runs()] == [1, 0]
    assert pinged.calls == [("GET", "/ping/1b2c", "")]


def test_a_run_that_failed_is_announced_as_such_and_again_when_it_finishes(pinged: PingServer) -> None:
    run = add_run()
    waiting = add_mail(add_subscriber("ada@one.example"), run, state="queued")
    for hours, state in ((7, "queued"), (8, "sent")):
        _set_state(waiting, state)
        run_report.report_ended_runs(now=later(hours=hours))
        completion_ping.ping_ended_runs(now=later(hours=hours))

    assert [path for _, path, _ in pinged.calls] == ["/ping/1b2c/fail", "/ping/1b2c"]


def _set_state(delivery_id: int, state: str) -> None:
    with transaction() as session:
        row = session.get_one(Delivery, delivery_id)
        row.state, row.due_at = state, row.due_at if state == "queued" else None


def test_a_call_that_fails_is_repeated_by_a_later_tick_and_then_given_up(pinged: PingServer) -> None:
    end_run()
    pinged.statuses = [500, 503]

    results = [completion_ping.ping_ended_runs(now=later(minutes=m)) for m in (0, 1, 2, 3)]

    assert results == [0, 0, 1, 0]
    end_run(minutes_ago=15)
    assert completion_ping.ping_ended_runs(now=later(hours=2)) == 0


def test_attempts_of_one_process_are_bounded(pinged: PingServer) -> None:
    end_run()
    pinged.statuses = [500] * 10

    assert completion_ping.ping_ended_runs(attempts=3) == 0
    assert len(pinged.calls) == 3


@SQLITE
def test_with_post_the_body_names_the_run_and_no_address(
    pinged: PingServer, database: str, configured: Callable[..., None]
) -> None:
    configured(PING_METHOD="POST")
    run = end_run()
    completion_ping.ping_ended_runs()

    assert pinged.calls == [("POST", "/ping/1b2c", f"run {run} finished")]


@SQLITE
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://name.invalid/x"])
def test_a_service_that_can_not_be_reached_raises_nothing_and_is_logged_without_its_address(
    service: str, database: str, configured: Callable[..., None], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(PING_URL=url)
    end_run()

    assert completion_ping.ping_ended_runs() == 0
    output = capsys.readouterr()
    assert "ping_failed" in output.out + output.err
    assert url not in output.out + output.err


@SQLITE
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hc.example/uuid", "https://hc.example/uuid/fail"),
        ("https://hc.example/uuid/", "https://hc.example/uuid/fail"),
        ("https://hc.example/push?key=1", "https://hc.example/push/fail?key=1"),
    ],
)
def test_failures_have_an_address_below_that_of_success(database: str, url: str, expected: str) -> None:
    assert completion_ping.fail_url(url) == expected


def test_a_run_from_cron_is_announced_by_its_own_process(
    ready: Terminal, pinged: PingServer, configured: Callable[..., None]
) -> None:
    add_subscriber("ada@one.example", next_due_at=later(minutes=-20))

    ready.ok("run", "--inline")
    ready.ok("run", "--inline")

    assert [path for _, path, _ in pinged.calls] == ["/ping/1b2c"]


def test_an_address_that_is_not_http_is_refused_without_repeating_it(
    terminal: Terminal, configured: Callable[..., None]
) -> None:
    configured(PING_URL="file:///etc/passwd", SECRET_KEY="k" * 40)

    code, error = terminal.refused("run", "--inline")

    assert code == 2
    assert "DIGEST_PING_URL: expected an address" in error
    assert "passwd" not in error

"""A mail server that refuses us for four days: nobody is suppressed, administrators are alerted, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from digest.mail.smtp import transport
from tests.digest.cli.conftest import Terminal
from tests.digest.services.stored_rows import bounces, suppressed
from tests.outbox import Outbox
from tests.servers import CONTENT, DATA, MAIL, RCPT, MailFault, MailServer

MONDAY = datetime(2025, 11, 17, 8, tzinfo=UTC)
DAYS = 4
DOMAINS = 8
UNKNOWN = ("gone@mail01.example", "left@mail02.example")
REFUSALS = [
    (RCPT, "550 relay not permitted"),
    (RCPT, "550 5.1.0 <papers@lab.example> sender rejected"),
    (RCPT, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
    (MAIL, "530 5.7.0 Authentication required"),
    (RCPT, "550 no"),
    (RCPT, "550 5.1.1 User unknown"),
    (CONTENT, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"),
    (DATA, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using Spamhaus"),
    (RCPT, "452 4.3.1 Insufficient system storage"),
    (CONTENT, "550 5.4.5 Daily SMTP relay limit exceeded for customer"),
]


@pytest.fixture
def clock_at(ready: Terminal, configured: Callable[..., None]) -> Iterator[Callable[[datetime], object]]:
    configured(ADMIN_EMAILS="root@admin.example", MAIL_FROM="Papers <papers@lab.example>")
    with time_machine.travel(MONDAY, tick=True) as traveller:
        yield traveller.move_to
    transport.close_all()


def subscribe(ready: Terminal) -> list[str]:
    """Two subscribers at each of many domains, and two whose mailbox is gone."""
    addresses = [f"{name}@mail{n:02}.example" for n in range(DOMAINS) for name in ("ada", "bob")] + list(UNKNOWN)
    for address in addresses:
        ready.ok("admin", "subscribers", "add", address, "--topic", "bandits", "--consent", "asked in person")
    return addresses


def announce(ready: Terminal, tmp_path: Path, day: datetime) -> None:
    file = tmp_path / f"{day:%d}.jsonl"
    row = {"id": f"2511.000{day:%d}", "title": f"Bandits of day {day:%d}", "abstract": "We study bandits."}
    file.write_text(json.dumps(row | {"authors": ["Ada Byron"], "announced": f"{day:%Y-%m-%d}"}) + "\n")
    ready.ok("ingest", "jsonl", "--file", str(file))


def unknown_mailboxes() -> list[MailFault]:
    return [MailFault(RCPT, f"550 5.1.1 <{address}> mailbox does not exist here", -1, address) for address in UNKNOWN]


def refuse(smtp: MailServer, stage: str, reply: str) -> None:
    """Refuse every subscriber; the mailboxes that are gone are unknown, and the administrator's domain is served."""
    smtp.faults = [*unknown_mailboxes(), MailFault(stage, reply, -1, "" if stage == MAIL else "@mail")]


def test_ten_ways_of_refusing_us_over_four_days_cost_no_subscriber(
    ready: Terminal, smtp: MailServer, clock_at: Callable[[datetime], object], tmp_path: Path
) -> None:
    addresses = subscribe(ready)
    step = timedelta(days=DAYS) / len(REFUSALS)
    announced: set[date] = set()
    for number, (stage, reply) in enumerate(REFUSALS):
        now = MONDAY + number * step
        clock_at(now)
        if now.date() not in announced:
            announced.add(now.date())
            announce(ready, tmp_path, now)
        refuse(smtp, stage, reply)
        ready.ok("run", "--inline")
        clock_at(now + timedelta(minutes=15))  # the server's pause is over
        ready.ok("run", "--inline")
    refused = {row.address: row.state for row in Outbox().rows() if row.kind != "alarm"}
    before = set(suppressed()) | {address for address, _ in bounces()}
    recipients = {mail.recipient for mail in smtp.log if mail.answered}
    smtp.faults = unknown_mailboxes()
    clock_at(MONDAY + timedelta(days=DAYS, hours=8))
    ready.ok("run", "--inline")
    clock_at(MONDAY + timedelta(days=DAYS, hours=8, minutes=30))
    ready.ok("run", "--inline")

    unsent = [row for row in Outbox().rows() if row.state != "sent" and row.address not in UNKNOWN]
    assert {address for address, state in refused.items() if state == "rejected"} <= set(UNKNOWN)
    assert before <= set(UNKNOWN)
    assert recipients == {"root@admin.example"}
    assert [(row.address, row.kind, row.state, row.reply) for row in unsent] == []
    assert {address: count for address, count in smtp.recipients().items() if "@mail" in address} == {
        address: DAYS - 1
        for address in addresses
        if address not in UNKNOWN  # who subscribes at 8 is due the next day
    }
    assert set(suppressed()) == set(UNKNOWN)


@pytest.mark.parametrize("hours", [(0, 10), pytest.param((0, 5, 10, 15), marks=pytest.mark.soak)], ids=len)
def test_domains_that_each_refuse_us_in_their_own_way_for_four_days_lose_nothing(
    ready: Terminal,
    smtp: MailServer,
    clock_at: Callable[[datetime], object],
    tmp_path: Path,
    hours: tuple[int, ...],
) -> None:
    subscribe(ready)
    refusals = [
        refusal
        for refusal in REFUSALS
        if refusal[0] != MAIL and refusal[1][:3] != "452" and "User unknown" not in refusal[1]
    ]
    no_mailbox_faults = unknown_mailboxes()
    each = [MailFault(*refusals[n % len(refusals)], -1, f"@mail{n:02}.example") for n in range(DOMAINS)]
    smtp.faults = [*no_mailbox_faults, *each]
    for day in range(DAYS):
        clock_at(MONDAY + timedelta(days=day))
        announce(ready, tmp_path, MONDAY + timedelta(days=day))
        for hour in hours:
            clock_at(MONDAY + timedelta(days=day, hours=hour))
            ready.ok("run", "--inline")
    refused = {row.address for row in Outbox().rows() if row.state == "rejected"}
    alarms = [mail for mail in smtp.log if mail.answered and mail.recipient == "root@admin.example"]
    smtp.faults = no_mailbox_faults
    for hour in (8, 9, 14):
        clock_at(MONDAY + timedelta(days=DAYS, hours=hour))
        ready.ok("run", "--inline")

    assert refused <= set(UNKNOWN)
    assert set(suppressed()) == set(UNKNOWN)
    assert alarms != []
    assert {row.state for row in Outbox().rows() if row.address not in UNKNOWN} == {"sent"}

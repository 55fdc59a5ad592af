"""The audit names who acted at the command line, whatever the command."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.models import Audit
from digest.services.security.audit_actor import command_line_actor
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.conftest import Terminal

pytestmark = MAINLY_SQLITE

COMMANDS = (
    "subscribers add ada@example.com --topic bandits --consent asked",
    "subscribers import people.csv --consent asked",
    "suppress cyd@example.com --reason asked",
    "unsuppress cyd@example.com",
    "suppress dan@example.com --reason asked",
    "unsuppress --since 2025-01-01 --reason asked",
    "domains release one.example",
    "token create monitor --scope metrics:read",
    "token revoke monitor",
    "subscribers erase ada@example.com",
)


def test_every_command_that_changes_something_is_audited_with_its_user(ready: Terminal, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("address,topics\nbob@example.com,bandits\n")
    with transaction() as session:
        deliveries.pause_domain(session, "one.example", clock.now() + timedelta(hours=6), "550 5.7.1 no")
    for command in COMMANDS:
        ready.ok("admin", *command.replace("people.csv", str(tmp_path / "people.csv")).split())
    with reading() as session:
        audits = list(session.exec(select(Audit)))

    assert {audit.actor for audit in audits} == {command_line_actor()}
    assert {"suppress", "unsuppress", "release domain", "erase"} <= {audit.action for audit in audits}

"""Fixtures of the database layer's tests."""

from __future__ import annotations

import pytest

from digest import clock
from digest.db.core.engine import transaction
from digest.models import Announcement, Run
from tests.outbox import Outbox


@pytest.fixture
def run_id(outbox: Outbox) -> int:
    """A run with two queued mails."""
    now = clock.now()
    with transaction() as session:
        announcement = Announcement(id=now.date().toordinal(), day=now.date())
        session.add(announcement)
        session.flush()
        run = Run(slot=now, created_at=now, signals_at=now, batch_through=0, announcement_id=announcement.id or 0)
        session.add(run)
        session.flush()
        new_run_id = run.id or 0
    outbox.enqueue("ada@one.example", "bob@one.example", run_id=new_run_id)
    return new_run_id

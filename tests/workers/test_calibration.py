"""Profiles are calibrated by workers, part by part, once an epoch."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading
from digest.matching.profile import Profile, Topic
from digest.models import Threshold
from digest.papers import ListedPaper, ParsedDocument, Record
from digest.services.ingestion.import_document import store_document
from digest.services.runs import calibration_job
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_subscriber
from tests.patience import wait_for
from tests.workers.conftest import Worker
from workers.enqueue import CeleryEnqueue

SUBSCRIBERS = 5


def announced(day: date, number: int) -> None:
    record = Record(f"Bandits and graphs, part {number}", "We play with arms of bandits.", arxiv_id=f"2511.{number:05}")
    store_document("jsonl", "test", ParsedDocument((ListedPaper(record, "new"),)), day=day)


def calibrated_profiles() -> list[int]:
    with reading() as session:
        return sorted(row.profile_id for row in session.exec(select(Threshold)).all() if row.tau is not None)


@MAINLY_SQLITE
def test_a_worker_calibrates_every_subscriber_and_a_second_wake_up_changes_nothing(
    worker: Worker, port: CeleryEnqueue
) -> None:
    for days_ago in range(16, -1, -1):
        announced(clock.now().date() - timedelta(days=days_ago), days_ago + 1)
    for number in range(SUBSCRIBERS):
        add_subscriber(f"r{number}@one.example", profile=Profile((Topic("bandits"),)))

    port.calibrate()
    wait_for(lambda: len(calibrated_profiles()) == SUBSCRIBERS)
    first = calibrated_profiles()
    port.calibrate()
    wait_for(lambda: calibration_job.due_parts().parts == ())

    assert calibrated_profiles() == first

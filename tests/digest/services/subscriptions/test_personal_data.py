"""The export of one person's data: every table that refers to them is in it."""

from __future__ import annotations

import json

import pytest
from sqlmodel import SQLModel

from digest.db.core.engine import transaction
from digest.models import (
    AccountRequest,
    Attempt,
    Audit,
    Bounce,
    Consent,
    Delivery,
    Epoch,
    ExamplePaper,
    Feedback,
    Paper,
    ProfileVersion,
    SignUpRequest,
    Suppression,
    Threshold,
)
from digest.services.security import rate_limits
from digest.services.subscriptions import personal_data, update_preferences
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber, later, store_row

ADA = "ada@one.example"
REFERRING = {"subscriber_id", "profile_id", "address", "address_key", "address_hash"}
# `former_address` is filled when a subscriber's row goes: of one who can export there is no row.
# `admin_login` names administrators, not subscribers.
OF_NOBODY_HERE = {"former_address", "admin_login"}
BY_VALUE = {"attempt", "audit", "rate_limit_counter"}  # refer to a subscriber inside a text or JSON


def test_every_table_that_refers_to_a_person_is_exported() -> None:
    referring = {
        name
        for name, table in SQLModel.metadata.tables.items()
        if REFERRING & set(table.columns.keys())
        or any(key.column.table.name in {"subscriber", "profile_version"} for key in table.foreign_keys)
    }

    assert {table for table, _, _ in personal_data.SECTIONS} == (referring - OF_NOBODY_HERE) | BY_VALUE


@pytest.fixture
def ada(service: str) -> int:
    """A subscriber with a row in every table, and somebody else with as many."""
    number, other = add_subscriber(ADA), add_subscriber("bob@one.example")
    run = add_run()
    for subscriber in (number, other):
        add_mail(subscriber, run)
    with transaction() as session:
        epoch = Epoch(created_at=later(), papers=1, average_length_milli=1, announcements=1, terms=b"")
        paper = Paper(batch_id=1)
        session.add_all([epoch, paper])
        session.flush()
        epoch_id, paper_id = epoch.id or 0, paper.id or 0
    store_row(
        *(ProfileVersion(subscriber_id=n, number=2, created_at=later(), profile={}) for n in (number, other)),
        *(Consent(subscriber_id=n, event="asked", at=later(), client="203.0.113.7") for n in (number, other)),
        *(Threshold(profile_id=n, epoch_id=epoch_id, tau=n) for n in (1, 2)),
        *(Feedback(subscriber_id=n, paper_id=paper_id, verb="more", at=later()) for n in (number, other)),
        *(ExamplePaper(subscriber_id=n, import_id=1, title="Maps", added_at=later()) for n in (number, other)),
        *(Bounce(report_key=f"r{a}", address_key=a, kind="soft", at=later()) for a in (ADA, "bob@one.example")),
        Suppression(address_key=ADA, reason="complaint", at=later()),
        Delivery(kind="test", subject_id=9, address=ADA, domain="one.example", created_at=later()),
        *(Audit(at=later(), actor="root", action="add", detail={"subscriber": n}) for n in (number, other)),
        *(SignUpRequest(subscriber_id=n, created_at=later(), profile={}, schedule={}) for n in (number, other)),
        *(AccountRequest(subscriber_id=n, action="export", created_at=later()) for n in (number, other)),
        Attempt(action="welcome", key=str(number), at=later()),
    )
    with transaction() as session:
        rate_limits.count_attempt(session, rate_limits.INBOX_LIMITS[0], rate_limits.canonical_inbox(ADA), now=later())
    return number


def test_the_export_holds_what_every_table_holds_of_them_and_nothing_of_others(ada: int) -> None:
    exported = update_preferences.export_data(ada)
    counts = {name: len(exported[name]) for _, name, _ in personal_data.SECTIONS if isinstance(exported[name], list)}

    assert counts == {
        "profile_versions": 2,
        "thresholds": 1,
        "consent": 1,
        "editions": 1,
        "feedback": 1,
        "example_papers": 1,
        "mails": 2,
        "bounces": 1,
        "attempts": 1,
        "sign_up_requests": 1,
        "account_requests": 1,
        "request_counters": 1,
        "audit": 1,
    }
    assert exported["suppression"]["reason"] == "complaint"
    assert exported["consent"][0]["client"] == "203.0.113.7"
    assert {"unsubscribe", "feed"} <= set(exported["links"])
    assert "bob@" not in json.dumps(exported)

"""`digest admin unsuppress --since`: many addresses released at once, complaints only where named."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from digest import clock
from digest.db.bounces import reports as store
from digest.db.core.engine import reading, transaction
from digest.models import Audit
from tests.combinations import MAINLY_SQLITE
from tests.digest.cli.conftest import Terminal
from tests.digest.services.stored_rows import suppressed

REASONS = {
    "gone@one.example": "no such address",
    "full@one.example": "keeps failing",
    "angry@one.example": "complaint",
    "letter@one.example": "by hand",
}
TODAY = f"{clock.now():%Y-%m-%d}"


@pytest.fixture
def released_from(ready: Terminal) -> Terminal:
    """An installation with one suppression of each kind today, and one of last week."""
    with transaction() as session:
        for address, reason in REASONS.items():
            store.suppress(session, address, reason=reason, source="session 5.1.1", at=clock.now())
        week_ago = clock.now() - timedelta(days=7)
        store.suppress(session, "old@one.example", reason="no such address", source="session 5.1.1", at=week_ago)
    return ready


def still_suppressed() -> set[str]:
    """Today's suppressions that are left."""
    return set(suppressed()) - {"old@one.example"}


def test_a_named_reason_alone_is_released(released_from: Terminal) -> None:
    output = released_from.ok("admin", "unsuppress", "--since", TODAY, "--reason", "no such address")

    assert output == "1 address released: 1 no such address\n"
    assert still_suppressed() == {"full@one.example", "angry@one.example", "letter@one.example"}
    assert "old@one.example" in suppressed()


def test_an_explanation_releases_what_was_suppressed_for_failures(released_from: Terminal) -> None:
    released_from.ok("admin", "unsuppress", "--since", TODAY, "--reason", "the relay refused us")

    assert still_suppressed() == {"angry@one.example", "letter@one.example"}


@MAINLY_SQLITE
@pytest.mark.parametrize("reason", ["complaint", "Complaints", "a complaint: the provider's mistake"])
def test_complaints_are_released_where_named(released_from: Terminal, reason: str) -> None:
    released_from.ok("admin", "unsuppress", "--since", TODAY, "--reason", reason)

    assert still_suppressed() == set(REASONS) - {"angry@one.example"}


@pytest.mark.parametrize("reason", ["plain", "in", "a", "complain", "complaintive", "hand", "such", "an address", ":"])
def test_a_part_of_a_reason_names_none(released_from: Terminal, reason: str) -> None:
    released_from.ok("admin", "unsuppress", "--since", TODAY, "--reason", reason)

    assert still_suppressed() == {"angry@one.example", "letter@one.example"}


def test_a_reason_is_named_whatever_stands_between_its_words(released_from: Terminal) -> None:
    released_from.ok("admin", "unsuppress", "--since", TODAY, "--reason", "No-such  ADDRESS, keeps failing")

    assert still_suppressed() == {"angry@one.example", "letter@one.example"}


def test_a_dry_run_reports_and_changes_nothing(released_from: Terminal) -> None:
    command = ("admin", "unsuppress", "--since", TODAY, "--reason", "keeps failing", "--dry-run", "--json")
    output = json.loads(released_from.ok(*command))

    assert (output["released"], output["by_reason"], output["dry_run"]) == (1, {"keeps failing": 1}, True)
    assert [row["address"] for row in output["suppressions"]] == ["full@one.example"]
    assert still_suppressed() == set(REASONS)


def test_it_is_audited_without_addresses(released_from: Terminal) -> None:
    released_from.ok("admin", "unsuppress", "--since", TODAY, "--reason", "no such address")

    with reading() as session:
        (audit,) = session.exec(select(Audit).where(Audit.action == "unsuppress")).all()
    assert audit.detail == {"since": TODAY, "reason": "no such address", "released": 1, "forgiven": 0}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "--since"),
        (("ada@one.example", "--since", TODAY), "--since"),
        (("--since", TODAY), "reason"),
        (("ada@one.example", "--dry-run"), "--dry-run"),
        (("--since", "yesterday"), "since"),
    ],
)
def test_a_wrong_use_is_refused_by_name(ready: Terminal, words: tuple[str, ...], named: str) -> None:
    code, error = ready.refused("admin", "unsuppress", *words)

    assert code == 2
    assert named in error

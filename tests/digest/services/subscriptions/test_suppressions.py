"""Which suppressions their owner can lift."""

from __future__ import annotations

import pytest

from digest.services.subscriptions.suppressions import can_be_lifted


@pytest.mark.parametrize(
    ("reason", "source", "is_liftable"),
    [
        ("no such address", "session 5.1.1", True),
        ("no such address", "report 5.1.1 on delivery 7", True),
        ("keeps failing", "score", True),
        ("keeps failing", "", True),
        ("keeps failing", "administrator", False),
        ("complaint", "report", False),
        ("not me", "confirmation mail", False),
        ("asked by phone", "administrator", False),
    ],
)
def test_only_a_bounce_is_lifted_by_its_owner(reason: str, source: str, is_liftable: bool) -> None:
    assert can_be_lifted(reason, source) is is_liftable

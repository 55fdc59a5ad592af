"""Many new rows at once: what the database refuses is told as everywhere else, so that it can be tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from digest.db import deliveries
from digest.db.engine import transaction

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
OWED = deliveries.Owed("digest", 7, "ada@one.example")


def test_a_row_that_is_there_already_is_refused_as_by_any_insert(database: str) -> None:
    with transaction() as session:
        deliveries.owe_new(session, [OWED], NOON)

    with pytest.raises(IntegrityError), transaction() as session:
        deliveries.owe_new(session, [OWED], NOON)

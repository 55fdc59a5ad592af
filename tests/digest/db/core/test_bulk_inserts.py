"""Many new rows at once: refusals of the database raise the usual errors, so that they can be retried."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from digest.db.core.dialect import insert_missing
from digest.db.core.engine import transaction
from digest.models import Suppression

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
ROW = {"address_key": "ada@one.example", "reason": "bounced", "at": NOON}


def test_a_row_that_is_there_already_is_refused_as_by_any_insert(database: str) -> None:
    with transaction() as session:
        insert_missing(session, Suppression, [ROW])

    with pytest.raises(IntegrityError), transaction() as session:
        insert_missing(session, Suppression, [ROW])

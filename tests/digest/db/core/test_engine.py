"""Connections that the server has cut while they were idle."""

from __future__ import annotations

import time

import psycopg
import pytest
from sqlalchemy import text

from digest.db.core.engine import IDLE_SECONDS, reading


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_connection_that_was_cut_while_idle_is_reopened(database: str) -> None:
    with reading() as session:
        before = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (before,))
    time.sleep(2 * IDLE_SECONDS)
    with reading() as session:
        after = session.execute(text("SELECT pg_backend_pid()")).scalar_one()

    assert after != before

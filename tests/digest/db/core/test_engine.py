"""Connections that the server has cut while they were idle."""

from __future__ import annotations

import time

import psycopg
import pytest
from sqlalchemy import text

from digest.db.core.engine import IDLE_SECONDS, PEER_IDLE_SECONDS, engine_for, reading


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


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("option", "seconds"), [("", PEER_IDLE_SECONDS), ("&keepalives_idle=77", 77)])
def test_a_machine_that_is_gone_is_noticed_within_a_minute_unless_the_address_says_otherwise(
    database: str, option: str, seconds: int
) -> None:
    engine = engine_for(database + option)
    with engine.connect() as connection:
        driver_connection = connection.connection.driver_connection
        assert isinstance(driver_connection, psycopg.Connection)
        parameters = driver_connection.info.get_parameters()
    engine.dispose()

    assert parameters["keepalives_idle"] == str(seconds)
    assert int(parameters["tcp_user_timeout"]) <= 60_000

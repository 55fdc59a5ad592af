"""How mail is claimed: along the partial index, whatever else waits."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from digest import clock
from digest.db.core.engine import engine, reading, transaction
from digest.db.outbox import claims
from digest.db.outbox.deliveries import PRIORITY_NORMAL
from tests.outbox import Outbox

MANY = 20_000
_SENT = """
INSERT INTO delivery (kind, subject_id, serial, address, domain, priority, state, due_at, attempts, doubts, created_at,
                      reply)
SELECT 'digest', 100 + n, 0, 'a@one.example', 'one.example', 5, CASE WHEN n % 4 = 0 THEN 'queued' ELSE 'sent' END,
       now(), 0, 0, now(), '' FROM generate_series(1, :many) AS n
"""


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_claim_on_postgresql_walks_the_partial_index(outbox: Outbox) -> None:
    with transaction() as session:
        session.execute(text(_SENT), {"many": MANY})
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE delivery"))
    query = str(claims.SELECT_DUE.compile(engine(), compile_kwargs={"render_postcompile": True}))
    with reading() as session:
        parameters = {"priority": PRIORITY_NORMAL, "now": clock.now(), "room": 16}
        rows = session.connection().exec_driver_sql("EXPLAIN (ANALYZE, COSTS OFF) " + query, parameters)
        plan = "\n".join(row[0] for row in rows)

    assert "Index Scan using ix_delivery_due" in plan
    assert "Seq Scan on delivery" not in plan
    assert "Sort" not in plan

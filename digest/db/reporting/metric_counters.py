"""Counters for monitoring that all processes add to."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from digest.models import MetricCounter

LabelPairs = tuple[tuple[str, str], ...]


def increase(session: Session, increments: Mapping[tuple[str, LabelPairs], float]) -> None:
    """Add to counters, given by name and labels. They are locked in one order, so concurrent calls don't deadlock."""
    if not increments:
        return
    rows = [
        {"name": name, "labels": ",".join(f"{label}={value}" for label, value in labels), "value": increment}
        for (name, labels), increment in sorted(increments.items())
    ]
    insert = (postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert)(MetricCounter)
    insert = insert.values(rows)
    new_value = {"value": col(MetricCounter.value) + insert.excluded.value}
    session.execute(insert.on_conflict_do_update(index_elements=["name", "labels"], set_=new_value))


def totals(session: Session) -> dict[tuple[str, LabelPairs], float]:
    """All counters, by name and labels."""
    rows = session.exec(select(MetricCounter).order_by(col(MetricCounter.name), col(MetricCounter.labels)))
    return {(row.name, _parse_labels(row.labels)): row.value for row in rows}


def _parse_labels(text: str) -> LabelPairs:
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return tuple((label, value) for label, _, value in pairs)

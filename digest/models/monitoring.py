"""Counters for monitoring, and the record of which runs have ended."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from digest.models.types import UTCDateTime

RUN_FINISHED, RUN_FAILED = "finished", "failed"


class MetricCounter(SQLModel, table=True):
    """A counter that only grows, summed over all processes. `labels`: `name=value` pairs, separated by commas."""

    __tablename__ = "metric_counter"

    name: str = Field(primary_key=True, max_length=40)
    labels: str = Field(primary_key=True, max_length=120)
    value: float


class RunReport(SQLModel, table=True):
    """That a run has ended: written once by the process that noticed it, which also queues the report by mail.

    `outcome`: finished; or failed, while mails of the run still wait long after its start. A failed run may still
    finish. `pinged_at`: when DIGEST_PING_URL was called with this outcome.
    """

    __tablename__ = "run_report"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    outcome: str = Field(max_length=10)
    noticed_at: datetime = Field(sa_type=UTCDateTime)
    pinged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

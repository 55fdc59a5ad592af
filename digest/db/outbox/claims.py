"""Claims due deliveries. Those that may not be sent now are postponed by domain or run, so that no claim finds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import NamedTuple, Protocol

from sqlalchemy import JSON, BigInteger, String, Update, bindparam, cast, func, select, update
from sqlmodel import Session, SQLModel, col

from digest.db.core import installation
from digest.db.outbox.deliveries import (
    PRIORITY_BULK,
    PRIORITY_NORMAL,
    PRIORITY_URGENT,
    UNSENT_STATES,
    ClaimedDelivery,
    due_conditions,
)
from digest.db.outbox.message_ids import DeliveryKey, message_id
from digest.models import Delivery
from digest.models.delivery import CANCELLED, IS_WAITING, SENDING, UNCERTAIN
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import PAUSED
from digest.models.types import UTCDateTime

MAX_ROUNDS = 4  # how often a claim selects again after postponing deliveries
MAX_ROWS_SCANNED = 20_000  # when looking for the deliveries of one domain
MAX_ROWS_POSTPONED = 1_000
UNCERTAIN_RECHECK = timedelta(minutes=5)  # when an uncertain delivery of a paused run is due again


class SendGate(Protocol):
    """Decides which mails may be sent now, and when the others may."""

    def admit(self, domains: Sequence[str]) -> Sequence[bool]:
        """For each mail, by its domain, whether it may be sent now."""

    def next_slots(self, domain: str, count: int, *, queue: bool) -> tuple[float, float]:
        """Seconds until the first of `count` mails may be sent, and between them; `queue`: after postponed ones."""


class _Candidate(NamedTuple):
    """A due delivery that no other claim has locked. `installation`: the installation's key, None before it has one."""

    id: int
    kind: str
    subject_id: int
    serial: int
    created_at: datetime
    domain: str
    run_id: int | None
    run_state: str | None
    paused_until: datetime | None
    installation: str | None


_DELIVERIES = SQLModel.metadata.tables["delivery"]
_RUNS = SQLModel.metadata.tables["run"]
_PAUSES = SQLModel.metadata.tables["domain_pause"]
_NOW = bindparam("now", type_=UTCDateTime())
_KEY_COLUMNS = tuple(_DELIVERIES.c[name] for name in DeliveryKey._fields)
_INSTALLATION = select(SQLModel.metadata.tables["installation"].c.key).scalar_subquery()

# Statements are built once, because building one costs more than running it.
# This one reads due deliveries along the partial index, each with the state of its run and the pause of its domain.
SELECT_DUE = (
    select(*_KEY_COLUMNS, _DELIVERIES.c.domain, _DELIVERIES.c.run_id, _RUNS.c.state, _PAUSES.c.until, _INSTALLATION)
    .select_from(
        _DELIVERIES.outerjoin(_RUNS, _RUNS.c.id == _DELIVERIES.c.run_id).outerjoin(
            _PAUSES, _PAUSES.c.domain == _DELIVERIES.c.domain
        )
    )
    .where(_DELIVERIES.c.priority == bindparam("priority"), IS_WAITING, _DELIVERIES.c.due_at <= _NOW)
    .order_by(_DELIVERIES.c.due_at, _DELIVERIES.c.id)
    .limit(bindparam("room"))
    .with_for_update(of=_DELIVERIES, skip_locked=True)
)
_SELECT_DUE_OF_KIND = SELECT_DUE.where(_DELIVERIES.c.kind == bindparam("kind"))
_SET_DUE = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.id == bindparam("row_id"), IS_WAITING)
    .values(due_at=bindparam("new_due", type_=UTCDateTime()))
)


def claim(
    session: Session,
    lease_id: int,
    limit: int,
    now: datetime,
    *,
    domain: str,
    gate: SendGate | None = None,
    only_kind: str = "",
) -> list[ClaimedDelivery]:
    """Claim up to `limit` due deliveries: urgent ones first, then the longest due. No two claims take the same one.

    Those of paused domains, of paused or cancelled runs, and those that `gate` does not admit are postponed instead.
    `domain` is the domain of their Message-IDs. `only_kind`: claim this kind alone, '' for all kinds.
    """
    claimed: list[ClaimedDelivery] = []
    for priority in (PRIORITY_URGENT, PRIORITY_NORMAL, PRIORITY_BULK):
        for _ in range(MAX_ROUNDS):
            room = limit - len(claimed)
            candidates = _select_due(session, priority, room, now, only_kind) if room > 0 else []
            ids = _admit(session, priority, candidates, now, gate)
            admitted = [candidate for candidate in candidates if candidate.id in ids]
            claimed += _mark_sending(session, lease_id, admitted, now, domain)
            if len(ids) == len(candidates):
                break
    return claimed


def _select_due(session: Session, priority: int, limit: int, now: datetime, only_kind: str) -> list[_Candidate]:
    parameters: dict[str, object] = {"priority": priority, "now": now, "room": limit}
    if only_kind:
        return [
            _Candidate._make(row)
            for row in session.connection().execute(_SELECT_DUE_OF_KIND, parameters | {"kind": only_kind})
        ]
    return [_Candidate._make(row) for row in session.connection().execute(SELECT_DUE, parameters)]


def _admit(
    session: Session, priority: int, candidates: Sequence[_Candidate], now: datetime, gate: SendGate | None
) -> set[int]:
    """The ids of candidates that may be sent now. The others, and deliveries like them, are postponed."""
    stopped_runs = {item.run_id: item.run_state for item in candidates if item.run_state in {PAUSED, RUN_CANCELLED}}
    paused = {item.domain: item.paused_until for item in candidates if item.paused_until and item.paused_until > now}
    for run_id, state in stopped_runs.items():
        _hold_run(session, run_id, state, now)
    for domain, until in paused.items():
        _postpone(session, priority, domain, now, partial(_all_at, until))
    remaining = [item for item in candidates if item.run_id not in stopped_runs and item.domain not in paused]
    if gate is None or not remaining:
        return {item.id for item in remaining}
    decisions = list(zip(remaining, gate.admit([item.domain for item in remaining]), strict=True))
    admitted_ids = {item.id for item, admitted in decisions if admitted}
    for domain in {item.domain for item, admitted in decisions if not admitted}:
        _postpone_at_rate(session, priority, domain, now, gate, admitted_ids)
    return admitted_ids


def _hold_run(session: Session, run_id: int | None, state: str | None, now: datetime) -> None:
    """Hold the due deliveries of a paused run; cancel those of a cancelled run, or hold the uncertain ones."""
    of_run = col(Delivery.run_id) == run_id, IS_WAITING
    unsent, uncertain = col(Delivery.state).in_(UNSENT_STATES), col(Delivery.state) == UNCERTAIN
    values = {"state": CANCELLED, "due_at": None} if state == RUN_CANCELLED else {"due_at": None}
    session.exec(update(Delivery).where(*of_run, unsent).values(values))
    recheck_at = None if state == RUN_CANCELLED else now + UNCERTAIN_RECHECK
    session.exec(update(Delivery).where(*of_run, uncertain).values(due_at=recheck_at))


def _postpone_at_rate(
    session: Session, priority: int, domain: str, now: datetime, gate: SendGate, admitted_ids: Collection[int]
) -> None:
    """Space the due deliveries of a domain at its rate; those never postponed before come after all others."""

    def new_times(rows: Sequence[tuple[int, bool]]) -> list[datetime]:
        slots: dict[bool, list[datetime]] = {}
        for is_new in (False, True):
            count = sum(row[1] is is_new for row in rows)
            first_slot, step = (
                gate.next_slots(domain, count, queue=is_new and priority != PRIORITY_URGENT) if count else (0.0, 0.0)
            )
            slots[is_new] = [
                now + timedelta(seconds=first_slot + position * step) for position in reversed(range(count))
            ]
        return [slots[is_new].pop() for _, is_new in rows]

    _postpone(session, priority, domain, now, new_times, admitted_ids)


def _all_at(until: datetime, rows: Sequence[tuple[int, bool]]) -> list[datetime]:
    return [until] * len(rows)


def _postpone(
    session: Session,
    priority: int,
    domain: str,
    now: datetime,
    new_times: Callable[[Sequence[tuple[int, bool]]], list[datetime]],
    admitted_ids: Collection[int] = (),
) -> None:
    """Postpone the due deliveries of a domain, except admitted ones. `new_times`: of (id, never postponed) rows."""
    scanned = (
        select(col(Delivery.id), col(Delivery.domain))
        .where(col(Delivery.priority) == priority, *due_conditions(now))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MAX_ROWS_SCANNED)
        .subquery()
    )
    ids = select(scanned.c.id).where(scanned.c.domain == domain).limit(MAX_ROWS_POSTPONED)
    query = select(col(Delivery.id), col(Delivery.due_at) == col(Delivery.created_at)).where(col(Delivery.id).in_(ids))
    locked = session.execute(query.order_by(col(Delivery.due_at), col(Delivery.id)).with_for_update(skip_locked=True))
    rows = [(row_id, bool(is_new)) for row_id, is_new in locked if row_id is not None and row_id not in admitted_ids]
    if rows:
        times = zip(rows, new_times(rows), strict=True)
        session.connection().execute(_SET_DUE, [{"row_id": row_id, "new_due": due_at} for (row_id, _), due_at in times])


@cache
def _mark_sending_statement(dialect: str) -> Update:
    """Mark as sending the rows of a JSON object {id: Message-ID}. A row that has a Message-ID keeps it."""
    message_ids = bindparam("message_ids", type_=String())
    pairs = func.json_each(message_ids) if dialect == "sqlite" else func.json_each_text(cast(message_ids, JSON))
    named = pairs.table_valued("key", "value", name="named")
    return (
        update(_DELIVERIES)
        .where(_DELIVERIES.c.id == cast(named.c.key, BigInteger), IS_WAITING)
        .values(
            state=SENDING,
            lease_id=bindparam("lease"),
            attempts=_DELIVERIES.c.attempts + 1,
            tried_at=_NOW,
            message_id=func.coalesce(_DELIVERIES.c.message_id, named.c.value),
        )
        .returning(*[_DELIVERIES.c[name] for name in ClaimedDelivery._fields])
    )


def _mark_sending(
    session: Session, lease_id: int, candidates: Sequence[_Candidate], now: datetime, domain: str
) -> list[ClaimedDelivery]:
    if not candidates:
        return []
    connection = session.connection()
    key = candidates[0].installation or installation.ensure_installation(connection)
    message_ids = {
        item.id: message_id(DeliveryKey._make(item[: len(_KEY_COLUMNS)]), installation=key, domain=domain)
        for item in candidates
    }
    values = {"message_ids": json.dumps(message_ids), "lease": lease_id, "now": now}
    updated = connection.execute(_mark_sending_statement(connection.dialect.name), values)
    rows = {row.id: row for row in map(ClaimedDelivery._make, updated)}
    return [rows[item.id] for item in candidates if item.id in rows]

"""Taking what is due. What may not go now is put off, by domains and runs, so that no claim meets it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import NamedTuple, Protocol

from sqlalchemy import JSON, BigInteger, String, Update, bindparam, cast, func, select, update
from sqlmodel import Session, SQLModel, col

from digest.db.core import installation
from digest.db.outbox.deliveries import BULK, FIRST, LAST, UNASKED, Claimed, due
from digest.db.outbox.message_ids import DeliveryKey, message_id
from digest.models import Delivery
from digest.models.delivery import CANCELLED, SENDING, UNCERTAIN, WAITING
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.edition import PAUSED
from digest.models.types import UTCDateTime

ROUNDS = 4  # so often a claim looks again where it had to put mails off
SEEN_AT_ONCE = 20_000  # rows that are looked through for a domain's mails
MOVED_AT_ONCE = 1_000
REST = timedelta(minutes=5)  # a mail in doubt, of a run that is paused, asks again after so long


class Gate(Protocol):
    """Says who may go now, and when the others may."""

    def admit(self, domains: Sequence[str]) -> Sequence[bool]:
        """For each mail, by its domain, whether it may go now."""

    def later(self, domain: str, count: int, *, queue: bool) -> tuple[float, float]:
        """Seconds until the first of so many mails may go, and between them; `queue`: behind those put off before."""


class _Picked(NamedTuple):
    """A due mail that nobody else is taking just now. `installation`: its key, None where it has none."""

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


_ROWS = SQLModel.metadata.tables["delivery"]
_RUNS = SQLModel.metadata.tables["run"]
_PAUSES = SQLModel.metadata.tables["domain_pause"]
_NOW = bindparam("now", type_=UTCDateTime())
_KEY = tuple(_ROWS.c[name] for name in DeliveryKey._fields)
_INSTALLATION = select(SQLModel.metadata.tables["installation"].c.key).scalar_subquery()

# Statements are made once: building one costs more than its answer.
# What is due, along the partial index, with each mail's run and its domain's pause.
PICK = (
    select(*_KEY, _ROWS.c.domain, _ROWS.c.run_id, _RUNS.c.state, _PAUSES.c.until, _INSTALLATION)
    .select_from(
        _ROWS.outerjoin(_RUNS, _RUNS.c.id == _ROWS.c.run_id).outerjoin(_PAUSES, _PAUSES.c.domain == _ROWS.c.domain)
    )
    .where(_ROWS.c.priority == bindparam("priority"), WAITING, _ROWS.c.due_at <= _NOW)
    .order_by(_ROWS.c.due_at, _ROWS.c.id)
    .limit(bindparam("room"))
    .with_for_update(of=_ROWS, skip_locked=True)
)
_PICK_KIND = PICK.where(_ROWS.c.kind == bindparam("kind"))
_MOVE = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("row_id"), WAITING)
    .values(due_at=bindparam("turn", type_=UTCDateTime()))
)


def claim(
    session: Session, lease_id: int, limit: int, now: datetime, *, domain: str, gate: Gate | None = None, only: str = ""
) -> list[Claimed]:
    """Take up to `limit` due mails for sending: urgent ones first, then the longest due. Two never take the same.

    Not those of paused domains, of paused and cancelled runs, and whom `gate` does not admit: they are put off.
    `domain` stands behind the @ of their Message-IDs. `only`: mails of that kind, '' for all.
    """
    claimed: list[Claimed] = []
    for priority in (FIRST, LAST, BULK):
        for _ in range(ROUNDS):
            room = limit - len(claimed)
            picked = _pick(session, priority, room, now, only) if room > 0 else []
            ids = _sifted(session, priority, picked, now, gate)
            claimed += _take(session, lease_id, [one for one in picked if one.id in ids], now, domain)
            if len(ids) == len(picked):
                break
    return claimed


def _pick(session: Session, priority: int, limit: int, now: datetime, only: str) -> list[_Picked]:
    chosen: dict[str, object] = {"priority": priority, "now": now, "room": limit}
    if only:
        return [_Picked._make(row) for row in session.connection().execute(_PICK_KIND, chosen | {"kind": only})]
    return [_Picked._make(row) for row in session.connection().execute(PICK, chosen)]


def _sifted(session: Session, priority: int, picked: Sequence[_Picked], now: datetime, gate: Gate | None) -> set[int]:
    """The ids of those that may go now; the others, and their like, are put off."""
    resting = {one.run_id: one.run_state for one in picked if one.run_state in {PAUSED, RUN_CANCELLED}}
    paused = {one.domain: one.paused_until for one in picked if one.paused_until and one.paused_until > now}
    for run_id, state in resting.items():
        _rest(session, run_id, state, now)
    for domain, until in paused.items():
        _put_off(session, priority, domain, now, partial(_all_at, until))
    left = [one for one in picked if one.run_id not in resting and one.domain not in paused]
    if gate is None or not left:
        return {one.id for one in left}
    admitted = list(zip(left, gate.admit([one.domain for one in left]), strict=True))
    for domain in {one.domain for one, may in admitted if not may}:
        taken = {one.id for one, may in admitted if may}
        _space(session, priority, domain, now, gate, taken)
    return {one.id for one, may in admitted if may}


def _rest(session: Session, run_id: int | None, state: str | None, now: datetime) -> None:
    """What a paused run still has due waits until it is resumed; what a cancelled one has is cancelled, or held."""
    of_run = col(Delivery.run_id) == run_id, WAITING
    unasked, in_doubt = col(Delivery.state).in_(UNASKED), col(Delivery.state) == UNCERTAIN
    over = {"state": CANCELLED, "due_at": None} if state == RUN_CANCELLED else {"due_at": None}
    session.exec(update(Delivery).where(*of_run, unasked).values(over))
    session.exec(
        update(Delivery).where(*of_run, in_doubt).values(due_at=None if state == RUN_CANCELLED else now + REST)
    )


def _space(session: Session, priority: int, domain: str, now: datetime, gate: Gate, taken: Collection[int]) -> None:
    """Give the domain's due mails times at its rate: those put off before as soon as may be, the others behind all."""

    def turns(rows: Sequence[tuple[int, bool]]) -> list[datetime]:
        given: dict[bool, list[datetime]] = {}
        for fresh in (False, True):
            count = sum(row[1] is fresh for row in rows)
            first, step = gate.later(domain, count, queue=fresh and priority != FIRST) if count else (0.0, 0.0)
            given[fresh] = [now + timedelta(seconds=first + place * step) for place in reversed(range(count))]
        return [given[fresh].pop() for _, fresh in rows]

    _put_off(session, priority, domain, now, turns, taken)


def _all_at(until: datetime, rows: Sequence[tuple[int, bool]]) -> list[datetime]:
    return [until] * len(rows)


def _put_off(
    session: Session,
    priority: int,
    domain: str,
    now: datetime,
    turns: Callable[[Sequence[tuple[int, bool]]], list[datetime]],
    taken: Collection[int] = (),
) -> None:
    """Move the domain's mails that are due, but for those taken. `turns`: new times for (id, never moved) rows."""
    seen = (
        select(col(Delivery.id), col(Delivery.domain))
        .where(col(Delivery.priority) == priority, *due(now))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(SEEN_AT_ONCE)
        .subquery()
    )
    ids = select(seen.c.id).where(seen.c.domain == domain).limit(MOVED_AT_ONCE)
    query = select(col(Delivery.id), col(Delivery.due_at) == col(Delivery.created_at)).where(col(Delivery.id).in_(ids))
    found = session.execute(query.order_by(col(Delivery.due_at), col(Delivery.id)).with_for_update(skip_locked=True))
    rows = [(number, bool(fresh)) for number, fresh in found if number is not None and number not in taken]
    if rows:
        moved = [{"row_id": n, "turn": at} for (n, _), at in zip(rows, turns(rows), strict=True)]
        session.connection().execute(_MOVE, moved)


@cache
def _take_statement(dialect: str) -> Update:
    """Take the mails that are named in a JSON object {id: Message-ID}. Who has a Message-ID already keeps it."""
    given = bindparam("message_ids", type_=String())
    pairs = func.json_each(given) if dialect == "sqlite" else func.json_each_text(cast(given, JSON))
    named = pairs.table_valued("key", "value", name="named")
    return (
        update(_ROWS)
        .where(_ROWS.c.id == cast(named.c.key, BigInteger), WAITING)
        .values(
            state=SENDING,
            lease_id=bindparam("lease"),
            attempts=_ROWS.c.attempts + 1,
            tried_at=_NOW,
            message_id=func.coalesce(_ROWS.c.message_id, named.c.value),
        )
        .returning(*[_ROWS.c[name] for name in Claimed._fields])
    )


def _take(session: Session, lease_id: int, picked: Sequence[_Picked], now: datetime, domain: str) -> list[Claimed]:
    if not picked:
        return []
    connection = session.connection()
    key = picked[0].installation or installation.ensure(connection)
    named = {one.id: message_id(DeliveryKey._make(one[: len(_KEY)]), installation=key, domain=domain) for one in picked}
    values = {"message_ids": json.dumps(named), "lease": lease_id, "now": now}
    taken = connection.execute(_take_statement(connection.dialect.name), values)
    rows = {row.id: row for row in map(Claimed._make, taken)}
    return [rows[one.id] for one in picked if one.id in rows]

"""The outbox: queueing deliveries, recording their results, pausing domains, counting."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, delete, func, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, select

from digest.db.subscribers import former_addresses
from digest.errors import DuplicateDeliveryKey
from digest.models import Bounce, Delivery, DeliverySerial, DomainPause, Run, Suppression
from digest.models.delivery import (
    CANCELLED,
    DEFERRED,
    IS_WAITING,
    QUEUED,
    REJECTED,
    SENDING,
    SENT,
    UNCERTAIN,
    URGENT_KINDS,
)
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.subscriber import NO_SUCH_ADDRESS
from digest.models.types import UTCDateTime
from digest.text.stored_text_redaction import redact_addresses

PRIORITY_URGENT, PRIORITY_NORMAL, PRIORITY_BULK = (
    0,
    5,
    9,
)  # priorities: mail that a person waits for; the daily mail; welcome mails of an import
ROWS_PER_STATEMENT = 500  # both databases limit the parameters of a statement
UNSENT_STATES = (QUEUED, DEFERRED)  # states in which the mail cannot have arrived


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An e-mail to be queued. (kind, subject_id, serial) is unique.

    `bulk`: nobody waits for it, so it is sent after all other mail.
    """

    kind: str
    subject_id: int
    address: str
    serial: int = 0
    subscriber_id: int | None = None
    run_id: int | None = None
    payload: Mapping[str, Any] | None = None
    bulk: bool = False


class ClaimedDelivery(NamedTuple):
    """A delivery as it was when a sender claimed it: the fields that composing and sending need."""

    id: int
    kind: str
    subject_id: int
    serial: int
    subscriber_id: int | None
    run_id: int | None
    address: str
    domain: str
    attempts: int
    doubts: int
    message_id: str
    created_at: datetime
    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of one claimed delivery. `due_at`: when it is due again, None for a final or held one.

    `counted`: False where the attempt says nothing about the mail (the server failed).
    `bounce`: the kind of bounce it counts as, '' for none; `suppress`: the address does not exist.
    `pause_until`: nothing is sent to its domain until then.
    `refusal_signature`: equal for like refusals (5yz), '' for none; `about_address`: the refusal names the address.
    """

    delivery: ClaimedDelivery
    state: str
    reply: str = ""
    status: str = ""
    due_at: datetime | None = None
    counted: bool = True
    bounce: str = ""
    suppress: bool = False
    pause_until: datetime | None = None
    refusal_signature: str = ""
    about_address: bool = False


def address_key(address: str) -> str:
    """The key of a mailbox: the local part case-folded in NFC, the domain in lower case."""
    local, _, domain = address.rpartition("@")
    return f"{unicodedata.normalize('NFC', local).casefold()}@{domain.lower()}"


def enqueue(session: Session, new_deliveries: Iterable[NewDelivery], now: datetime) -> int:
    """Queue mails, due now. Returns how many.

    Raises AlreadyOwed where a mail of the same kind, subject and serial was queued before, so that no caller reports a
    mail that is not sent. The caller's transaction has to be rolled back then.
    """
    count = 0
    for batch in _batches(_row(delivery, now) for delivery in new_deliveries):
        if _insert_new(session, Delivery, batch) != len(batch):
            keys = ", ".join(f"{row['kind']} {row['subject_id']}/{row['serial']}" for row in batch[:3])
            raise DuplicateDeliveryKey(
                f"nothing was queued: an e-mail with the same serial exists already (one of {keys})"
            )
        count += len(batch)
    return count


def next_serial(session: Session, kind: str, subject_id: int, *, first_serial: int = 0) -> int:
    """Count up the serial of a kind of mail about a subject. It never restarts, even after deliveries were deleted.

    Concurrent transactions get different serials; a serial is reused only where its transaction is rolled back.
    """
    insert = _insert(session, DeliverySerial).values(kind=kind, subject_id=subject_id, last=first_serial)
    upsert = insert.on_conflict_do_update(
        index_elements=["kind", "subject_id"], set_={"last": _SERIALS.c.last + 1}
    ).returning(_SERIALS.c.last)
    return int(session.connection().execute(upsert).scalar_one())


def _row(delivery: NewDelivery, now: datetime) -> dict[str, Any]:
    return {
        "kind": delivery.kind,
        "subject_id": delivery.subject_id,
        "serial": delivery.serial,
        "subscriber_id": delivery.subscriber_id,
        "run_id": delivery.run_id,
        "address": delivery.address,
        "domain": delivery.address.rpartition("@")[2].lower(),
        "priority": PRIORITY_BULK
        if delivery.bulk
        else PRIORITY_URGENT
        if delivery.kind in URGENT_KINDS
        else PRIORITY_NORMAL,
        "state": QUEUED,
        "due_at": now,
        "created_at": now,
        "payload": dict(delivery.payload) if delivery.payload is not None else None,
    }


def due_conditions(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions for a delivery to be claimed; pauses of its domain and its run are checked by the claim itself."""
    return IS_WAITING, col(Delivery.due_at) <= now  # type: ignore[return-value]


def record_results(session: Session, lease_id: int, results: Sequence[DeliveryResult], now: datetime) -> int:
    """Store the results of claimed deliveries. Rows whose lease was taken over stay unchanged; returns how many."""
    if not results:
        return 0
    sorted_results = sorted(results, key=lambda result: result.delivery.id)
    updated = session.connection().execute(_RECORD, [_parameters(lease_id, result) for result in sorted_results])
    _cancel_deferred(session, sorted_results)
    failed = _without_erased(session, [result for result in sorted_results if result.bounce or result.suppress], now)
    _insert_new(session, Bounce, [_bounce(result, now) for result in failed if result.bounce])
    _insert_new(session, Suppression, [_suppression(result, now) for result in failed if result.suppress])
    paused = {result.delivery.domain: result for result in sorted_results if result.pause_until is not None}
    for domain, result in paused.items():
        pause_domain(session, domain, result.pause_until or now, result.reply)
    return len(results) - updated.rowcount


_DELIVERIES = SQLModel.metadata.tables["delivery"]
_SERIALS = SQLModel.metadata.tables["delivery_serial"]
_RECORD = (
    update(_DELIVERIES)
    .where(
        _DELIVERIES.c.id == bindparam("row_id"),
        _DELIVERIES.c.lease_id == bindparam("row_lease"),
        _DELIVERIES.c.state == SENDING,
    )
    .values(
        state=bindparam("new_state"),
        due_at=bindparam("new_due", type_=UTCDateTime()),
        reply=bindparam("new_reply"),
        attempts=_DELIVERIES.c.attempts - bindparam("given_back", type_=Integer()),
        doubts=_DELIVERIES.c.doubts + bindparam("in_doubt", type_=Integer()),
        lease_id=None,
    )
)


def _parameters(lease_id: int, result: DeliveryResult) -> dict[str, Any]:
    return {
        "row_id": result.delivery.id,
        "row_lease": lease_id,
        "new_state": result.state,
        "new_due": result.due_at,
        "new_reply": result.reply[:500],
        "given_back": 0 if result.counted else 1,
        "in_doubt": 1 if result.state == UNCERTAIN and result.counted else 0,
    }


def _cancel_deferred(session: Session, results: Sequence[DeliveryResult]) -> None:
    """Cancel deferred deliveries of runs that were cancelled while they were in flight."""
    delivery_ids = [
        result.delivery.id for result in results if result.state in UNSENT_STATES and result.delivery.run_id
    ]
    if delivery_ids:
        cancelled = select(Run.id).where(Run.state == RUN_CANCELLED)
        of_cancelled_runs = col(Delivery.id).in_(delivery_ids), col(Delivery.run_id).in_(cancelled)
        unsent = col(Delivery.state).in_(UNSENT_STATES)
        session.exec(update(Delivery).where(*of_cancelled_runs, unsent).values(state=CANCELLED, due_at=None))


def _without_erased(session: Session, failed: Sequence[DeliveryResult], now: datetime) -> list[DeliveryResult]:
    """Leave out results whose subscriber was erased while the mail was in flight; their delivery has no address."""
    if not failed:
        return []
    delivery_ids = [result.delivery.id for result in failed]
    erased = set(session.exec(select(Delivery.id).where(col(Delivery.id).in_(delivery_ids), Delivery.address == "")))
    for result in failed:
        if result.delivery.id in erased and result.suppress:
            key, reason = address_key(result.delivery.address), str(_suppression(result, now)["reason"])
            former_addresses.store_former_address(session, key, reason=reason, suppressed=True, at=now)
    return [result for result in failed if result.delivery.id not in erased]


def _bounce(result: DeliveryResult, now: datetime) -> dict[str, Any]:
    return {
        "report_key": f"session:{result.delivery.id}",
        "address_key": address_key(result.delivery.address),
        "kind": result.bounce,
        "status": result.status,
        "delivery_id": result.delivery.id,
        "at": now,
    }


def _suppression(result: DeliveryResult, now: datetime) -> dict[str, Any]:
    key = address_key(result.delivery.address)
    return {"address_key": key, "reason": NO_SUCH_ADDRESS, "source": f"session {result.status}".strip(), "at": now}


def pause_domain(session: Session, domain: str, until: datetime, reason: str) -> None:
    """Send nothing to a domain until then. A later call replaces the time. Addresses in the reason are redacted."""
    reason = redact_addresses(reason)
    insert = _insert(session, DomainPause).values(domain=domain, until=until, reason=reason[:500])
    new_values = {"until": until, "reason": reason[:500]}
    session.connection().execute(insert.on_conflict_do_update(index_elements=["domain"], set_=new_values))
    due_earlier = col(Delivery.domain) == domain, IS_WAITING, col(Delivery.due_at) < until
    session.exec(update(Delivery).where(*due_earlier).values(due_at=until))


def advance_due(session: Session, *, later_than: datetime, now: datetime) -> int:
    """Make waiting mails due now that would be due after that instant, and end such pauses. Returns how many mails."""
    session.exec(delete(DomainPause).where(col(DomainPause.until) > later_than))
    return session.exec(
        update(Delivery).where(IS_WAITING, col(Delivery.due_at) > later_than).values(due_at=now)
    ).rowcount


def mark_undelivered(session: Session, delivery_id: int, reply: str) -> bool:
    """Reject a sent delivery that was refused later. False where its state is not `sent`."""
    query = update(Delivery).where(col(Delivery.id) == delivery_id, col(Delivery.state) == SENT)
    return session.exec(query.values(state=REJECTED, reply=redact_addresses(reply)[:500])).rowcount == 1


def resume_domain(session: Session, domain: str, now: datetime) -> int | None:
    """End the pause of a domain. Returns how many of its mails were waiting, None where it was not paused."""
    query = select(DomainPause).where(DomainPause.domain == domain, col(DomainPause.until) > now)
    pause = session.exec(query.with_for_update()).one_or_none()
    if pause is None:
        return None
    due_later = col(Delivery.domain) == domain, IS_WAITING, col(Delivery.due_at) >= pause.until
    session.exec(update(Delivery).where(*due_later).values(due_at=now))
    waiting = count_waiting(session, [domain]).get(domain, 0)
    session.delete(pause)
    return waiting


def count_waiting(session: Session, domains: Sequence[str]) -> dict[str, int]:
    """How many mails wait for each of those domains, due or not, without those held for a decision."""
    query = select(Delivery.domain, func.count()).where(col(Delivery.domain).in_(domains), IS_WAITING)
    return {domain: int(count) for domain, count in session.exec(query.group_by(Delivery.domain))}


def is_due(session: Session, now: datetime) -> bool:
    """True where a delivery could be claimed at `now`."""
    return session.exec(select(Delivery.id).where(*due_conditions(now)).limit(1)).first() is not None


def count_overdue(session: Session, before: datetime) -> int:
    """How many deliveries were due before then and still wait, which shows a queue without workers."""
    return session.exec(select(func.count()).select_from(Delivery).where(*due_conditions(before))).one()


def count_in_flight(session: Session, *, without: str = "") -> int:
    """How many mails are being sent, or were when their sender died. `without`: a kind that does not count."""
    sending = select(func.count()).select_from(Delivery).where(Delivery.state == SENDING, Delivery.kind != without)
    return session.exec(sending.where(col(Delivery.lease_id).is_not(None))).one()


def count_by_state(session: Session, run_id: int | None = None) -> dict[str, int]:
    """Number of deliveries by state, of one run or of all."""
    query = select(Delivery.state, func.count()).group_by(Delivery.state)
    query = query if run_id is None else query.where(Delivery.run_id == run_id)
    return {state: int(count) for state, count in session.exec(query)}


def _insert_new(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, leaving existing ones unchanged. Returns how many are new."""
    if not rows:
        return 0
    insert = _insert(session, table).values(rows).on_conflict_do_nothing()
    return session.connection().execute(insert, execution_options={"preserve_rowcount": True}).rowcount


def _insert(session: Session, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    columns_of_table = SQLModel.metadata.tables[str(table.__tablename__)]
    return (
        sqlite.insert(columns_of_table)
        if session.get_bind().dialect.name == "sqlite"
        else postgresql.insert(columns_of_table)
    )


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, ROWS_PER_STATEMENT)):
        yield batch

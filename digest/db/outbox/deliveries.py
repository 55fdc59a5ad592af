"""The outbox's questions and answers: what is owed, what is due, who takes it, what became of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, func, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, select

from digest.db.subscribers import former_addresses
from digest.errors import AlreadyOwed
from digest.models import Bounce, Delivery, DeliverySerial, DomainPause, Run, Suppression
from digest.models.delivery import CANCELLED, DEFERRED, QUEUED, REJECTED, SENDING, SENT, UNCERTAIN, URGENT, WAITING
from digest.models.edition import CANCELLED as RUN_CANCELLED
from digest.models.subscriber import NO_SUCH_ADDRESS
from digest.models.types import UTCDateTime
from digest.text.redaction import redact_addresses

FIRST, LAST, BULK = 0, 5, 9  # priorities: what a person waits for; the day's mail; welcomes of an import
ROWS_A_STATEMENT = 500  # both databases bound the parameters of one statement
UNASKED = (QUEUED, DEFERRED)  # nobody can have got these


@dataclass(frozen=True, slots=True)
class Owed:
    """One e-mail to be owed. (kind, subject_id, serial) says which; it can be owed once.

    `bulk`: nobody waits for it, so it goes behind all other mail.
    """

    kind: str
    subject_id: int
    address: str
    serial: int = 0
    subscriber_id: int | None = None
    run_id: int | None = None
    payload: Mapping[str, Any] | None = None
    bulk: bool = False


class Claimed(NamedTuple):
    """A delivery as it was when a sender took it: what making, sending and judging its mail need."""

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
class Result:
    """What became of one claimed delivery. `due_at`: when it is due again, None for final or held.

    `counted`: False where the try says nothing about the mail (the server was in trouble).
    `bounce`: the kind of bounce it counts as, '' for none; `suppress`: the address does not exist.
    `pause_until`: nothing is sent to its domain until then.
    `way`: what is the same for refusals (5yz) in the same way, '' for no refusal; `about_address`: by its words.
    """

    delivery: Claimed
    state: str
    reply: str = ""
    status: str = ""
    due_at: datetime | None = None
    counted: bool = True
    bounce: str = ""
    suppress: bool = False
    pause_until: datetime | None = None
    way: str = ""
    about_address: bool = False


def address_key(address: str) -> str:
    """What is the same for one inbox: the part before the @ case-folded in NFC, the domain in lower case."""
    local, _, domain = address.rpartition("@")
    return f"{unicodedata.normalize('NFC', local).casefold()}@{domain.lower()}"


def owe(session: Session, owed: Iterable[Owed], now: datetime) -> int:
    """Put mails into the outbox, due now. Returns how many.

    Raises AlreadyOwed where a mail of the same kind, subject and serial was owed before: nobody may be told that a
    mail goes out that does not. The caller's transaction has to be rolled back then.
    """
    count = 0
    for part in _parts(_row(one, now) for one in owed):
        if _insert_new(session, Delivery, part) != len(part):
            keys = ", ".join(f"{row['kind']} {row['subject_id']}/{row['serial']}" for row in part[:3])
            raise AlreadyOwed(f"nothing is sent: an e-mail with the same number was owed before (among {keys})")
        count += len(part)
    return count


def next_serial(session: Session, kind: str, subject_id: int, *, first: int = 0) -> int:
    """The next serial of that kind of mail about that subject, for ever: it does not look at rows, which may be gone.

    Two transactions at once get different ones; a serial is given back only where its transaction is rolled back.
    """
    insert = _insert(session, DeliverySerial).values(kind=kind, subject_id=subject_id, last=first)
    counted = insert.on_conflict_do_update(
        index_elements=["kind", "subject_id"], set_={"last": _SERIALS.c.last + 1}
    ).returning(_SERIALS.c.last)
    return int(session.connection().execute(counted).scalar_one())


def _row(owed: Owed, now: datetime) -> dict[str, Any]:
    return {
        "kind": owed.kind,
        "subject_id": owed.subject_id,
        "serial": owed.serial,
        "subscriber_id": owed.subscriber_id,
        "run_id": owed.run_id,
        "address": owed.address,
        "domain": owed.address.rpartition("@")[2].lower(),
        "priority": BULK if owed.bulk else FIRST if owed.kind in URGENT else LAST,
        "state": QUEUED,
        "due_at": now,
        "created_at": now,
        "payload": dict(owed.payload) if owed.payload is not None else None,
    }


def due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What a mail must meet to be claimed, but for its domain's pause and its run's: a claim looks at those itself."""
    return WAITING, col(Delivery.due_at) <= now  # type: ignore[return-value]


def record(session: Session, lease_id: int, results: Sequence[Result], now: datetime) -> int:
    """Write what became of claimed mails. A row whose lease was taken over is not touched; returns how many were."""
    if not results:
        return 0
    in_order = sorted(results, key=lambda result: result.delivery.id)
    done = session.connection().execute(_RECORD, [_fields(lease_id, result) for result in in_order])
    _cancel_deferred(session, in_order)
    failed = _of_present_people(session, [result for result in in_order if result.bounce or result.suppress], now)
    _insert_new(session, Bounce, [_bounce(result, now) for result in failed if result.bounce])
    _insert_new(session, Suppression, [_suppression(result, now) for result in failed if result.suppress])
    paused = {result.delivery.domain: result for result in in_order if result.pause_until is not None}
    for domain, result in paused.items():
        pause_domain(session, domain, result.pause_until or now, result.reply)
    return len(results) - done.rowcount


_ROWS = SQLModel.metadata.tables["delivery"]
_SERIALS = SQLModel.metadata.tables["delivery_serial"]
_RECORD = (
    update(_ROWS)
    .where(
        _ROWS.c.id == bindparam("row_id"),
        _ROWS.c.lease_id == bindparam("row_lease"),
        _ROWS.c.state == SENDING,
    )
    .values(
        state=bindparam("new_state"),
        due_at=bindparam("new_due", type_=UTCDateTime()),
        reply=bindparam("new_reply"),
        attempts=_ROWS.c.attempts - bindparam("given_back", type_=Integer()),
        doubts=_ROWS.c.doubts + bindparam("in_doubt", type_=Integer()),
        lease_id=None,
    )
)


def _fields(lease_id: int, result: Result) -> dict[str, Any]:
    return {
        "row_id": result.delivery.id,
        "row_lease": lease_id,
        "new_state": result.state,
        "new_due": result.due_at,
        "new_reply": result.reply[:500],
        "given_back": 0 if result.counted else 1,
        "in_doubt": 1 if result.state == UNCERTAIN and result.counted else 0,
    }


def _cancel_deferred(session: Session, results: Sequence[Result]) -> None:
    """A run cancelled while its mail was under way has no next try."""
    ids = [result.delivery.id for result in results if result.state in UNASKED and result.delivery.run_id]
    if ids:
        cancelled = select(Run.id).where(Run.state == RUN_CANCELLED)
        chosen = col(Delivery.id).in_(ids), col(Delivery.run_id).in_(cancelled), col(Delivery.state).in_(UNASKED)
        session.exec(update(Delivery).where(*chosen).values(state=CANCELLED, due_at=None))


def _of_present_people(session: Session, failed: Sequence[Result], now: datetime) -> list[Result]:
    """Those whose delivery still has its address: of people erased while their mail was under way, none is kept."""
    if not failed:
        return []
    numbers = [result.delivery.id for result in failed]
    erased = set(session.exec(select(Delivery.id).where(col(Delivery.id).in_(numbers), Delivery.address == "")))
    for result in failed:
        if result.delivery.id in erased and result.suppress:
            key, reason = address_key(result.delivery.address), str(_suppression(result, now)["reason"])
            former_addresses.remember(session, key, reason=reason, suppressed=True, at=now)
    return [result for result in failed if result.delivery.id not in erased]


def _bounce(result: Result, now: datetime) -> dict[str, Any]:
    return {
        "report_key": f"session:{result.delivery.id}",
        "address_key": address_key(result.delivery.address),
        "kind": result.bounce,
        "status": result.status,
        "delivery_id": result.delivery.id,
        "at": now,
    }


def _suppression(result: Result, now: datetime) -> dict[str, Any]:
    key = address_key(result.delivery.address)
    return {"address_key": key, "reason": NO_SUCH_ADDRESS, "source": f"session {result.status}".strip(), "at": now}


def pause_domain(session: Session, domain: str, until: datetime, reason: str) -> None:
    """Send nothing to that domain until then. A second refusal moves the time. Addresses in the reason are left out."""
    reason = redact_addresses(reason)
    insert = _insert(session, DomainPause).values(domain=domain, until=until, reason=reason[:500])
    moved = {"until": until, "reason": reason[:500]}
    session.connection().execute(insert.on_conflict_do_update(index_elements=["domain"], set_=moved))
    sooner = col(Delivery.domain) == domain, WAITING, col(Delivery.due_at) < until
    session.exec(update(Delivery).where(*sooner).values(due_at=until))


def mark_undelivered(session: Session, delivery_id: int, reply: str) -> bool:
    """A mail that the server took did not arrive after all. False where it is not `sent`."""
    query = update(Delivery).where(col(Delivery.id) == delivery_id, col(Delivery.state) == SENT)
    return session.exec(query.values(state=REJECTED, reply=redact_addresses(reply)[:500])).rowcount == 1


def resume_domain(session: Session, domain: str, now: datetime) -> int | None:
    """Send to that domain again. Returns how many of its mails waited for that, None where it was not paused."""
    query = select(DomainPause).where(DomainPause.domain == domain, col(DomainPause.until) > now)
    pause = session.exec(query.with_for_update()).one_or_none()
    if pause is None:
        return None
    later = col(Delivery.domain) == domain, WAITING, col(Delivery.due_at) >= pause.until
    session.exec(update(Delivery).where(*later).values(due_at=now))
    waiting = waiting_for(session, [domain]).get(domain, 0)
    session.delete(pause)
    return waiting


def waiting_for(session: Session, domains: Sequence[str]) -> dict[str, int]:
    """How many mails wait for each of those domains, due or not; what is held for a person's decision is not meant."""
    query = select(Delivery.domain, func.count()).where(col(Delivery.domain).in_(domains), WAITING)
    return {domain: int(count) for domain, count in session.exec(query.group_by(Delivery.domain))}


def is_due(session: Session, now: datetime) -> bool:
    """True where a mail could be claimed now."""
    return session.exec(select(Delivery.id).where(*due(now)).limit(1)).first() is not None


def overdue(session: Session, before: datetime) -> int:
    """How many mails were due before then and wait still: a queue that nobody serves."""
    return session.exec(select(func.count()).select_from(Delivery).where(*due(before))).one()


def in_flight(session: Session) -> int:
    """How many mails are being sent now, or were when their sender died."""
    sending = select(func.count()).select_from(Delivery).where(Delivery.state == SENDING)
    return session.exec(sending.where(col(Delivery.lease_id).is_not(None))).one()


def states(session: Session, run_id: int | None = None) -> dict[str, int]:
    """How many deliveries are in each state, of one run or of all."""
    query = select(Delivery.state, func.count()).group_by(Delivery.state)
    chosen = query if run_id is None else query.where(Delivery.run_id == run_id)
    return {state: int(number) for state, number in session.exec(chosen)}


def _insert_new(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows; one that is there already stays as it is. Returns how many are new."""
    if not rows:
        return 0
    insert = _insert(session, table).values(rows).on_conflict_do_nothing()
    return session.connection().execute(insert, execution_options={"preserve_rowcount": True}).rowcount


def _insert(session: Session, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    rows = SQLModel.metadata.tables[str(table.__tablename__)]
    return sqlite.insert(rows) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(rows)


def _parts(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    left = iter(rows)
    while part := list(islice(left, ROWS_A_STATEMENT)):
        yield part

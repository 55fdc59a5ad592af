"""Recent replies of mail servers, and undoing the effects of refusals that turn out to be the server's fault."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Integer, bindparam, case, delete, update
from sqlmodel import Session, SQLModel, col, select

from digest.db.outbox.deliveries import ROWS_PER_STATEMENT
from digest.models import Bounce, Delivery, DomainPause, SessionReply, Suppression
from digest.models.delivery import DEFERRED, IS_WAITING, REJECTED
from digest.models.types import UTCDateTime

SERVER = "*"  # the domain of a pause of the mail server itself, while only alarms are sent
MAX_ROWS = 1000  # the newest are read

_ROWS = SQLModel.metadata.tables["session_reply"]
_ADD_ACCEPTED = _ROWS.insert().values(
    at=bindparam("accepted_at", type_=UTCDateTime()),
    accepted=bindparam("count", type_=Integer()),
    way="",
    domain="",
    about_address=False,
    shared=False,
)  # built once, because building costs more than running it


def add(session: Session, replies: Sequence[SessionReply]) -> None:
    """Store replies."""
    session.add_all(replies)
    session.flush()


def add_accepted(session: Session, count: int, now: datetime) -> None:
    """Store that `count` mails were accepted."""
    session.connection().execute(_ADD_ACCEPTED, {"accepted_at": now, "count": count})


def recent(session: Session, since: datetime) -> Sequence[SessionReply]:
    """The newest replies after `since`, oldest first, at most `MAX_ROWS`."""
    query = select(SessionReply).where(col(SessionReply.at) > since).order_by(col(SessionReply.id).desc())
    return list(reversed(session.exec(query.limit(MAX_ROWS)).all()))


def delete_older_than(session: Session, before: datetime) -> int:
    """Delete replies older than `before`. Returns how many."""
    return session.exec(delete(SessionReply).where(col(SessionReply.at) < before)).rowcount


def server_pause(session: Session, now: datetime) -> DomainPause | None:
    """The current pause of the mail server, or None."""
    pause = session.get(DomainPause, SERVER)
    return pause if pause is not None and pause.until > now else None


def undo_refusals(session: Session, replies: Sequence[SessionReply], due_at: datetime) -> int:
    """Undo the effects of these refusals: their mails wait until `due_at`, and no address is held responsible.

    Returns how many of the mails had been rejected.
    """
    rejected = 0
    for start in range(0, len(replies), ROWS_PER_STATEMENT):
        rejected += _undo_batch(session, replies[start : start + ROWS_PER_STATEMENT], due_at)
    return rejected


def _undo_batch(session: Session, replies: Sequence[SessionReply], due_at: datetime) -> int:
    delivery_ids = [reply.delivery_id for reply in replies if reply.delivery_id is not None]
    report_keys = [f"session:{delivery_id}" for delivery_id in delivery_ids]
    suppressed = select(Bounce.address_key).where(col(Bounce.report_key).in_(report_keys), Bounce.kind == "hard")
    earliest = min(reply.at for reply in replies)
    by_session = col(Suppression.source).like("session%"), col(Suppression.at) >= earliest
    session.exec(delete(Suppression).where(col(Suppression.address_key).in_(suppressed), *by_session))
    session.exec(delete(Bounce).where(col(Bounce.report_key).in_(report_keys)))
    refused = col(Delivery.id).in_(delivery_ids)
    attempts = case((col(Delivery.attempts) > 0, col(Delivery.attempts) - 1), else_=0)
    deferred_values = {"state": DEFERRED, "due_at": due_at, "attempts": attempts}
    rejected = session.exec(
        update(Delivery).where(refused, col(Delivery.state) == REJECTED).values(deferred_values)
    ).rowcount
    session.exec(update(Delivery).where(refused, col(Delivery.state) == DEFERRED, IS_WAITING).values(deferred_values))
    domains = {reply.domain for reply in replies}
    session.exec(delete(DomainPause).where(col(DomainPause.domain).in_(domains)))
    return rejected

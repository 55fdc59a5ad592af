"""How mail servers answered of late, and what is taken back where a refusal turns out to be the server's trouble."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, delete, update
from sqlmodel import Session, col, select

from digest.db.outbox.deliveries import ROWS_A_STATEMENT
from digest.models import Bounce, Delivery, DomainPause, SessionReply, Suppression
from digest.models.delivery import DEFERRED, REJECTED, WAITING

SERVER = "*"  # the "domain" of a pause of the mail server itself: nothing but alarms is sent
MOST_ROWS = 1000  # of the newest answers are looked at


def note(session: Session, replies: Sequence[SessionReply]) -> None:
    """Keep these answers."""
    session.add_all(replies)
    session.flush()


def recent(session: Session, since: datetime) -> Sequence[SessionReply]:
    """The newest answers since then, oldest first."""
    query = select(SessionReply).where(col(SessionReply.at) > since).order_by(col(SessionReply.id).desc())
    return list(reversed(session.exec(query.limit(MOST_ROWS)).all()))


def forget(session: Session, before: datetime) -> int:
    """Delete what is older. Returns how many."""
    return session.exec(delete(SessionReply).where(col(SessionReply.at) < before)).rowcount


def server_pause(session: Session, now: datetime) -> DomainPause | None:
    """The pause of the mail server, where there is one now."""
    pause = session.get(DomainPause, SERVER)
    return pause if pause is not None and pause.until > now else None


def take_back(session: Session, replies: Sequence[SessionReply], due_at: datetime) -> int:
    """Undo what these refusals led to: their mails wait until `due_at`, and nothing counts against an address.

    Returns how many of the mails were rejected.
    """
    rejected = 0
    for first in range(0, len(replies), ROWS_A_STATEMENT):
        rejected += _take_back(session, replies[first : first + ROWS_A_STATEMENT], due_at)
    return rejected


def _take_back(session: Session, replies: Sequence[SessionReply], due_at: datetime) -> int:
    ids = [reply.delivery_id for reply in replies if reply.delivery_id is not None]
    reports = [f"session:{number}" for number in ids]
    suppressed = select(Bounce.address_key).where(col(Bounce.report_key).in_(reports), Bounce.kind == "hard")
    earliest = min(reply.at for reply in replies)
    by_session = col(Suppression.source).like("session%"), col(Suppression.at) >= earliest
    session.exec(delete(Suppression).where(col(Suppression.address_key).in_(suppressed), *by_session))
    session.exec(delete(Bounce).where(col(Bounce.report_key).in_(reports)))
    chosen = col(Delivery.id).in_(ids)
    fewer = case((col(Delivery.attempts) > 0, col(Delivery.attempts) - 1), else_=0)
    waits = {"state": DEFERRED, "due_at": due_at, "attempts": fewer}
    rejected = session.exec(update(Delivery).where(chosen, col(Delivery.state) == REJECTED).values(waits)).rowcount
    session.exec(update(Delivery).where(chosen, col(Delivery.state) == DEFERRED, WAITING).values(waits))
    domains = {reply.domain for reply in replies}
    session.exec(delete(DomainPause).where(col(DomainPause.domain).in_(domains)))
    return rejected

"""Why mail waits, for `digest doctor`: mail that failed, rejections, runs that are paused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func
from sqlmodel import Session, col, select

from digest.db.outbox import session_replies
from digest.db.outbox.deliveries import UNSENT_STATES
from digest.models import Delivery, Run, SessionReply
from digest.models.delivery import ALARM, DEFERRED, IS_WAITING
from digest.models.edition import PAUSED


@dataclass(frozen=True, slots=True)
class DeferredMail:
    """Mails that failed and are to be sent again. `oldest`: when the first of them was queued; `reply`: the newest."""

    count: int
    oldest: datetime
    reply: str


@dataclass(frozen=True, slots=True)
class Rejections:
    """Mails that servers rejected for good, with the newest reply, and mails that they accepted."""

    rejected: int
    accepted: int
    reply: str


def deferred_mail(session: Session) -> DeferredMail | None:
    """The mails that wait after a failure; None without any. Alarms do not count: they are about other mail."""
    is_deferred = (IS_WAITING, Delivery.state == DEFERRED, Delivery.kind != ALARM)
    count, oldest = session.exec(select(func.count(), func.min(Delivery.created_at)).where(*is_deferred)).one()
    if not count or oldest is None:
        return None
    newest = select(Delivery.reply).where(*is_deferred).order_by(col(Delivery.tried_at).desc())
    return DeferredMail(int(count), oldest, session.exec(newest.limit(1)).first() or "")


def was_any_accepted(session: Session, since: datetime) -> bool:
    """Whether a server accepted a mail since then; replies are kept for two days."""
    accepted = select(SessionReply.id).where(col(SessionReply.at) >= since, col(SessionReply.accepted) > 0)
    return session.exec(accepted.limit(1)).first() is not None


def rejections(session: Session, since: datetime) -> Rejections:
    """How many mails were rejected and accepted since then. Rejections that were taken back do not count."""
    replies = session_replies.recent(session, since)
    rejected = [reply for reply in replies if reply.about_address and not reply.shared]
    delivery = session.get(Delivery, rejected[-1].delivery_id) if rejected and rejected[-1].delivery_id else None
    return Rejections(len(rejected), sum(reply.accepted for reply in replies), delivery.reply if delivery else "")


def paused_runs(session: Session) -> Sequence[tuple[int, int]]:
    """The ids of runs that an administrator has paused, each with the number of its unsent mails."""
    unsent = col(Delivery.run_id) == col(Run.id), col(Delivery.state).in_(UNSENT_STATES)
    count = func.count(col(Delivery.id))
    query = select(col(Run.id), count).join(Delivery, and_(*unsent), isouter=True).where(Run.state == PAUSED)
    rows = session.exec(query.group_by(col(Run.id)).order_by(col(Run.id)))
    return [(run_id, number) for run_id, number in rows if run_id is not None]

"""Domains that are paused because they refuse our mail: list them, with their replies, and release them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from digest import clock
from digest.db.bounces import reports
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.subscribers import subscribers
from digest.errors import BadInput, NotFound
from digest.models import Audit
from digest.queues import Enqueue


@dataclass(frozen=True, slots=True)
class PausedDomain:
    """A paused domain: until when, how many mails wait for it, and its server's reply."""

    domain: str
    until: datetime
    waiting: int
    reason: str

    def to_row(self) -> dict[str, Any]:
        """A row of a listing."""
        return asdict(self)


def paused_domains() -> list[PausedDomain]:
    """The domains that are paused now, by name."""
    now = clock.now()
    with reading() as session:
        pauses = reports.paused_domains(session, now)
        waiting_counts = deliveries.count_waiting(session, [pause.domain for pause in pauses])
    return [
        PausedDomain(pause.domain, pause.until, waiting_counts.get(pause.domain, 0), pause.reason) for pause in pauses
    ]


def release(domain: str, *, actor: str, enqueue: Enqueue) -> int:
    """End a domain's pause; audited. Returns how many mails waited for it.

    If the domain still refuses, the first mail pauses it again. Raises BadInput; NotFound where it is not paused.
    """
    now = clock.now()
    with transaction() as session:
        name = _stored_name(session, domain, now)
        released_mails = deliveries.resume_domain(session, name, now)
        if released_mails is None:
            raise NotFound(f"the domain {name} is not paused; `digest admin domains list` shows which are")
        detail = {"domain": name, "deliveries": released_mails}
        session.add(Audit(at=now, actor=actor, action="release domain", detail=detail))
    enqueue.deliver()
    return released_mails


def _stored_name(session: Session, typed: str, now: datetime) -> str:
    """The domain as it is stored: lower case, in ASCII. Raises BadInput."""
    name = typed.strip().removeprefix("@").rstrip(".").lower()
    if name in {pause.domain for pause in reports.paused_domains(session, now)}:
        return name
    try:
        return subscribers.parse_address(f"postmaster@{name}").text.rpartition("@")[2]
    except BadInput as error:
        raise BadInput("domain: write it as in one.example", field="domain") from error

"""An administrator's way in: a link by e-mail, good for half an hour and once."""

from __future__ import annotations

from sqlmodel import Session, col, update

from digest import clock, settings
from digest.compose.language import say
from digest.db import engine, subscribers
from digest.errors import StaleToken, TooMany
from digest.models import Audit
from digest.models.delivery import SIGN_IN
from digest.models.types import stored_id
from digest.ports import Enqueue
from digest.services import limits
from digest.services.owing import owe_next

ASKED, USED = "sign-in asked", "signed in"


def ask(address: str, client: str, enqueue: Enqueue) -> None:
    """Owe a link to one of ADMIN_EMAILS; to any other address nothing, with the same answer.

    Raises BadInput for the address, TooMany for the client.
    """
    wanted, now = subscribers.address(address), clock.now()
    known = {one.key: one for one in map(subscribers.address, settings.get().admin_emails)}
    with engine.transaction() as session:
        if not limits.take(session, limits.SIGN_INS, client, now=now):
            raise TooMany(say("too many sign-ins from here within the hour; try again later"))
        if wanted.key in known and limits.take(session, limits.SIGN_INS, wanted.key, now=now):
            _owe(session, known[wanted.key].text)
    enqueue.deliver()


def _owe(session: Session, address: str) -> None:
    now = clock.now()
    asked = Audit(at=now, actor="page", action=ASKED, detail={})
    session.add(asked)
    session.flush()
    owe_next(session, SIGN_IN, subject_id=stored_id(asked), address=address, now=now)


def enter(audit_id: int) -> None:
    """Use the link up. Raises StaleToken where it was used before."""
    with engine.transaction() as session:
        used = session.execute(
            update(Audit).where(col(Audit.id) == audit_id, col(Audit.action) == ASKED).values(action=USED)
        )
        if getattr(used, "rowcount", 0) != 1:
            raise StaleToken(say("this link was used before; ask for a new one"))

"""What an administrator does for one subscriber: change, pause, resume, unsubscribe, suppress, erase. Audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digest import clock
from digest.db.core.engine import transaction
from digest.db.outbox.transactional_mail import enqueue_next
from digest.models import Audit
from digest.models.delivery import TEST
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.subscriptions import consent_origin, update_preferences
from digest.services.subscriptions.unsubscribe import unsubscribe_in_session


def change_subscriber(
    subscriber_id: int, changes: Mapping[str, Any], *, expected_version: str = "", actor: str
) -> None:
    """Change some preferences, by name. Raises NotFound, BadInput, Refused."""
    update_preferences.change_preferences(subscriber_id, changes, expected_version=expected_version)
    _audit("change preferences", subscriber_id, actor, fields=len(changes))


def pause_subscriber(subscriber_id: int, days: int, *, actor: str) -> None:
    """Send nothing for so many days; 0 ends a pause. Raises NotFound, BadInput."""
    update_preferences.pause_for(subscriber_id, days)
    _audit("pause" if days else "resume", subscriber_id, actor, days=days)


def unsubscribe_subscriber(subscriber_id: int, *, actor: str) -> bool:
    """Stop all mail at once. False for somebody who had unsubscribed before."""
    now = clock.now()
    with transaction() as session:
        is_new = unsubscribe_in_session(session, subscriber_id, consent_origin.ADMINISTRATOR, now=now)
        if is_new:
            session.add(Audit(at=now, actor=actor, action="unsubscribe", detail={"subscriber": subscriber_id}))
    return is_new


def send_test_mail(address: str, *, actor: str, enqueue: Enqueue) -> None:
    """Queue a test mail to an administrator; the outbox sends it like any other."""
    now = clock.now()
    with transaction() as session:
        audit = Audit(at=now, actor=actor, action="test mail", detail={})
        session.add(audit)
        session.flush()
        enqueue_next(session, TEST, subject_id=stored_id(audit), address=address, now=now)
    enqueue.deliver()


def _audit(action: str, subscriber_id: int, actor: str, **detail: int) -> None:
    with transaction() as session:
        session.add(Audit(at=clock.now(), actor=actor, action=action, detail={"subscriber": subscriber_id, **detail}))

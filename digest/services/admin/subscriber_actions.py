"""What an administrator does for one subscriber: change, pause, resume, unsubscribe; and a test mail. Audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digest import clock, settings
from digest.db.core.engine import transaction
from digest.db.outbox.transactional_mail import delivery_id_of, enqueue_next
from digest.errors import BadInput, Refused
from digest.i18n import localize
from digest.models import Audit
from digest.models.delivery import TEST
from digest.models.types import stored_id
from digest.queues import Enqueue
from digest.services.security import admin_login
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


def send_test_mail(address: str, *, actor: str, enqueue: Enqueue) -> int:
    """Queue a test mail to an administrator, '' for the first operator; the outbox sends it like any other.

    Returns the id of the delivery. Raises BadInput for any other address, Refused where there is no operator.
    """
    recipient = admin_login.administrator_address(address) if address else _first_operator()
    if recipient is None:
        raise BadInput(localize("address: use that of an administrator"), field="address")
    now = clock.now()
    with transaction() as session:
        audit = Audit(at=now, actor=actor, action="test mail", detail={})
        session.add(audit)
        session.flush()
        subject_id = stored_id(audit)
        serial = enqueue_next(session, TEST, subject_id=subject_id, address=recipient, now=now)
        delivery_id = delivery_id_of(session, TEST, subject_id, serial)
    enqueue.deliver()
    return delivery_id


def _first_operator() -> str:
    operators = settings.get().admin_emails
    if not operators:
        raise Refused(localize("not sent: DIGEST_ADMIN_EMAILS names no administrator"))
    return operators[0]


def _audit(action: str, subscriber_id: int, actor: str, **detail: int) -> None:
    with transaction() as session:
        session.add(Audit(at=clock.now(), actor=actor, action=action, detail={"subscriber": subscriber_id, **detail}))

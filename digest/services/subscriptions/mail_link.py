"""'Mail me my link': the preferences link, to the owner of a page that everybody may see. The page learns nothing."""

from __future__ import annotations

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.subscribers import subscribers
from digest.models import Edition, Subscriber
from digest.models.delivery import LINK
from digest.models.subscriber import ACTIVE, UNSUBSCRIBED
from digest.queues import Enqueue
from digest.services.security import rate_limits


def mail_link_to_edition_owner(edition_id: int, enqueue: Enqueue) -> None:
    """Mail the preferences link to the subscriber whose edition this is."""
    with engine.reading() as session:
        edition = session.get(Edition, edition_id)
    mail_link_to_subscriber(edition.subscriber_id if edition else 0, enqueue)


def mail_link_to_subscriber(subscriber_id: int, enqueue: Enqueue) -> None:
    """Mail the preferences link to this subscriber, at most a few times a day.

    Does nothing for an unknown subscriber or one who may not be mailed, without an error: anybody may request it.
    Raises TooMany while the ceiling of the whole service is reached.
    """
    rate_limits.require_below_ceiling()  # also where nothing may be sent, so that the answer does not tell
    with engine.reading() as session:
        subscriber = _mailable(session, subscriber_id)
    if subscriber is None or not rate_limits.may_mail_below_ceiling(rate_limits.LINK_MAILS, str(subscriber_id)):
        return
    with engine.transaction() as session:
        subscriber = _mailable(session, subscriber_id, lock=True)
        if subscriber is not None:
            enqueue_next(
                session,
                LINK,
                subject_id=subscriber_id,
                address=subscriber.address,
                subscriber_id=subscriber_id,
                now=clock.now(),
            )
    enqueue.deliver()


def _mailable(session: Session, subscriber_id: int, *, lock: bool = False) -> Subscriber | None:
    subscriber = subscribers.by_id(session, subscriber_id, lock=lock)
    if subscriber is None or subscriber.state not in {ACTIVE, UNSUBSCRIBED}:
        return None
    return subscriber if subscribers.suppression(session, subscriber.address_key) is None else None

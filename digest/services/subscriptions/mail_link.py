"""'Mail me my link': the preferences link, to the owner of a page that everybody may see. The page learns nothing."""

from __future__ import annotations

from sqlmodel import Session

from digest import clock
from digest.db.core import engine
from digest.db.outbox.transactional_mail import enqueue_next
from digest.db.subscribers import subscribers
from digest.interfaces import Enqueue
from digest.models import Edition, Subscriber
from digest.models.delivery import LINK
from digest.models.subscriber import ACTIVE, LEFT
from digest.services.security import rate_limits


def to_owner_of_edition(edition_id: int, enqueue: Enqueue) -> None:
    """Mail the preferences link to the subscriber whose edition this is."""
    with engine.reading() as session:
        edition = session.get(Edition, edition_id)
    to_subscriber(edition.subscriber_id if edition else 0, enqueue)


def to_subscriber(subscriber_id: int, enqueue: Enqueue) -> None:
    """Mail the preferences link to this subscriber, at most a few times a day.

    Silent where there is nobody, or nothing may be sent: whoever asks may be a stranger. Raises TooMany while the
    ceiling of the whole service is reached.
    """
    rate_limits.require_below_ceiling()  # also where nothing may be sent, so that the answer does not tell
    with engine.reading() as session:
        subscriber = _mailable(session, subscriber_id)
    if subscriber is None or not rate_limits.allow_below_ceiling(rate_limits.LINK_MAILS, str(subscriber_id)):
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
    if subscriber is None or subscriber.state not in {ACTIVE, LEFT}:
        return None
    return subscriber if subscribers.suppression(session, subscriber.address_key) is None else None

"""The context in which a delivery becomes a mail, and whether it may be sent now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from digest.db.outbox import mail_data
from digest.db.outbox.deliveries import ClaimedDelivery, address_key
from digest.db.outbox.mail_data import MailedEdition, MailedSubscriber
from digest.db.subscribers import subscribers
from digest.mail.mime.composer_interface import WithheldMail
from digest.models import AccountRequest, AdminLogin
from digest.models.delivery import (
    ACCOUNT_LINK,
    ALARM,
    CANCELLED,
    CONFIRMATION,
    LINK,
    MOVED,
    NEW_ADDRESS,
    RUN_REPORT,
    SIGN_IN,
    SUPPRESSED,
    TEST,
)
from digest.models.subscriber import ACTIVE, PENDING, UNSUBSCRIBED
from digest.services.editions.notice_figures import muted_topics, topic_texts
from digest.services.subscriptions import suppressions

ACCOUNT_KINDS = (ACCOUNT_LINK, NEW_ADDRESS)  # the mails of an account request
TO_OTHER_ADDRESS = (NEW_ADDRESS, MOVED)  # mails to an address that is not yet, or no longer, the subscriber's
TO_SUBSCRIBER = (CONFIRMATION, LINK, MOVED, *ACCOUNT_KINDS)
# The states in which a subscriber gets these kinds; all other kinds are sent to active subscribers only.
_STATES = {
    CONFIRMATION: (PENDING, UNSUBSCRIBED, ACTIVE),
    **dict.fromkeys((LINK, MOVED, *ACCOUNT_KINDS), (ACTIVE, UNSUBSCRIBED)),
}


@dataclass(frozen=True, slots=True)
class MailContext:
    """What composing one delivery needs. `suppressed`: the reason of a suppression, None where there is none.

    `liftable`: the owner may lift the suppression by confirming, so a confirmation may be sent.
    """

    subscriber: MailedSubscriber | None = None
    edition: MailedEdition | None = None
    topics: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    suppressed: str | None = None
    liftable: bool = False
    login: AdminLogin | None = None
    request: AccountRequest | None = None


def load_contexts(session: Session, deliveries: Sequence[ClaimedDelivery]) -> dict[int, MailContext]:
    """The context of each delivery, by its id."""
    logins = mail_data.logins(session, {delivery.subject_id for delivery in deliveries if delivery.kind == SIGN_IN})
    request_ids = {
        delivery.id: request_id for delivery in deliveries if (request_id := _request_id(delivery)) is not None
    }
    requests = mail_data.account_requests(session, set(request_ids.values()))
    contexts = {
        delivery.id: MailContext(
            login=logins.get(delivery.subject_id), request=requests.get(request_ids.get(delivery.id, 0))
        )
        for delivery in deliveries
    }
    for data in mail_data.mail_data(session, list(contexts)):
        contexts[data.delivery_id] = replace(
            contexts[data.delivery_id],
            subscriber=data.subscriber,
            edition=data.edition,
            topics=topic_texts(data.profile) if data.profile else (),
            muted=muted_topics(data.profile) if data.profile else (),
            categories=tuple(data.profile.get("categories", ())) if data.profile else (),
            suppressed=data.reason,
            liftable=data.reason is not None
            and data.source is not None
            and suppressions.can_be_lifted(data.reason, data.source),
        )
    _check_other_addresses(session, deliveries, contexts)
    return contexts


def _request_id(delivery: ClaimedDelivery) -> int | None:
    return (delivery.payload or {}).get("request_id") if delivery.kind in ACCOUNT_KINDS else None


def _check_other_addresses(
    session: Session, deliveries: Sequence[ClaimedDelivery], contexts: dict[int, MailContext]
) -> None:
    """For mail to another address than the subscriber's, use the suppression of that address."""
    for delivery in deliveries:
        if delivery.kind in TO_OTHER_ADDRESS:
            suppression = subscribers.suppression(session, address_key(delivery.address))
            reason = suppression.reason if suppression else None
            contexts[delivery.id] = replace(contexts[delivery.id], suppressed=reason)


def withheld(delivery: ClaimedDelivery, context: MailContext) -> WithheldMail | None:
    """Why this mail must not be sent now; None where it may."""
    if delivery.kind in {SIGN_IN, ALARM, TEST, RUN_REPORT}:
        return None
    subscriber = context.subscriber
    if subscriber is None:
        return WithheldMail(CANCELLED, "the subscriber was deleted")
    lifts_suppression = delivery.kind == CONFIRMATION and context.liftable
    if context.suppressed is not None and not lifts_suppression:
        return WithheldMail(SUPPRESSED, f"suppressed: {context.suppressed}")
    confirmed = delivery.kind == CONFIRMATION and subscriber.state == ACTIVE and not lifts_suppression
    if confirmed or subscriber.state not in _STATES.get(delivery.kind, (ACTIVE,)):
        return WithheldMail(CANCELLED, f"the subscriber is {subscriber.state}")
    return None

"""Detects a mail server that refuses us: many domains refuse alike, whatever the reply says about a mailbox.

A relay that replies to every RCPT with `550 no`, or even `550 5.1.1 User unknown`, says nothing about subscribers. So
the refusals of the last hours are stored and counted by signature. Where several domains share one and few mails are
accepted meanwhile, the effects of these refusals are undone and the server is paused.

A refusal usually comes back sooner than an acceptance, so mails in flight, of all senders, count as accepted until
their outcome is known. Where that decides, the verdict waits for them, and nothing else is sent meanwhile.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.db.outbox import deliveries, session_replies
from digest.db.outbox.deliveries import DeliveryResult
from digest.mail.outbox import retry_backoff
from digest.mail.smtp import refusal_cause
from digest.mail.smtp.refusal_cause import Cause
from digest.mail.smtp.reply_outcome import SendOutcome
from digest.models import SessionReply
from digest.models.delivery import ALARM, CONFIRMATION, SENT

WINDOW = timedelta(hours=24)
# Distinct domains, and their share of the replies. For refusals that name a mailbox both are higher, because several
# addresses may indeed be gone. Unconfirmed addresses do not count there: anybody may sign up any address.
MIN_DOMAINS, MIN_SHARE = 3, 0.6
MIN_DOMAINS_OF_ADDRESSES, MIN_SHARE_OF_ADDRESSES = 5, 0.8

# Refusals with one of these causes have the same signature, whatever their wording.
_CAUSE_IS_SIGNATURE = frozenset({Cause.RELAY, Cause.SENDER, Cause.CLIENT, Cause.AUTHENTICATION})
_VARIABLE_PARTS = re.compile(r"\S*\d\S*|[^\w\s]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class RefusalReview:
    """Result of a review, which the next review of the same sender starts from.

    `reply`: of the server that refuses us, '' where none does. `requeued`: how many rejected mails wait again.
    `suspected`: replies by their signatures, where the verdict waits for mails in flight.
    """

    reply: str = ""
    requeued: int = 0
    suspected: Mapping[str, str] = field(default_factory=dict)


def refusal_signature(outcome: SendOutcome) -> str:
    """A key shared by like refusals: the cause where it concerns us, else a hash of code, status and wording."""
    if outcome.cause in _CAUSE_IS_SIGNATURE:
        return str(outcome.cause)
    words = refusal_cause.plain_words(refusal_cause.without_addresses(outcome.reply))
    words = " ".join(_VARIABLE_PARTS.sub(" ", words).split())
    return hashlib.sha256(f"{outcome.reply[:3]} {outcome.status} {words}".encode()).hexdigest()[:40]


def review(
    session: Session, results: Sequence[DeliveryResult], before: RefusalReview, now: datetime, *, may_wait: bool
) -> RefusalReview:
    """Store refusals and acceptances among recorded results; pause a server that refuses us, and undo its refusals.

    `before`: the previous review of this sender. `may_wait`: the verdict may wait for mails in flight.
    Called in the transaction that records the results: other senders know of each mail either in flight or accepted.
    """
    refused = [result for result in results if result.refusal_signature and _is_evidence(result)]
    if refused:
        session_replies.add(session, [_session_reply(result, now) for result in refused])
    # Alarms do not count: they are sent even while the server is paused.
    accepted = sum(result.state == SENT and result.delivery.kind != ALARM for result in results)
    if accepted:  # behind the refusals, because results of one transaction have no order
        session_replies.add_accepted(session, accepted, now)
    replies = {**before.suspected, **{result.refusal_signature: result.reply for result in refused}}
    return _verdict(session, replies, now, may_wait=may_wait) if replies else RefusalReview()


def _verdict(session: Session, replies: Mapping[str, str], now: datetime, *, may_wait: bool) -> RefusalReview:
    """Judge the stored refusals with these signatures. `replies`: a reply by signature."""
    if not shared_refusals(session_replies.recent(session, now - WINDOW), replies):
        return RefusalReview()
    in_flight = deliveries.count_in_flight(session, without=ALARM) if may_wait else 0
    # Read again after counting, so that a mail which another sender records meanwhile is not missed.
    shared = shared_refusals(session_replies.recent(session, now - WINDOW), replies, in_flight)
    if not shared:
        return RefusalReview(suspected=replies if in_flight else {})
    until, signatures = now + retry_backoff.SERVER_PAUSE, {reply.way for reply in shared}
    requeued = session_replies.undo_refusals(session, shared, until)
    for reply in shared:
        reply.shared = True
    reply_text = next((text for signature, text in replies.items() if signature in signatures), "")
    deliveries.pause_domain(session, session_replies.SERVER, until, reply_text)
    return RefusalReview(reply_text or "many domains refuse in the same way", requeued)


def shared_refusals(
    replies: Sequence[SessionReply], signatures: Collection[str], in_flight: int = 0
) -> list[SessionReply]:
    """The refusals with one of these signatures that are newly attributed to the server. `replies`: oldest first.

    `in_flight`: mails that count as accepted after the newest reply.
    After a pause one refusal with a signature that was the server's is enough, until it accepts a mail again.
    """
    last = max((place for place, reply in enumerate(replies) if reply.shared), default=-1)
    newer, shared_before = replies[last + 1 :], {reply.way for reply in replies if reply.shared}
    if not in_flight + sum(reply.accepted for reply in newer) and shared_before.intersection(signatures):
        return [reply for reply in newer if reply.way in shared_before]
    return [reply for signature in sorted(signatures) for reply in _latest_run(signature, newer, in_flight)]


def _latest_run(signature: str, replies: Sequence[SessionReply], in_flight: int) -> list[SessionReply]:
    """The newest refusals with that signature, as far back as enough domains share it; empty where they do not.

    Counted from the newest reply, because mails accepted before the failure began say nothing about it.
    """
    alike: list[SessionReply] = []
    run: list[SessionReply] = []
    others = of_addresses = 0
    accepted = in_flight
    for reply in reversed(replies):
        accepted += reply.accepted
        if reply.way and reply.way != signature:
            others += not reply.about_address
            of_addresses += reply.about_address
        elif reply.way:
            alike.append(reply)
            if _is_shared(alike, others, of_addresses, accepted):
                run = list(alike)
    return run


def _is_shared(alike: Sequence[SessionReply], others: int, of_addresses: int, accepted: int) -> bool:
    """`others`: refusals with other signatures, without those about single addresses, which are `of_addresses`."""
    domains = len({reply.domain for reply in alike})
    if any(reply.about_address for reply in alike):
        share = len(alike) / (len(alike) + others + of_addresses + accepted)
        return domains >= MIN_DOMAINS_OF_ADDRESSES and share >= MIN_SHARE_OF_ADDRESSES
    return domains >= MIN_DOMAINS and len(alike) / (len(alike) + others + accepted) >= MIN_SHARE


def _is_evidence(result: DeliveryResult) -> bool:
    return not (result.about_address and result.delivery.kind == CONFIRMATION)


def _session_reply(result: DeliveryResult, now: datetime) -> SessionReply:
    delivery = result.delivery
    return SessionReply(
        at=now,
        way=result.refusal_signature,
        domain=delivery.domain,
        delivery_id=delivery.id,
        about_address=result.about_address,
    )

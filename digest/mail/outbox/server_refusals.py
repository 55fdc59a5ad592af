"""Refusals that many domains share: then the server refuses us, whatever its words say about a mailbox.

A relay that answers every RCPT with `550 no`, or even `550 5.1.1 User unknown`, says nothing about subscribers. So the
refusals of the last hours are kept and counted by the way in which they refuse. Where several domains share one, and
few mails are taken beside them, what they led to is taken back, and the server rests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from digest.db.outbox import deliveries, session_replies
from digest.db.outbox.deliveries import Result
from digest.mail.outbox import retry_backoff
from digest.mail.smtp import refusal_classifier
from digest.mail.smtp.refusal_classifier import Cause
from digest.mail.smtp.reply_classification import Outcome
from digest.models import SessionReply
from digest.models.delivery import ALARM, CONFIRMATION, SENT

WINDOW = timedelta(hours=24)
# Distinct domains, and their share of the answers. Words about a mailbox must be shared by more: several addresses
# may well have vanished. Addresses that were never confirmed are no evidence then: anybody may sign up any.
LEAST_DOMAINS, LEAST_SHARE = 3, 0.6
LEAST_DOMAINS_OF_ADDRESSES, LEAST_SHARE_OF_ADDRESSES = 5, 0.8

# Whoever names the cause refuses for the same reason, in whatever words.
_SAME_BY_CAUSE = frozenset({Cause.RELAY, Cause.SENDER, Cause.CLIENT, Cause.AUTHENTICATION})
_VARIABLE = re.compile(r"\S*\d\S*|[^\w\s]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Review:
    """What a look at the refusals led to. `reply`: of the server that refuses us, '' for none.

    `taken_back`: so many mails were rejected before and wait now.
    """

    reply: str = ""
    taken_back: int = 0


def way(outcome: Outcome) -> str:
    """What is the same for two refusals in the same way: the cause that concerns us, else the code and the words."""
    if outcome.cause in _SAME_BY_CAUSE:
        return str(outcome.cause)
    words = refusal_classifier.plain_words(refusal_classifier.without_addresses(outcome.reply))
    words = " ".join(_VARIABLE.sub(" ", words).split())
    return hashlib.sha256(f"{outcome.reply[:3]} {outcome.status} {words}".encode()).hexdigest()[:40]


def accepted(results: Sequence[Result]) -> int:
    """How many were taken; alarms do not count, because they alone are sent while the server rests."""
    return sum(result.state == SENT and result.delivery.kind != ALARM for result in results)


def note_accepted(session: Session, count: int, now: datetime) -> None:
    """Keep that so many mails were taken."""
    if count:
        session_replies.note(session, [SessionReply(at=now, accepted=count)])


def review(session: Session, results: Sequence[Result], taken: int, now: datetime) -> Review:
    """Keep the refusals among these recorded results; where the server refuses us, take them back and let it rest.

    `taken`: mails taken since the last look.
    """
    refused = [result for result in results if result.way and _is_evidence(result)]
    if not refused:
        return Review()
    note_accepted(session, taken, now)
    session_replies.note(session, [_reply(result, now) for result in refused])
    ways = {result.way for result in refused}
    shared = shared_refusals(session_replies.recent(session, now - WINDOW), ways)
    if not shared:
        return Review()
    until, ways = now + retry_backoff.SERVER_REFUSES, {reply.way for reply in shared}
    taken_back = session_replies.take_back(session, shared, until)
    for reply in shared:
        reply.shared = True
    words = next((result.reply for result in refused if result.way in ways), "")
    deliveries.pause_domain(session, session_replies.SERVER, until, words)
    return Review(words or "many domains refuse in the same way", taken_back)


def shared_refusals(replies: Sequence[SessionReply], ways: Collection[str]) -> list[SessionReply]:
    """Of the answers, oldest first, the refusals in one of these ways that are the server's trouble, newly found.

    After a rest one refusal in a way known as the server's is enough, until it takes a mail again.
    """
    last = max((place for place, reply in enumerate(replies) if reply.shared), default=-1)
    fresh, known = replies[last + 1 :], {reply.way for reply in replies if reply.shared}
    if not sum(reply.accepted for reply in fresh) and known.intersection(ways):
        return [reply for reply in fresh if reply.way in known]
    return [reply for way in sorted(ways) for reply in _latest_run(way, fresh)]


def _latest_run(way: str, replies: Sequence[SessionReply]) -> list[SessionReply]:
    """The refusals in that way among the newest answers, going back as far as they are shared; none where they aren't.

    Counted from the newest: what was taken before the trouble began says nothing.
    """
    alike: list[SessionReply] = []
    run: list[SessionReply] = []
    others = of_addresses = taken = 0
    for reply in reversed(replies):
        taken += reply.accepted
        if reply.way and reply.way != way:
            others += not reply.about_address
            of_addresses += reply.about_address
        elif reply.way:
            alike.append(reply)
            if _is_shared(alike, others, of_addresses, taken):
                run = list(alike)
    return run


def _is_shared(alike: Sequence[SessionReply], others: int, of_addresses: int, taken: int) -> bool:
    """`others`: refusals in other ways, but those about single addresses, which are `of_addresses`."""
    domains = len({reply.domain for reply in alike})
    if any(reply.about_address for reply in alike):
        share = len(alike) / (len(alike) + others + of_addresses + taken)
        return domains >= LEAST_DOMAINS_OF_ADDRESSES and share >= LEAST_SHARE_OF_ADDRESSES
    return domains >= LEAST_DOMAINS and len(alike) / (len(alike) + others + taken) >= LEAST_SHARE


def _is_evidence(result: Result) -> bool:
    return not (result.about_address and result.delivery.kind == CONFIRMATION)


def _reply(result: Result, now: datetime) -> SessionReply:
    delivery = result.delivery
    return SessionReply(
        at=now,
        way=result.way,
        domain=delivery.domain,
        delivery_id=delivery.id,
        about_address=result.about_address,
    )

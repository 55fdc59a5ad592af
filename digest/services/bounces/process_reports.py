"""What follows from what comes back: counted once, and only on proof that its writer had our mail.

A hard bounce (the address is gone) gives an address up; other failures add to a score that decays
(`mail.bounces.bounce_score`). A refusal for what concerns us rests the domain and raises an alarm: the subscriber is
not at fault. A complaint ends the subscription for good, a wish to leave ends it. An automatic answer means nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from digest import clock, settings
from digest.db.bounces import reports as store
from digest.db.core.engine import reading, transaction
from digest.db.core.retry_transaction import patiently
from digest.db.outbox.deliveries import address_key
from digest.db.subscribers import subscribers
from digest.mail import bounces
from digest.mail.bounces import COMPLAINT, HARD, POLICY, SOFT, UNSUBSCRIBE, Judgement
from digest.mail.bounces.bounce_score import FAILED, LATE, WINDOW, Failure, given_up
from digest.mail.bounces.delivery_attribution import read_path
from digest.mail.smtp import refusal_classifier
from digest.models import Bounce, Delivery
from digest.models.subscriber import COMPLAINT as COMPLAINED
from digest.models.subscriber import KEEPS_FAILING
from digest.models.subscriber import NO_SUCH_ADDRESS as NO_ADDRESS
from digest.services.bounces import policy_reports
from digest.services.bounces.policy_reports import PolicyReport
from digest.services.subscriptions.unsubscribe import depart

# What a report led to.
SUPPRESSED, COUNTED, PAUSED, LEFT = "suppressed", "counted", "domain paused", "left"
NOTED = "noted"  # refused because of us, by one recipient's report: their mail is lost, nobody else's is held
KNOWN, UNPROVED, NOTHING = "known", "not proved", "nothing"

LEAST_FAILURES = 3  # fewer can't reach the threshold
SECONDS_FOR_DATABASE = 10.0
READERS_A_LOOK = 500


class Report(BaseModel):
    """One report of a mail provider. `id` is the provider's own for it: a report counts once.

    `message_id` (with its angle brackets) or `return_path` says which of our mails it means; `recipient` alone will do.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(min_length=1, max_length=200)
    kind: Literal["hard", "soft", "policy", "complaint", "unsubscribe"]
    recipient: str = Field(min_length=3, max_length=254)
    status: str = Field(default="", pattern=r"^([245]\.\d{1,3}\.\d{1,3})?$", description="RFC 3463")
    message_id: str = Field(default="", max_length=250)
    return_path: str = Field(default="", max_length=320)
    words: str = Field(default="", max_length=1000, description="what the receiving server said")


@dataclass(frozen=True, slots=True)
class _Case:
    """A report with what it is about. `reader_id`: None for mail to nobody subscribed; `mail`: the delivery's id.

    `signed`: the provider vouches for it, not only a return path that its recipient knows, too.
    """

    told: Judgement
    address: str
    reader_id: int | None
    mail: int | None
    signed: bool = False


def seal() -> bounces.Seal:
    """What makes our mail recognisable, from the settings; without a key nothing is."""
    chosen = settings.get()
    return bounces.Seal(chosen.secret_key, chosen.mail_domain or "localhost")


def take(messages: Sequence[bytes]) -> list[tuple[Judgement, str]]:
    """Judge raw messages and do what follows, in one transaction. Each with what it led to.

    The same again changes nothing. Raises Transient where the database is away, Misconfigured without a key: then
    nothing could be proved, and every report would be lost.
    """
    settings.get().require("secret_key")
    judged = [bounces.judge(raw, seal()) for raw in messages]
    return patiently(partial(_all, judged, clock.now()), seconds=SECONDS_FOR_DATABASE)


def _all(judged: Sequence[Judgement], now: datetime, session: Session) -> list[tuple[Judgement, str]]:
    session.connection()  # without a database nothing is taken, not even what asks for nothing
    return [(told, apply(session, told, now=now)) for told in judged]


def apply(session: Session, told: Judgement, *, now: datetime) -> str:
    """Do what one report asks for, if it is proved. Returns what it led to."""
    if told.kind not in {HARD, SOFT, POLICY, COMPLAINT, UNSUBSCRIBE}:
        return NOTHING
    if not told.origin.proves(told.kind):
        return UNPROVED
    case = _case(session, told)
    return NOTHING if case is None else _follow(session, case, now)


def take_reports(reports: Sequence[Report]) -> dict[str, int]:
    """Do what a provider reports; its signature is the proof. Returns how many led to what. Raises BadInput."""
    judged = [_told(report) for report in reports]
    return patiently(partial(_provided, judged, clock.now()), seconds=SECONDS_FOR_DATABASE)


def _told(report: Report) -> Judgement:
    recipient = subscribers.address(report.recipient).text
    made = seal()
    origin = read_path(report.return_path, report.message_id, made)
    name = hashlib.sha256(f"provider:{report.id}".encode()).hexdigest()
    kind, status = _classified(report)
    return Judgement(kind, (recipient,), status, report.words, origin, name)


def _classified(report: Report) -> tuple[str, str]:
    """Kind and status of a provider's report: many call hard whatever failed for good, also what is our fault."""
    if report.kind != HARD:
        return report.kind, report.status
    found = refusal_classifier.classify(report.words, status=report.status)
    return POLICY if found.cause in refusal_classifier.ABOUT_US else HARD, found.status


def _provided(judged: Sequence[Judgement], now: datetime, session: Session) -> dict[str, int]:
    counts: dict[str, int] = {}
    for told in judged:
        found = store.delivery(session, told.origin.delivery_id, told.origin.named)
        same = found is not None and address_key(found.address) == address_key(told.recipients[0])
        reader = subscribers.by_key(session, address_key(told.recipients[0]))
        mail = found.id if found and same else None
        case = _Case(told, told.recipients[0], reader.id if reader else None, mail, signed=True)
        outcome = _follow(session, case, now)
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def _case(session: Session, told: Judgement) -> _Case | None:
    """Whom a proved report is about: the delivery's own address, whatever the report says; None where all is gone.

    Only the stamp says which delivery it is. The token of a link proves no more than the wish to leave of its
    subscriber: a forwarded mail contains it.
    """
    stamped, named = told.origin.delivery_id, told.origin.named
    found = store.delivery(session, stamped, named) if stamped is not None else None
    if found is not None and found.address:
        key = address_key(found.address)
        about = told.about(lambda recipient: bool(recipient) and address_key(recipient) == key)
        return _Case(about, found.address, _subscriber_at(session, found), found.id)
    leaving = told.origin.reader_id if told.kind == UNSUBSCRIBE else None
    reader = subscribers.by_id(session, leaving) if leaving else None
    return _Case(told, reader.address, reader.id, None) if reader else None


def _subscriber_at(session: Session, delivery: Delivery) -> int | None:
    """The subscriber who has the delivery's address; None where they have another address now, or not yet this one.

    Only the owner of an address speaks for its subscription: not who had the address before it was changed, nor who
    got the question whether it should be changed to theirs.
    """
    subscriber = subscribers.by_id(session, delivery.subscriber_id) if delivery.subscriber_id else None
    same = subscriber is not None and subscriber.address_key == address_key(delivery.address)
    return subscriber.id if subscriber is not None and same else None


def _follow(session: Session, case: _Case, now: datetime) -> str:
    if case.told.kind == UNSUBSCRIBE:
        gone = case.reader_id is not None and depart(session, case.reader_id, "mail", now=now)
        return LEFT if gone else KNOWN
    key = address_key(case.address)
    name = hashlib.sha256(f"{case.told.report}\0{key}".encode()).hexdigest()[:40]
    told = case.told
    new = store.note(
        session,
        report_key=f"report:{name}",
        address_key=key,
        kind=told.kind,
        status=told.status,
        delivery_id=case.mail,
        at=now,
    )
    return _first_time(session, case, key, now) if new else KNOWN


def _first_time(session: Session, case: _Case, key: str, now: datetime) -> str:
    told = case.told
    if told.kind == POLICY:
        refused = PolicyReport(case.address, case.mail, told.words or told.status, case.signed)
        return PAUSED if policy_reports.follow(session, refused, now=now) else NOTED
    if told.kind == COMPLAINT:
        if case.reader_id is not None:
            depart(session, case.reader_id, "complaint", now=now)
        return _suppress(session, case, key, COMPLAINED, now)
    if told.kind == HARD and refusal_classifier.is_address_status(told.status):
        return _suppress(session, case, key, NO_ADDRESS, now)
    if given_up(_failures(store.failures(session, key, since=now - WINDOW)), now=now):
        return _suppress(session, case, key, KEEPS_FAILING, now)
    return COUNTED


def _suppress(session: Session, case: _Case, key: str, reason: str, now: datetime) -> str:
    source = f"report {case.told.status}".strip() + (f" on delivery {case.mail}" if case.mail else "")
    store.suppress(session, key, reason=reason, source=source, at=now)
    return SUPPRESSED


def _failures(rows: Sequence[Bounce]) -> list[Failure]:
    """What failed in the session has failed for good, also where its code says 'later': it was tried for a day."""
    return [Failure(row.at, FAILED if _is_for_good(row) else LATE) for row in rows]


def _is_for_good(row: Bounce) -> bool:
    """A hard bounce, a refusal in the session, or a mailbox that a report says is full or disabled (5.2.x)."""
    return row.kind == HARD or row.report_key.startswith("session:") or row.status.startswith("5.2.")


def settle(*, now: datetime | None = None) -> int:
    """Give up addresses that keep failing, also those whose mail is refused in the session. Returns how many."""
    now = now or clock.now()
    given, after = 0, ""
    while True:
        with reading() as session:
            keys = store.failing(session, since=now - WINDOW, least=LEAST_FAILURES, after=after, limit=READERS_A_LOOK)
        if not keys:
            return given
        with transaction() as session:
            given += sum(_give_up(session, key, now) for key in keys)
        after = keys[-1]


def _give_up(session: Session, key: str, now: datetime) -> bool:
    if not given_up(_failures(store.failures(session, key, since=now - WINDOW)), now=now):
        return False
    return store.suppress(session, key, reason=KEEPS_FAILING, source="score", at=now)

"""`digest admin reconcile`: what a mail log shows as sent, but a restored backup does not, is recorded as sent.

A mail whose delivery is in the backup is found by its Message-ID. A mail that was queued after the backup is found by
its recipient and time: the edition of that date is selected again from the stored papers and recorded with its mail, so
that its papers are not sent again. Where the log does not show that a mail was an edition of ours, or of which date,
nothing is recorded and the mail is listed for a person to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.utils import parseaddr

from sqlmodel import Session

from digest import clock, settings
from digest.db.core.engine import reading, transaction
from digest.db.outbox import mail_log_matches
from digest.db.outbox.deliveries import address_key
from digest.db.outbox.message_ids import ReadMessageId, read_message_ids
from digest.db.papers import papers
from digest.db.runs import edition_writes, editions, runs
from digest.db.security import audit
from digest.db.subscribers import subscribers
from digest.mail.mime.message_builder import parse_return_path
from digest.mail.smtp.mail_log import LoggedMail, MailLog, read_mail_log
from digest.models import Audit, Delivery, Subscriber
from digest.models.delivery import DIGEST, FIRST_EDITION_KINDS, NOTICE, OPEN_STATES, SENT, WELCOME
from digest.models.types import stored_id
from digest.services.catalog import epochs
from digest.services.editions import assemble_edition
from digest.services.editions.assemble_edition import EditionRow
from digest.services.runs import repeats_after_restore, run_planning
from digest.services.security.audit_actor import command_line_actor
from digest.services.subscriptions import send_schedule

MARK_SENT, RECORD_EDITION, ALREADY_SENT = "mark as sent", "record the edition", "sent already"
NO_SUBSCRIBER, NO_PAPERS, NO_EDITION_KIND = "no such subscriber", "its papers are not stored", "not an edition"
FINAL_STATE, NO_DELIVERY = "settled otherwise", "not in the outbox"
UNKNOWN_KIND, NOT_PROVED, NO_DATE = "decide: kind unknown", "decide: not sent by us?", "decide: no edition of that date"
FOR_DECISION = (UNKNOWN_KIND, NOT_PROVED, NO_DATE)
CHANGES = (MARK_SENT, RECORD_EDITION)
_LONGEST_PAUSE_BETWEEN_MAILS = timedelta(days=7)
_CLOCK_MARGIN = timedelta(minutes=5)  # between the clocks of the mail server and the database


@dataclass(frozen=True, slots=True)
class ReconciledMail:
    """A mail of the log and what is done about it. `delivery`: the id of its row, None where there is none."""

    recipient: str
    kind: str
    at: datetime | None
    action: str
    delivery: int | None = None


@dataclass(slots=True)
class Reconciliation:
    """The result: a row for each of our mails in the log. `foreign`: how many mails of others the log holds."""

    log: MailLog
    rows: list[ReconciledMail] = field(default_factory=list)
    foreign: int = 0

    def count(self, action: str) -> int:
        """How many mails have that action."""
        return sum(row.action == action for row in self.rows)


@dataclass(frozen=True, slots=True)
class _OwnMail:
    """A mail of the log that we sent: the id and kind in its Message-ID, or the id in its return path.

    `kind`: "" where the log has no Message-ID. `proved`: False where the log has an envelope sender that is not ours.
    """

    logged: LoggedMail
    delivery_id: int
    kind: str = ""
    proved: bool = True


def reconcile(lines: Iterable[str], *, apply: bool) -> Reconciliation:
    """Compare a mail log with the outbox; with `apply` record what is missing. A second time changes nothing."""
    log = read_mail_log(lines, now=clock.now(), is_relevant=lambda logged: _own_mail(logged) is not None)
    result = Reconciliation(log, foreign=log.irrelevant)
    result.rows += (_settle(own, apply=apply) for own in map(_own_mail, log.mails) if own is not None)
    if apply:
        _record_audit(result)
    return result


def _own_mail(logged: LoggedMail) -> _OwnMail | None:
    """The mail as one of ours; None where its Message-ID or return path is another's."""
    config = settings.get()
    message_id: ReadMessageId | None = next(read_message_ids(logged.message_id), None)
    if message_id is not None and message_id.domain == config.mail_domain and message_id.delivery_id is not None:
        kind = message_id.text.strip("<>").partition(".")[0].lower()
        return _OwnMail(
            logged, message_id.delivery_id, kind, proved=_is_sender_ours(logged.sender, message_id.delivery_id)
        )
    delivery_id = _signed_delivery_id(logged.return_path)
    return _OwnMail(logged, delivery_id, logged.kind) if delivery_id is not None else None


def _is_sender_ours(sender: str | None, delivery_id: int) -> bool:
    """True for the envelope sender of that delivery, and where the log has none, as in a list made by hand.

    Anybody may write a Message-ID in our form, and a shared server logs it, but nobody else can sign a return path.
    """
    config = settings.get()
    if sender is None:
        return True
    if config.bounce_address:
        return _signed_delivery_id(sender) == delivery_id
    return address_key(sender) == address_key(parseaddr(config.mail_from)[1])


def _signed_delivery_id(return_path: str) -> int | None:
    ids = (parse_return_path(return_path, key) for key in settings.get().secret_key)
    return next((delivery_id for delivery_id in ids if delivery_id is not None), None)


def _settle(own: _OwnMail, *, apply: bool) -> ReconciledMail:
    with reading() as session:
        delivery = _matching_delivery(session, own)
    if delivery is not None:
        return _settle_delivery(own, delivery, apply=apply)
    if own.kind and own.kind not in FIRST_EDITION_KINDS:
        return _row(own, NO_EDITION_KIND)
    return _settle_lost_edition(own, apply=apply)


def _matching_delivery(session: Session, own: _OwnMail) -> Delivery | None:
    """The row of exactly this mail: a restored database assigns ids again that the log's mails had."""
    delivery = mail_log_matches.deliveries_by_id(session, [own.delivery_id]).get(own.delivery_id)
    if delivery is None:
        return None
    if own.logged.message_id:
        expected = mail_log_matches.message_id_of(session, delivery, settings.get().mail_domain)
        return delivery if expected.lower() == own.logged.message_id.lower() else None
    is_same_address = address_key(delivery.address) == address_key(own.logged.recipient)
    is_older = own.logged.at is None or delivery.created_at <= own.logged.at + _CLOCK_MARGIN
    return delivery if is_same_address and is_older else None


def _settle_delivery(own: _OwnMail, delivery: Delivery, *, apply: bool) -> ReconciledMail:
    action = MARK_SENT if delivery.state in OPEN_STATES else ALREADY_SENT if delivery.state == SENT else FINAL_STATE
    if action == MARK_SENT and apply:
        with transaction() as session:
            mail_log_matches.mark_sent(session, stored_id(delivery), own.logged.message_id, own.logged.at, clock.now())
    return _row(own, action, delivery)


def _settle_lost_edition(own: _OwnMail, *, apply: bool) -> ReconciledMail:
    """A mail whose edition the database does not have, or has made again since the restore."""
    with reading() as session:
        restore = audit.newest_of(session, audit.RESTORE)
        subscriber = subscribers.by_key(session, address_key(own.logged.recipient))
        if subscriber is None or restore is None:
            return _row(own, NO_SUBSCRIBER if restore else NO_DELIVERY)
        if not own.kind or not own.proved:
            return _row(own, NOT_PROVED if own.kind else UNKNOWN_KIND)
        sent_at = own.logged.at or send_schedule.due_after(subscriber, repeats_after_restore.backup_moment(restore))
        day = _day_of_mail(session, own, subscriber, sent_at)
        if day is None:
            return _row(own, NO_DATE)
        edition = editions.edition_of_subscriber(session, stored_id(subscriber), day)
        if edition is not None:
            delivery = mail_log_matches.first_delivery_of_edition(session, stored_id(edition))
            return _row(own, ALREADY_SENT) if delivery is None else _settle_delivery(own, delivery, apply=apply)
        slot = _slot_on(subscriber, day)
        choice = _select_again(session, subscriber, day, slot)
    if choice.kind is None and own.kind != NOTICE:
        return _row(own, NO_PAPERS)
    if apply:
        _record_edition(own, choice, slot, sent_at)
    return _row(own, RECORD_EDITION)


def _day_of_mail(session: Session, own: _OwnMail, subscriber: Subscriber, sent_at: datetime) -> date | None:
    """The date of the edition that a mail brought: the last one with a slot before the mail that no other mail brought.

    An edition that another mail brought is not this one's: it was sent before the backup, or is settled already. None
    where all dates since the backup have their mail. A mail without a time is that of the first date without a mail.
    """
    local_day = sent_at.astimezone(clock.zone_info(subscriber.time_zone)).date()
    if own.kind == WELCOME:
        return local_day
    restore = audit.newest_of(session, audit.RESTORE)
    if own.logged.at is None and restore is not None:
        last_day = restore.at.astimezone(clock.zone_info(subscriber.time_zone)).date()
        days, latest = _days_between(local_day, last_day), restore.at
    else:
        days, latest = _days_between(local_day, local_day - _LONGEST_PAUSE_BETWEEN_MAILS), sent_at + _CLOCK_MARGIN
    for day in days:
        if not _has_mail_on(subscriber, day) or _slot_on(subscriber, day) > latest:
            continue
        if not _has_other_mail(session, own, stored_id(subscriber), day):
            return day
        if own.logged.at is not None:
            return None
    return None


def _days_between(first: date, last: date) -> Iterator[date]:
    """The dates from the first to the last, which may be the earlier one."""
    step = 1 if last >= first else -1
    return (first + n * step * send_schedule.ONE_DAY for n in range(abs((last - first).days) + 1))


def _has_mail_on(subscriber: Subscriber, day: date) -> bool:
    return send_schedule.has_mail_on(day, cadence=subscriber.cadence, weekday=subscriber.weekday)


def _slot_on(subscriber: Subscriber, day: date) -> datetime:
    return send_schedule.slot_on(day, zone=clock.zone_info(subscriber.time_zone), send_at=subscriber.send_at)


def _has_other_mail(session: Session, own: _OwnMail, subscriber_id: int, day: date) -> bool:
    """True where that date's edition was sent by another mail before the restore."""
    edition = editions.edition_of_subscriber(session, subscriber_id, day)
    if edition is None:
        return False
    delivery = mail_log_matches.first_delivery_of_edition(session, stored_id(edition))
    if delivery is None or delivery.state in OPEN_STATES:
        return False
    restore = audit.newest_of(session, audit.RESTORE)
    is_older = restore is not None and edition.created_at <= repeats_after_restore.backup_moment(restore)
    is_this_mail = (
        delivery.message_id == own.logged.message_id if own.logged.message_id else delivery.tried_at == own.logged.at
    )
    return not is_this_mail and (is_older or delivery.reply == mail_log_matches.REPLY)


def _select_again(session: Session, subscriber: Subscriber, day: date, slot: datetime) -> EditionRow:
    """What a run at that slot selects from the papers stored now, also from those fetched since the restore."""
    run = run_planning.draft_run(session, slot, slot)
    run.batch_through = papers.newest_batch(session)
    epoch = epochs.epoch_before(session, run.announcement_id)
    [assembled] = assemble_edition.assemble(session, run, epoch, [(subscriber, day)])
    return EditionRow.from_assembled(assembled)


def _record_edition(own: _OwnMail, choice: EditionRow, slot: datetime, sent_at: datetime) -> None:
    """Store the edition and its mail as sent. Papers fetched since the restore that it does not have stay new.

    It belongs to the run of its slot only where the backup has that run: a new one would fix the papers of everybody
    else whose edition of that slot is still to be sent.
    """
    with transaction() as session:
        subscriber = subscribers.by_id(session, stored_id(choice.subscriber), lock=True)
        if subscriber is None or editions.edition_of_subscriber(session, stored_id(subscriber), choice.day) is not None:
            return
        run = runs.run_at_slot(session, slot) or run_planning.draft_run(session, slot, slot)
        kind = own.kind if own.kind in FIRST_EDITION_KINDS else choice.kind or DIGEST
        columns = assemble_edition.edition_columns(run, [choice], sent_at, kind=WELCOME if kind == WELCOME else DIGEST)
        [edition_id] = edition_writes.insert_editions(session, columns)
        mail_log_matches.insert_sent_delivery(
            session,
            subscriber,
            kind=kind,
            edition_id=edition_id,
            run_id=run.id,
            logged=own.logged.message_id,
            at=sent_at,
        )
        if kind == WELCOME:
            subscribers.mark_welcomed(session, stored_id(subscriber), now=clock.now())
        seen_through = max(subscriber.seen_through, run.batch_through)
        runs.store_progress(session, [(stored_id(subscriber), seen_through, _next_due(subscriber, slot))])


def _next_due(subscriber: Subscriber, slot: datetime) -> datetime | None:
    """The next slot after now, where the stored one is settled by this mail."""
    due_at = subscriber.next_due_at
    is_settled = due_at is not None and due_at <= slot
    return send_schedule.due_after(subscriber, max(slot, clock.now())) if is_settled else due_at


def _record_audit(result: Reconciliation) -> None:
    detail = {action: result.count(action) for action in CHANGES}
    detail[audit.UNDECIDED] = sum(map(result.count, FOR_DECISION))
    with transaction() as session:
        session.add(Audit(at=clock.now(), actor=command_line_actor(), action=audit.RECONCILE, detail=detail))


def _row(own: _OwnMail, action: str, delivery: Delivery | None = None) -> ReconciledMail:
    kind = delivery.kind if delivery is not None else own.kind or "unknown"
    return ReconciledMail(own.logged.recipient, kind, own.logged.at, action, None if delivery is None else delivery.id)

"""After a restore: which subscribers may be mailed for the second time, because the backup is older than their mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from digest.db.core.engine import reading
from digest.db.outbox import mail_log_matches
from digest.db.runs import runs
from digest.db.security import audit
from digest.models import Audit
from digest.services.editions import welcome

MAX_LISTED = 1000
WAITING_MAIL, MISSING_EDITION = "waits in the backup", "edition not in the backup"
MISSING_WELCOME = "welcome edition not in the backup"


@dataclass(frozen=True, slots=True)
class PossibleRepeat:
    """A subscriber who may get a mail twice, and why."""

    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class PossibleRepeats:
    """Mails that may have gone out between the backup and its restore. At most `MAX_LISTED` rows."""

    backup_at: datetime
    restored_at: datetime
    rows: tuple[PossibleRepeat, ...]


def possible_repeats() -> PossibleRepeats | None:
    """None where no backup was restored, or where its mails were settled since by a mail log."""
    with reading() as session:
        restore = unsettled_restore(session)
        if restore is None:
            return None
        backup_at = backup_moment(restore)
        rows = [
            PossibleRepeat(address, WAITING_MAIL)
            for address, _ in mail_log_matches.open_edition_mails(session, backup_at, limit=MAX_LISTED)
        ]
        for subscriber in runs.due_subscribers(session, restore.at):
            if len(rows) >= MAX_LISTED:
                break
            rows.append(PossibleRepeat(subscriber.address, MISSING_EDITION))
    due_addresses = {row.address for row in rows}
    rows += [
        PossibleRepeat(address, MISSING_WELCOME)
        for address in welcome.missing_welcome_addresses(confirmed_until=restore.at, limit=MAX_LISTED)
        if address not in due_addresses
    ]
    return PossibleRepeats(backup_at, restore.at, tuple(rows[:MAX_LISTED]))


def unsettled_restore(session: Session) -> Audit | None:
    """The audit row of the newest restore; None where there is none, or all its mails were settled since."""
    restore, settled = audit.newest_of(session, audit.RESTORE), audit.newest_of(session, audit.RECONCILE)
    is_newer = restore is not None and settled is not None and (settled.id or 0) > (restore.id or 0)
    is_settled = is_newer and settled is not None and not settled.detail.get(audit.UNDECIDED)
    return None if is_settled else restore


def backup_moment(restore: Audit) -> datetime:
    """When the restored backup was written."""
    return datetime.fromisoformat(str(restore.detail["created_at"]))

"""Processes returned mail in an IMAP folder, as `maildir` does that of a Maildir. Repeated messages count once.

How a message is marked as processed: `mail/bounces/imap_folder.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digest import logs, settings
from digest.errors import Misconfigured
from digest.mail import bounces as bounce
from digest.mail.bounces import OTHER
from digest.mail.bounces.imap_folder import ImapAccount, ImapFolder, ImapMessage, open_folder
from digest.mail.bounces.parsed_message import MAX_BYTES
from digest.services.bounces import process_reports
from digest.services.bounces.maildir import MESSAGES_PER_TRANSACTION, ProcessedMessage
from digest.settings import Settings

MESSAGES_PER_POLL = 2000  # the next poll goes on

# Without keywords, messages for a person can't be marked: by account and UIDVALIDITY, those that this process has read.
_left_for_person: dict[tuple[ImapAccount, str], set[str]] = {}

log = logs.get(__name__)


def account_from(config: Settings) -> ImapAccount | None:
    """The configured account, None without a host. Raises Misconfigured where user or password is missing."""
    if not config.bounce_imap_host:
        return None
    if not config.bounce_imap_user or not config.bounce_imap_password:
        raise Misconfigured("DIGEST_BOUNCE_IMAP_HOST needs DIGEST_BOUNCE_IMAP_USER and DIGEST_BOUNCE_IMAP_PASSWORD")
    return ImapAccount(
        host=config.bounce_imap_host,
        user=config.bounce_imap_user,
        password=config.bounce_imap_password,
        port=config.bounce_imap_port,
        security=config.bounce_imap_tls,
        folder=config.bounce_imap_folder,
        processed=config.bounce_imap_processed,
        archive=config.bounce_imap_archive,
    )


def ingest(*, dry_run: bool = False, limit: int = MESSAGES_PER_POLL) -> Iterator[ProcessedMessage]:
    """Process the folder's messages, oldest first, at most `limit`. Raises Misconfigured, Transient.

    `ProcessedMessage.file` is the UID. Messages that can't be marked do not count, so that they block no newer ones.
    """
    account = account_from(settings.get())
    if account is None:
        raise Misconfigured("DIGEST_BOUNCE_IMAP_HOST is not set; docs/BOUNCES.md lists what belongs to it")
    with open_folder(account) as folder:
        skipped_uids = _left_for_person.setdefault((account, folder.uid_validity), set())
        uids = [uid for uid in folder.unprocessed() if dry_run or uid not in skipped_uids]
        while uids and limit > 0:
            size = min(MESSAGES_PER_TRANSACTION, limit)
            messages, uids = folder.fetch(uids[:size], max_bytes=MAX_BYTES), uids[size:]
            if dry_run:
                keys = process_reports.attribution_keys()
                yield from (ProcessedMessage(m.uid, bounce.classify_message(m.raw, keys), "") for m in messages)
                limit -= size
                continue
            processed = _process(folder, messages)
            yield from processed
            unmarked = set() if folder.has_keywords else {m.file for m in processed if not _is_settled(m)}
            skipped_uids |= unmarked
            limit -= size - len(unmarked)


def poll() -> int:
    """Process what is new, where a server is configured. Returns how many messages."""
    if account_from(settings.get()) is None:
        return 0
    count = sum(1 for _ in ingest())
    log.info("bounces_polled", messages=count)
    return count


def _process(folder: ImapFolder, messages: Sequence[ImapMessage]) -> list[ProcessedMessage]:
    """Apply the messages in one transaction, then mark them on the server."""
    results = process_reports.process_messages([message.raw for message in messages])
    processed = [
        ProcessedMessage(message.uid, classified, outcome)
        for message, (classified, outcome) in zip(messages, results, strict=True)
    ]
    folder.finish([message.file for message in processed if _is_settled(message)])
    folder.leave_for_person([message.file for message in processed if not _is_settled(message)])
    return processed


def _is_settled(message: ProcessedMessage) -> bool:
    """True where nobody needs to read the message: a report that is proved to be about our mail.

    In a mailbox that others use, too, reports and automatic replies without that proof may be about their mails.
    """
    classified = message.classified
    return classified.kind != OTHER and classified.origin.proves(classified.kind)

"""Checks whether a mail server accepts our connection, and sends one test mail."""

from __future__ import annotations

import asyncio
import secrets
from email.utils import parseaddr

from digest import clock
from digest.compose.email import other_emails
from digest.errors import MailDeferred, MailRejected
from digest.mail.mime import message_builder
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.smtp.connection import SmtpConnection
from digest.mail.smtp.endpoints import parse_server
from digest.mail.smtp.reply_outcome import SendOutcome
from digest.models.delivery import SENT, TEST

_PROBE_TIMEOUT_SECONDS = 10.0  # somebody waits for the report
_TIMEOUT_SECONDS = 15.0


def probe_server(url: str) -> str:
    """Connect, greet and log in. Returns a description of the server. Raises MailDeferred, Misconfigured."""
    server = parse_server(url)

    async def connect() -> SendOutcome | None:
        connection = SmtpConnection(server, "localhost", _PROBE_TIMEOUT_SECONDS)
        failure = await connection.open()
        if failure is None:
            await connection.close()
        return failure

    failure = asyncio.run(connect())
    if failure is not None:
        raise MailDeferred(failure.reply)
    login = "logged in" if server.username else "no login"
    return f"answers on port {server.port}, {'no TLS' if server.tls == 'none' else server.tls}, {login}"


def send_test(url: str, *, sender: str, recipient: str) -> str:
    """Send a test mail. Returns its result in one line. Raises MailDeferred, MailRejected, Misconfigured."""
    server, now, mailbox = parse_server(url), clock.now(), parseaddr(sender)
    domain = mailbox[1].rpartition("@")[2]
    envelope = message_builder.Envelope(
        kind=TEST,
        sender=mailbox,
        to=recipient,
        message_id=f"<{TEST}.{secrets.token_hex(16)}@{domain}>",  # random: a test mail has no delivery
        date=now,
    )
    raw = message_builder.build_message(other_emails.delivery_test_mail(), envelope)
    outgoing = OutgoingMessage(envelope_from=mailbox[1], recipient=recipient, raw=raw, message_id=envelope.message_id)

    async def send() -> SendOutcome:
        connection = SmtpConnection(server, domain, _TIMEOUT_SECONDS)
        outcome = await connection.open() or await connection.send(outgoing, lambda: True)
        await connection.close()
        return outcome

    outcome = asyncio.run(send())
    if outcome.state == SENT:
        return f"the server accepted the test mail to {recipient}: {outcome.reply}"
    error = MailRejected if outcome.reply.startswith("5") else MailDeferred
    raise error(f"the server did not accept the test mail: {outcome.reply}")

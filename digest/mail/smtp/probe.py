"""Asking a mail server whether it would take our mail; and one test mail, with what became of it."""

from __future__ import annotations

import asyncio
import secrets
from email.utils import parseaddr

from digest import clock
from digest.compose.email import other_emails
from digest.errors import MailDeferred, MailRejected
from digest.mail.mime import message
from digest.mail.mime.outgoing_message import Letter
from digest.mail.smtp.endpoints import parse_server
from digest.mail.smtp.reply_classification import Outcome
from digest.mail.smtp.session import Connection
from digest.models.delivery import SENT, TEST

_SECONDS = 15.0


def probe(url: str) -> str:
    """Connect, greet and log in; what the server is, in words. Raises MailDeferred with its answer, Misconfigured."""
    server = parse_server(url)

    async def ask() -> Outcome | None:
        connection = Connection(server, "localhost", _SECONDS)
        trouble = await connection.open()
        if trouble is None:
            await connection.leave()
        return trouble

    trouble = asyncio.run(ask())
    if trouble is not None:
        raise MailDeferred(trouble.reply)
    login = "logged in" if server.username else "no login"
    return f"answers on port {server.port}, {'no TLS' if server.tls == 'none' else server.tls}, {login}"


def send_test(url: str, *, sender: str, recipient: str) -> str:
    """Send the test mail; what became of it in one line. Raises MailDeferred, MailRejected, Misconfigured."""
    server, now, name = parse_server(url), clock.now(), parseaddr(sender)
    domain = name[1].rpartition("@")[2]
    envelope = message.Envelope(
        kind=TEST,
        sender=name,
        to=recipient,
        message_id=f"<{TEST}.{secrets.token_hex(16)}@{domain}>",  # no delivery: it is tried once
        date=now,
    )
    raw = message.build(other_emails.trial(), envelope)
    letter = Letter(envelope_from=name[1], recipient=recipient, raw=raw, message_id=envelope.message_id)

    async def send() -> Outcome:
        connection = Connection(server, domain, _SECONDS)
        outcome = await connection.open() or await connection.carry(letter, lambda: True)
        await connection.leave()
        return outcome

    outcome = asyncio.run(send())
    if outcome.state == SENT:
        return f"the test mail to {recipient} was taken: {outcome.reply}"
    error = MailRejected if outcome.reply.startswith("5") else MailDeferred
    raise error(f"the test mail was not taken: {outcome.reply}")

"""Real digests into a real, strict Postfix that files them into a mailbox: all arrive, complete and signed."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest

from digest.mail.mime import dkim as signing
from digest.mail.smtp import transport
from tests.benchmarks import mailing
from tests.conftest import not_run
from tests.postfix import Postfix

MAILS = 200


@pytest.mark.soak
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_all_mails_are_filed_parsed_and_signed(
    database: str, shared: Path, tmp_path: Path, configured: Callable[..., None]
) -> None:
    if not Postfix.possible():
        not_run("no Postfix to start, or not root")
    pem, record = signing.generate_key()
    (tmp_path / "dkim.pem").write_bytes(pem)
    with Postfix() as server:
        configured(SMTP_URL=server.url, MAIL_FROM="Papers <papers@digest.example>", SECRET_KEY="k" * 40,
                   BASE_URL="https://digest.example", BOUNCE_ADDRESS="bounce@digest.example",
                   DKIM_DOMAIN="digest.example", DKIM_SELECTOR="s1", DKIM_KEY_FILE=tmp_path / "dkim.pem")  # fmt: skip
        mailing.fill(shared, MAILS)
        sent = mailing.outbox()
        transport.close_all()
        server.wait(MAILS)
        filed = list(server.mails())

    parsed = [email.message_from_bytes(raw, policy=email.policy.default) for raw in filed]
    assert sent == len(filed) == len({mail["Message-ID"] for mail in parsed}) == MAILS
    assert all(
        [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"] for mail in parsed
    )
    assert not any(part.defects for mail in parsed for part in mail.walk())
    assert all(dkim.verify(_crlf(raw), dnsfunc=lambda *_, **__: record.encode()) for raw in filed)


def _crlf(raw: bytes) -> bytes:
    """The message as sent: a mailbox stores bare line feeds, and prepends headers."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

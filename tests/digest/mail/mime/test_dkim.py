"""Signatures, judged by an independent verifier."""

from __future__ import annotations

from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose.email import other_emails
from digest.compose.email.template_context import RenderedMail
from digest.errors import Misconfigured
from digest.mail.mime.dkim import DkimSigner, dns_record, generate_key
from digest.mail.mime.message import TRANSACTIONAL, build_message
from tests.digest.compose import samples
from tests.digest.mail.mime.test_message import ENVELOPE, PLAIN

PEM, RECORD = generate_key()
SIGNER = DkimSigner("papers.example", "s1", PEM)


def verified(raw: bytes) -> bool:
    def answer(name: bytes, timeout: int = 5) -> bytes:
        return RECORD.encode() if name == b"s1._domainkey.papers.example." else b""

    return bool(dkim.verify(raw, dnsfunc=answer))


@pytest.mark.parametrize("kind", ["digest", "welcome", "notice", "resend", *sorted(TRANSACTIONAL)])
def test_a_mail_of_every_kind_verifies(kind: str) -> None:
    mail = other_emails.digest(
        samples.edition(samples.INVENTED), samples.papers(samples.INVENTED), samples.RECIPIENT, samples.LINKS
    )

    assert verified(SIGNER.sign(build_message(mail, replace(ENVELOPE, kind=kind))))


@given(st.text(max_size=200), st.text(max_size=500))
@settings(max_examples=40, deadline=None)
def test_any_text_verifies(subject: str, text: str) -> None:
    assert verified(SIGNER.sign(build_message(RenderedMail(subject, (text,), (f"<p>{text}</p>",)), ENVELOPE)))


@pytest.mark.parametrize(
    "header", [b"From: a@b.example", b"Subject: another", b"To: x@y.example", b"Date: Thu, 1 Jan 1970 00:00:00 +0000"]
)
def test_a_second_header_breaks_the_signature(header: bytes) -> None:
    signed = SIGNER.sign(build_message(PLAIN, ENVELOPE))

    assert not verified(header + b"\r\n" + signed)


def test_a_changed_unsubscribe_address_breaks_the_signature() -> None:
    signed = SIGNER.sign(build_message(PLAIN, ENVELOPE))

    assert not verified(signed.replace(b"/unsubscribe/", b"/elsewhere!!/"))


def test_a_line_added_to_the_body_breaks_the_signature() -> None:
    assert not verified(SIGNER.sign(build_message(PLAIN, ENVELOPE)) + b"more\r\n")


def test_empty_lines_added_at_the_end_do_not() -> None:
    assert verified(SIGNER.sign(build_message(PLAIN, ENVELOPE)) + b"\r\n\r\n")


def test_the_record_belongs_to_the_key() -> None:
    assert dns_record(PEM) == RECORD


def test_a_key_of_another_sort_is_refused_by_name() -> None:
    other = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(Misconfigured, match="DKIM_KEY_FILE"):
        DkimSigner("papers.example", "s1", other)


def test_what_is_no_key_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="DKIM_KEY_FILE"):
        DkimSigner("papers.example", "s1", b"not a key")

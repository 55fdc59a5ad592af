"""What replies mean, how long a retry waits, and how a server's address is read."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import Misconfigured
from digest.mail.mime.composer_interface import OutgoingMessage, WithheldMail
from digest.mail.outbox import retry_backoff
from digest.mail.smtp.endpoints import SmtpServer, parse_server
from digest.mail.smtp.reply_outcome import CONTENT, DATA, MAIL, RCPT, classify_reply
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN

COMMANDS = st.sampled_from([MAIL, RCPT, DATA, CONTENT])


@given(COMMANDS, st.integers(-1, 999), st.text(max_size=40))
def test_only_a_2yz_to_the_content_means_sent(command: str, code: int, text: str) -> None:
    outcome = classify_reply(command, code, text)

    assert (outcome.state == SENT) == (command == CONTENT and 200 <= code < 300)


@given(COMMANDS, st.integers(-1, 999), st.text(max_size=40))
def test_only_an_unreadable_answer_to_the_content_is_uncertain(command: str, code: int, text: str) -> None:
    outcome = classify_reply(command, code, text)

    assert (outcome.state == UNCERTAIN) == (command == CONTENT and code // 100 not in (2, 4, 5))


@given(COMMANDS, st.integers(400, 599), st.integers(0, 999))
def test_a_policy_refusal_rejects_nobody(command: str, code: int, detail: int) -> None:
    outcome = classify_reply(command, code, f"5.7.{detail} policy")

    assert outcome.state == DEFERRED


@pytest.mark.parametrize(
    ("text", "is_missing"),
    [("5.1.1 unknown", True), ("5.1.10 null MX", True), ("5.2.2 full", False), ("no such user 5.1.1", True)],
)
def test_only_a_wrong_address_is_no_such_address(text: str, is_missing: bool) -> None:
    outcome = classify_reply(RCPT, 550, text)

    assert outcome.state == REJECTED
    assert outcome.no_such_address is is_missing


def test_the_waits_grow_and_end_after_a_day() -> None:
    waits = [wait for tries in range(1, 60) if (wait := retry_backoff.retry_delay(tries))]

    assert waits == sorted(waits)
    assert timedelta(hours=23) < sum(waits, timedelta()) < timedelta(hours=27)


@given(st.integers(0, 2**32), st.timedeltas(timedelta(), timedelta(days=1)))
def test_jitter_is_at_most_a_fifth(seed: int, delay: timedelta) -> None:
    spread = retry_backoff.with_jitter(delay, random.Random(seed))

    assert delay * 0.79 <= spread <= delay * 1.21


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", SmtpServer("localhost", 25, tls="none")),
        ("smtp://127.0.0.1:2525", SmtpServer("127.0.0.1", 2525, tls="none")),
        ("smtp://mail.example", SmtpServer("mail.example", 25)),
        ("smtp://me:a%40b@mail.example", SmtpServer("mail.example", 587, "me", "a@b")),
        ("smtp://mail.example:26?tls=none", SmtpServer("mail.example", 26, tls="none")),
        ("smtp://localhost?tls=required", SmtpServer("localhost", 25)),
        ("smtps://me:pw@mail.example", SmtpServer("mail.example", 465, "me", "pw", "implicit")),
    ],
)
def test_a_servers_address_says_how_to_reach_it(url: str, server: SmtpServer) -> None:
    assert parse_server(url) == server


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://h:x", "smtp://h?tls=maybe"])
def test_a_wrong_address_of_a_server_is_refused_by_name(url: str) -> None:
    with pytest.raises(Misconfigured, match="DIGEST_SMTP_URL"):
        parse_server(url)


@pytest.mark.parametrize("url", ["smtp://ada:pass/word@mail.example", "smtp://ada:pass[word@mail.example"])
def test_a_password_that_must_be_escaped_is_not_repeated(url: str) -> None:
    with pytest.raises(Misconfigured, match="%2F") as refusal:
        parse_server(url)
    assert "pass" not in str(refusal.value).replace("password", "")


@pytest.mark.parametrize("raw", [b"", b"a: b\n", b"a: b\r\n\nx\r\n", b"a: b\r\n\rx\r\n", b"a: b"])
def test_a_message_that_would_change_on_the_way_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="CRLF"):
        OutgoingMessage("a@b.example", "c@d.example", raw, "<1@b.example>")


@pytest.mark.parametrize("address", ["a@b.example> SIZE=1", "a\r\nRCPT TO:<x@y>", "a b@c.example"])
def test_an_address_can_not_smuggle_a_command(address: str) -> None:
    with pytest.raises(ValueError, match="envelope"):
        OutgoingMessage("a@b.example", address, b"a: b\r\n", "<1@b.example>")


def test_mail_is_withheld_only_for_good() -> None:
    with pytest.raises(ValueError, match="deferred"):
        WithheldMail("deferred", "later")

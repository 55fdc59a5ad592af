"""The classifier: what a refusal is about, in the wording of many servers and several languages."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.bounces import HARD, bounce_kinds
from digest.mail.bounces import report_refusal as bounce_status
from digest.mail.smtp.refusal_cause import ABOUT_SUBSCRIBER, ABOUT_US, Cause, classify, find_status
from digest.mail.smtp.reply_outcome import CONTENT, DATA, MAIL, RCPT, classify_reply
from digest.models.delivery import DEFERRED, REJECTED

ABOUT_US_SAID = [
    (550, "relay not permitted"),
    (550, "5.1.0 <papers@lab.example> sender rejected"),
    (553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
    (554, "5.7.1 <ada@one.example>: Relay access denied"),
    (550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
    (550, "x.example is not a local host, not a gateway"),
    (530, "5.7.0 Must issue a STARTTLS command first"),
    (530, "authentication required"),
    (535, "5.7.8 Error: authentication failed"),
    (550, "5.7.606 Access denied, banned sending IP [192.0.2.1]"),
    (550, "5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus"),
    (550, "5.1.1 <ada@one.example> rejected: 192.0.2.1 is listed at zen.spamhaus.org"),
    (554, "5.7.9 Message not accepted for policy reasons"),
    (553, "5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred"),
    (554, "5.7.1 [CS01] Message rejected due to local policy"),
    (554, "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1"),
    (550, "Administrative prohibition - envelope blocked"),
    (550, "5.7.1 Client host rejected: cannot find your reverse hostname"),
    (504, "5.5.2 <lab>: Helo command rejected: need fully-qualified hostname"),
    (550, "5.1.8 Access denied, bad outbound sender"),
    (550, "5.1.7 invalid address"),
    (550, "5.7.60 SMTP; Client does not have permissions to send as this sender"),
    (550, "Sender verify failed"),
    (550, "Unrouteable sender address"),
    (550, "Domain of sender address papers@lab.example does not exist"),
    (550, "5.7.26 This mail is unauthenticated. DKIM = did not pass, SPF = did not pass"),
    (550, "5.7.515 Access denied, sending domain lab.example does not meet the required authentication level"),
    (550, "5.4.5 Daily user sending limit exceeded"),
    (550, "Message quota exceeded for your account"),
    (550, "5.1.1 this message looks like spam"),
    (550, "5.1.1 SPF check failed"),
    (550, "Too many invalid recipients"),
    (550, "Connection frequency limited"),
    (554, "5.7.1 Message contains a virus"),
    (552, "5.3.4 Message size exceeds fixed limit"),
    (550, "Absender nicht erlaubt"),
    (550, "Expéditeur refusé"),
    (550, "Remitente rechazado"),
    (550, "Адрес отправителя отклонён"),
    (550, "该发件人被拒绝"),
    (521, "mail.one.example does not accept mail"),
]
GONE_SAID = [
    (550, "5.1.1 <ada@one.example>: Recipient address rejected: User unknown in virtual mailbox table"),
    (550, "5.1.1 The email account that you tried to reach does not exist"),
    (550, "sorry, no mailbox here by that name (#5.1.1)"),
    (550, "no such user 5.1.1"),
    (550, "No such user here"),
    (550, "first line\nsecond line\n5.1.1 third line"),
    (550, "Unrouteable address"),
    (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    (550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
    (550, "5.7.1 <ada@one.example>: Recipient address rejected: User unknown"),
    (554, "delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [-9]"),
    (550, "5.1.6 Recipient no longer on server"),
    (550, "5.2.1 <ada@one.example>... User Unknown"),
    (551, "User not local; please try <ada@two.example>"),
    (550, "5.1.2 unknown host"),
    (556, "5.1.10 null MX"),
    (550, "Empfänger unbekannt"),
    (550, "Utilisateur inconnu"),
    (550, "El usuario no existe"),
    (550, "Utente sconosciuto"),
    (550, "пользователь не найден"),
    (550, "用户不存在"),
    (550, "宛先不明"),
]
MAILBOX_SAID = [
    (552, "5.2.2 Mailbox full"),
    (550, "5.2.2 The email account that you tried to reach is over quota"),
    (550, "5.2.1 The email account that you tried to reach is disabled"),
    (554, "30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30)."),
    (550, "The recipient's inbox is out of storage space"),
    (550, "El buzón está lleno"),
]


@pytest.mark.parametrize(("code", "reply_text"), ABOUT_US_SAID)
@pytest.mark.parametrize("command", [RCPT, DATA, CONTENT])
def test_a_refusal_about_us_rejects_nobody(command: str, code: int, reply_text: str) -> None:
    outcome = classify_reply(command, code, reply_text)

    assert outcome.cause in ABOUT_US
    assert outcome.state == DEFERRED


@pytest.mark.parametrize(("code", "reply_text"), GONE_SAID)
def test_a_missing_address_is_no_such_address(code: int, reply_text: str) -> None:
    assert classify_reply(RCPT, code, reply_text).no_such_address


@pytest.mark.parametrize(("code", "reply_text"), MAILBOX_SAID)
def test_a_full_or_disabled_mailbox_is_rejected_but_not_gone(code: int, reply_text: str) -> None:
    outcome = classify_reply(RCPT, code, reply_text)

    assert (outcome.state, outcome.no_such_address) == (REJECTED, False)


@pytest.mark.parametrize(("code", "reply_text"), GONE_SAID + MAILBOX_SAID)
def test_a_refusal_of_mail_from_is_never_about_the_recipient(code: int, reply_text: str) -> None:
    outcome = classify_reply(MAIL, code, reply_text)

    assert outcome.state == DEFERRED
    assert outcome.server_trouble


@pytest.mark.parametrize("reply_text", ["no", "", "Requested action not taken", "5.0.0 rejected", "5.1.5 valid"])
def test_replies_without_a_reason_suppress_no_address(reply_text: str) -> None:
    assert classify_reply(RCPT, 550, reply_text).state == DEFERRED


@pytest.mark.parametrize("reply_text", ["5.1.0 <{sender}>: nej", "5.1.1 <{sender}> unknown", "<{sender}>... go away"])
def test_a_reply_that_quotes_our_address_is_about_us(reply_text: str) -> None:
    sender = "bounces+7-abcdefghij@lab.example"

    outcome = classify_reply(RCPT, 550, reply_text.format(sender=sender), sender=sender, recipient="ada@one.example")

    assert outcome.cause in ABOUT_US


@pytest.mark.parametrize(
    "reply_text",
    ["5.7.1 no", "no (#5.7.1)", "no [5.7.1]", "one\ntwo 5.7.1", "sorry: 5.7.1: no", "5.0.0 x 5.7.1", "no 5.7.1."],
)
def test_an_enhanced_status_is_found_wherever_it_stands(reply_text: str) -> None:
    assert find_status(reply_text, 550) == "5.7.1"


@pytest.mark.parametrize("reply_text", ["host 5.1.1.3 said no", "10.5.1.1", "version 4.96.1 of exim", "5.1.1rc1"])
def test_an_address_or_a_version_is_no_status(reply_text: str) -> None:
    assert find_status(reply_text, 550) == ""


@pytest.mark.parametrize("local", ["relay-denied", "spamhaus", "user.unknown", "mailboxfull", "sender-rejected"])
def test_the_name_of_a_mailbox_is_no_reason(local: str) -> None:
    assert classify(f"<{local}@no-such-user.example>: no", code=550).cause == Cause.UNKNOWN


@given(st.integers(400, 599), st.text(max_size=300), st.from_regex(r"([245]\.\d{1,3}\.\d{1,3})?", fullmatch=True))
def test_any_words_are_classified(code: int, reply_text: str, status: str) -> None:
    assert classify(reply_text, code=code, status=status).cause in Cause


@given(st.sampled_from(GONE_SAID), st.sampled_from(["blocked using Spamhaus", "relay access denied"]))
def test_what_concerns_us_outweighs_words_about_the_address(address_reply: tuple[int, str], ours: str) -> None:
    assert classify(f"{address_reply[1]}; {ours}", code=address_reply[0]).cause not in ABOUT_SUBSCRIBER


def test_own_replies_of_fifty_families_are_distinguished() -> None:
    """The kinds were written down before the classifier was tuned. `hard` is what suppresses an address at once."""
    with (Path(__file__).parent / "refusal_cases.csv").open(newline="") as file:
        cases = list(csv.DictReader(file))
    kinds_read = [kind_of(case["status"], case["text"]) for case in cases]

    pairs = [(case["kind"], kind, case["text"]) for case, kind in zip(cases, kinds_read, strict=True)]
    wrongly_hard = [text for expected, kind, text in pairs if kind == HARD != expected]
    missed = [text for expected, kind, text in pairs if expected == HARD != kind]
    hard_cases = sum(case["kind"] == HARD for case in cases)
    assert len(cases) >= 500
    assert wrongly_hard == []
    assert len(missed) <= 0.03 * hard_cases, missed
    assert sum(case["kind"] == kind for case, kind in zip(cases, kinds_read, strict=True)) >= 0.97 * len(cases)


def kind_of(status: str, text: str) -> str:
    """The kind of a report with that Status field and those words."""
    return bounce_kinds.bounce_kind(bounce_status.resolve_refusal(status, text, temporary=False).cause, temporary=False)


@pytest.mark.parametrize(
    ("status", "reply_text", "kind"),
    [
        ("5.1.1", "550 5.1.1 <ada@one.example> mailbox is full", "soft"),
        ("5.1.1", "550 5.1.1 <ada@one.example> account suspended", "soft"),
        ("5.1.1", "550 5.1.1 message rejected due to policy", "policy"),
        ("5.1.1", "550 5.1.1 Requested action not taken: mailbox unavailable", "hard"),
        ("5.2.1", "550 5.2.1 <ada@one.example>... User Unknown", "hard"),
        ("5.2.2", "552 5.2.2 user unknown or mailbox full", "soft"),
        ("5.7.1", "550 5.7.1 No such user!", "hard"),
        ("5.7.1", "550 5.7.1 <ada@one.example>: Recipient address rejected: Access denied", "policy"),
        ("5.4.1", "550 5.4.1 <ada@one.example>: Recipient address rejected: Access denied", "hard"),
        ("4.1.1", "452 4.1.1 Account temporarily unavailable", "soft"),
        ("5.0.0", "user_unknown", "hard"),
        ("5.1.2", "Name server timeout, domain may not exist; try again", "soft"),
    ],
)
def test_the_words_of_the_receiver_outweigh_a_status_that_its_reporter_made_up(
    status: str, reply_text: str, kind: str
) -> None:
    assert kind_of(status, reply_text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "5.3.2 System not accepting messages",
        "System not accepting network messages",
        "Our server is currently not accepting new mail",
        "5.3.2 host temporarily not accepting e-mails",
    ],
)
def test_a_host_that_accepts_nothing_is_not_the_recipients_fault(text: str) -> None:
    assert classify(text, code=550).cause == Cause.SYSTEM


def test_a_mailbox_that_accepts_nothing_is() -> None:
    assert classify("5.2.1 The system is not accepting mail for this recipient", code=550).cause == Cause.MAILBOX

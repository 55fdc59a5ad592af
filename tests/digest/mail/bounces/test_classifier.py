"""Classification of returned mail: real bounces, forged ones, ordinary mail, and bytes that are no mail."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.bounces import AttributionKeys, ClassifiedMessage, classify_message
from digest.mail.bounces.delivery_attribution import Attribution
from digest.mail.mime.message_builder import return_path
from digest.signing import UNSUBSCRIBE, Signer
from tests.benchmarks.bounces import measure
from tests.digest.mail.bounce_layouts import LAYOUTS, Layout
from tests.digest.mail.ordinary import ORDINARY, REPORT, mail
from tests.steps import costs_at_most

KEYS = ("new key", "old key")
SEAL = AttributionKeys(KEYS, "digest.example")
FAILURES = {"hard", "soft", "policy"}


def report(
    status: str = "5.1.1",
    action: str = "failed",
    *,
    diagnostic: str = "smtp; 550 5.1.1 User unknown",
    returned: str = "",
    recipient: str = "",
) -> bytes:
    """A delivery status notification of a well-behaved server."""
    return (
        dedent(f"""\
        Return-Path: <>
        From: MAILER-DAEMON@mx.one.example (Mail Delivery System)
        To: {recipient or "bounces@digest.example"}
        Subject: Undelivered Mail Returned to Sender
        Message-ID: <r1@mx.one.example>
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary="x"

        --x
        Content-Type: text/plain

        This is the mail system at host mx.one.example.

        --x
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.one.example

        Original-Recipient: rfc822;ada@one.example
        Final-Recipient: rfc822;ada.byron@inside.one.example
        Action: {action}
        Status: {status}
        Diagnostic-Code: {diagnostic}

        --x
        Content-Type: message/rfc822

        From: Papers <papers@digest.example>
        To: ada@one.example
        Subject: 7 papers for you
        """).encode()
        + f"{returned}\n\nHello\n\n--x--\n".encode()
    )


def complaint(kind: str = "abuse", returned: str = "Subject: 7 papers") -> bytes:
    """A complaint in ARF."""
    return (
        dedent("""\
        From: feedback@one.example
        To: abuse@digest.example
        Subject: FW: 7 papers for you
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="x"

        --x
        Content-Type: text/plain

        This is an email abuse report.

        --x
        Content-Type: message/feedback-report

        Feedback-Type: %s
        User-Agent: SomeFBL/1.0
        Version: 1
        Original-Rcpt-To: <ada@one.example>

        --x
        Content-Type: message/rfc822

        %s

        Hello
        --x--
        """)
        .replace("%s", kind, 1)
        .replace("%s", returned, 1)
        .encode()
    )


def judgement_of(judgement: ClassifiedMessage) -> tuple[str, tuple[str, ...], str]:
    return judgement.kind, judgement.recipients, judgement.status


def test_every_real_bounce_is_judged_as_expected(shared: Path) -> None:
    """Of one file two detectors expect different things: what either finds is right.

    What is temporary must be soft; what is for good is soft, too, where the address is not gone (a full mailbox).
    """
    expected: dict[str, tuple[set[str], bool]] = {}
    for row in json.loads((shared / "data/bounces/expected.json").read_text()):
        recipients, _ = expected.setdefault(row["file"], (set(), row["temporary"]))
        recipients.update(row["recipients"])

    misclassified = []
    files = sorted((shared / "data/bounces/data").iterdir())
    for file in files:
        classified = classify_message(file.read_bytes())
        recipients, temporary = expected.get(file.name, (set(), False))
        good_kind = not (recipients and temporary) or classified.kind == "soft"
        if (
            set(classified.recipients) != recipients
            or not good_kind
            or (recipients and classified.kind not in FAILURES)
        ):
            misclassified.append((file.name, judgement_of(classified)))

    assert len(files) == 117
    assert misclassified == []


def test_labelled_reports_are_hard_only_where_the_address_is_gone(shared: Path) -> None:
    """The goals are for reports that nobody looked at; these must be clearly above them."""
    hard, complaint = measure(shared / "data/bounces_labelled")

    assert hard.precision >= 0.97, hard.wrong
    assert hard.recall >= 0.92, hard.missed
    assert (complaint.precision, complaint.recall) == (1.0, 1.0)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_mail_is_no_bounce(name: str) -> None:
    kind, raw = ORDINARY[name]

    assert classify_message(raw, SEAL).kind == kind


def test_there_are_enough_ordinary_mails() -> None:
    assert len(ORDINARY) >= 40


@pytest.mark.parametrize(
    ("status", "action", "reply_text", "kind", "settled"),
    [
        ("5.1.1", "failed", "smtp; 550 5.1.1 User unknown", "hard", "5.1.1"),
        ("5.0.0", "failed", "smtp; 550 No such user here", "hard", "5.1.1"),
        ("5.0.0", "failed", "smtp; 550-5.1.1 no mailbox", "hard", "5.1.1"),
        ("5.2.2", "failed", "smtp; 552 5.2.2 Mailbox full", "soft", "5.2.2"),
        ("4.4.1", "delayed", "X-Postfix; connection timed out", "soft", "4.4.1"),
        ("5.7.26", "failed", "smtp; 550 5.7.26 Unauthenticated email is not accepted", "policy", "5.7.26"),
        ("5.0.0", "failed", "smtp; 550 5.7.515 Access denied, sending domain", "policy", "5.7.515"),
        ("5.0.0", "failed", "smtp; 554 Blocked using Spamhaus", "policy", "5.7.1"),
        ("5.1.1", "failed", "smtp; 550 5.1.1 rejected, your address is on a blacklist", "policy", "5.7.1"),
        ("5.1.8", "failed", "smtp; 553 5.1.8 Sender address rejected", "policy", "5.1.8"),
        ("4.4.7", "failed", "smtp; retry timeout exceeded", "soft", "4.4.7"),
        ("553 too large", "failed", "smtp; 553 message exceeds maximum size", "policy", "5.3.4"),
        ("5.0.0", "failed", "smtp; 550 relay not permitted", "policy", "5.7.1"),
        ("5.1.0", "failed", "smtp; 550 5.1.0 <papers@lab.example> sender rejected", "policy", "5.1.8"),
        (
            "5.0.0",
            "failed",
            "smtp; 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
            "policy",
            "5.7.1",
        ),
        ("5.2.1", "failed", "smtp; 550 5.2.1 account suspended", "soft", "5.2.1"),
        ("5.1.1", "failed", "smtp; 550 5.1.1 User unknown (in reply to MAIL FROM command)", "policy", "5.1.8"),
        ("4.0.0", "failed", "smtp; DNS Error: lookup of one.example responded with code NXDOMAIN", "soft", "4.0.0"),
    ],
)
def test_a_report_is_hard_soft_or_policy_by_its_code_and_words(
    status: str, action: str, reply_text: str, kind: str, settled: str
) -> None:
    assert judgement_of(classify_message(report(status, action, diagnostic=reply_text))) == (
        kind,
        ("ada@one.example",),
        settled,
    )


def test_an_address_with_digits_is_no_status() -> None:
    classified = classify_message(report("5.0.0", diagnostic="smtp; host 5.1.1.3 said: 550 go away"))

    assert classified.status == "5.0.0"


def test_fields_that_a_server_wrote_into_its_text_are_read() -> None:
    raw = dedent("""\
        Return-Path: <>
        From: MAILER-DAEMON@mx.one.example
        Subject: Delivery Status Notification (Failure)

        An error occurred while trying to deliver the mail.

        Reporting-MTA: dns; mx.one.example

        Action: failed
        Final-Recipient: rfc822; ada@one.example
        Diagnostic-Code: smtp; 552 5.2.2 Mailbox full
        Status: 5.2.2
        """).encode()

    assert judgement_of(classify_message(raw)) == ("soft", ("ada@one.example",), "5.2.2")


def test_the_subject_of_the_returned_mail_is_no_reason() -> None:
    raw = dedent("""\
        Return-Path: <>
        From: MAILER-DAEMON@mx.one.example
        Subject: failure notice

        Your message
            Subject: User unknown: a survey of spam filters and blocklists
        could not be delivered to <ada@one.example>:
        552 mailbox is full
        """).encode()

    assert (classify_message(raw).kind, classify_message(raw).status) == ("soft", "5.2.2")


def test_one_failed_recipient_weighs_more_than_one_delayed() -> None:
    two_recipients = report().replace(
        b"Reporting-MTA: dns; mx.one.example\n",
        b"Reporting-MTA: dns; mx.one.example\n\nFinal-Recipient: rfc822;bob@one.example\nAction: delayed\n",
    )

    assert judgement_of(classify_message(two_recipients)) == ("hard", ("ada@one.example",), "5.1.1")


def test_a_report_for_addresses_beyond_ascii_is_read() -> None:
    international = report().replace(b"message/delivery-status", b"message/global-delivery-status")

    assert judgement_of(classify_message(international)) == ("hard", ("ada@one.example",), "5.1.1")


@pytest.mark.parametrize(
    ("kind", "judged"),
    [("abuse", "complaint"), ("ABUSE", "complaint"), ("fraud", "complaint"), ("opt-out", "unsubscribe")],
)
def test_feedback_is_a_complaint_or_an_unsubscribe_request(kind: str, judged: str) -> None:
    assert judgement_of(classify_message(complaint(kind))) == (judged, ("ada@one.example",), "")


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc", "virus", "other"])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    assert classify_message(complaint(kind)).kind == "other"


FIELDS = b"Feedback-Type: abuse\nUser-Agent: SomeFBL/1.0\nVersion: 1\nOriginal-Rcpt-To: <ada@one.example>\n"
JUNK_REPORT = b"X-HmXmrOriginalRecipient: ada@one.example\nSubject: 7 papers"


@pytest.mark.parametrize(
    "raw",
    [
        complaint().replace(b"multipart/report; report-type=feedback-report", b"multipart/mixed"),
        complaint().replace(b"message/feedback-report", b"text/plain"),
        complaint().replace(b"message/feedback-report", b"application/octet-stream"),
        complaint().replace(b"message/rfc822", b"text/rfc822-headers"),
        complaint().replace(b"message/feedback-report", b"text/plain").replace(FIELDS, b""),
        complaint().replace(b"Feedback-Type: abuse\n", b""),
        complaint()
        .replace(b"message/feedback-report", b"text/plain")
        .replace(FIELDS, b"")
        .replace(b"This is an email abuse report.", b"")
        .replace(b"Subject: FW: 7 papers for you", b"Subject: complaint about message from 192.0.2.9")
        .replace(b"Subject: 7 papers", JUNK_REPORT),
    ],
    ids=["mixed", "in text", "octets", "headers only", "only prose", "no type", "junk mail report"],
)
def test_complaints_in_other_forms_are_complaints(raw: bytes) -> None:
    assert classify_message(raw).kind == "complaint"


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: str(layout.family))
def test_a_report_in_no_standard_form_is_judged_by_the_servers_words(layout: Layout) -> None:
    assert classify_message(layout.raw()).kind == layout.kind


SECOND = b"Final-Recipient: rfc822; bob@one.example\nAction: failed\nStatus: 5.2.2\n\nOriginal-Recipient:"
TWO_IN_TEXT = Layout(
    "exim, two",
    "hard",
    "A message that you sent could not be delivered to one or more of its recipients.\n"
    "This is a permanent error. The following address(es) failed:\n\n"
    "  bob@one.example\n    host mx.one.example [192.0.2.4]: 552 5.2.2 Mailbox full\n"
    "  ada@one.example\n    host mx.one.example [192.0.2.4]: 550 5.1.1 User unknown\n",
)
TWO_IN_JSON = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [
            {"emailAddress": "bob@one.example", "status": "5.2.2", "diagnosticCode": "smtp; 552 5.2.2 full"},
            {"emailAddress": "ada@one.example", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown user"},
        ],
    },
}


def test_each_recipient_of_a_report_is_judged_by_what_is_said_of_it() -> None:
    standard = report().replace(b"Original-Recipient:", SECOND, 1)
    for raw in (standard, TWO_IN_TEXT.raw(), provider_mail(TWO_IN_JSON)):
        classified = classify_message(raw)
        kinds = {name: classified.narrow_to(name.__eq__).kind for name in ("ada@one.example", "bob@one.example")}

        assert kinds == {"ada@one.example": "hard", "bob@one.example": "soft"}
        assert classified.kind == "hard"
        assert classified.narrow_to("cyd@two.example".__eq__).kind == "soft"


@pytest.mark.parametrize(
    ("category", "reply_text", "kind"),
    [
        ("inactive-mailbox", "550 5.2.1 User unknown", "soft"),
        ("quota-issues", "550 5.1.1 no", "soft"),
        ("bad-mailbox", "550 no", "hard"),
        ("spam-related", "550 no", "policy"),
        ("bad-mailbox", "550 5.7.1 blocked using Spamhaus", "policy"),
        ("other", "550 5.1.1 User unknown", "hard"),
    ],
)
def test_the_bounce_category_of_powermta_counts_where_the_reply_says_less(
    category: str, reply_text: str, kind: str
) -> None:
    raw = report("5.0.0", diagnostic=f"smtp; {reply_text}")
    raw = raw.replace(b"Diagnostic-Code:", f"X-PowerMTA-BounceCategory: {category}\nDiagnostic-Code:".encode(), 1)

    assert classify_message(raw).kind == kind


@pytest.mark.parametrize(
    ("status", "covering_text", "kind"),
    [
        ("5.1.1", "ada@one.example: the mailbox is full.", "soft"),
        ("5.1.1", "The address may not exist, or the mailbox may be full or disabled.", "hard"),
        ("5.0.0", "ada@one.example: there is no such user here.", "hard"),
        ("5.0.0", "ada@one.example\nYour account at the relay is over its daily sending limit.", "policy"),
        ("5.1.1", "Not found.\n\n--- Below this line is a copy of the message.\nSubject: account suspended", "hard"),
        ("4.4.7", "It could not be delivered for 5 days.", "soft"),
    ],
)
def test_a_report_without_a_diagnosis_is_judged_by_its_status_and_its_text(
    status: str, covering_text: str, kind: str
) -> None:
    raw = report(status, diagnostic="").replace(
        b"This is the mail system at host mx.one.example.", covering_text.encode()
    )

    assert classify_message(raw).kind == kind


def test_a_receipt_that_returns_the_mail_is_no_bounce() -> None:
    receipt = report(diagnostic="").replace(b"message/delivery-status", b"message/disposition-notification")
    receipt = receipt.replace(b"report-type=delivery-status", b"report-type=disposition-notification")

    assert classify_message(receipt).kind == "other"


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_good_news_is_no_bounce(action: str) -> None:
    assert classify_message(report("2.0.0", action, diagnostic="smtp; 250 ok")).kind == "other"


def provider_mail(event: object, *, wrapped: bool = False, wrap_at: int = 0) -> bytes:
    """A mail of a provider's notification service, with its event as JSON."""
    text = json.dumps({"Type": "Notification", "Message": json.dumps(event)} if wrapped else event)
    if wrap_at:  # as old servers break long lines
        text = "!\n ".join(text[place : place + wrap_at] for place in range(0, len(text), wrap_at))
    head = "From: Notifications <no-reply@sns.provider.example>\nSubject: Notification\nContent-Type: text/plain\n\n"
    return f"{head}{text}\n\n--\nTo stop receiving notifications, follow the link.\n".encode()


def bounced(kind: str = "Permanent", **recipient: str) -> dict[str, object]:
    recipients = [{"emailAddress": "ada@one.example", **recipient}]
    return {"notificationType": "Bounce", "bounce": {"bounceType": kind, "bouncedRecipients": recipients}}


@pytest.mark.parametrize("layout", [{}, {"wrapped": True}, {"wrap_at": 70}], ids=["bare", "wrapped", "broken lines"])
@pytest.mark.parametrize(
    ("event", "judged"),
    [
        (bounced(status="5.1.1", diagnosticCode="smtp; 550 5.1.1 user unknown"), ("hard", "5.1.1")),
        (bounced(status="5.2.2", diagnosticCode="smtp; 552 5.2.2 mailbox full"), ("soft", "5.2.2")),
        (bounced(status="5.7.1", diagnosticCode="smtp; 550 blocked using Spamhaus"), ("policy", "5.7.1")),
        (bounced("Transient", status="4.4.7"), ("soft", "4.4.7")),
        ({"eventType": "Complaint", "complaint": {"complaintFeedbackType": "abuse"}}, ("complaint", "")),
        ({"eventType": "Complaint", "complaint": {"complaintFeedbackType": "not-spam"}}, ("other", "")),
        ({"notificationType": "Delivery", "delivery": {}}, ("other", "")),
    ],
)
def test_a_providers_json_inside_a_mail_is_read(
    event: dict[str, object], judged: tuple[str, str], layout: dict[str, Any]
) -> None:
    classified = classify_message(provider_mail(event, **layout))

    assert (classified.kind, classified.status) == judged


def test_the_signed_link_inside_a_providers_json_proves_it() -> None:
    link = f"<https://digest.example/unsubscribe/{Signer(KEYS).sign(UNSUBSCRIBE, 7)}>"
    event = bounced(status="5.1.1") | {"mail": {"headers": [{"name": "List-Unsubscribe", "value": link}]}}

    assert classify_message(provider_mail(event, wrapped=True), SEAL).origin.subscriber_id == 7


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)))
def test_any_json_of_a_provider_is_judged(value: object) -> None:
    event = {"notificationType": "Bounce", "bounce": value, "complaint": value}

    assert classify_message(provider_mail(event)).kind in KINDS


def test_the_same_report_twice_has_one_name() -> None:
    forwarded_report = b"Received: from elsewhere\n" + report()

    assert classify_message(report()).report == classify_message(forwarded_report).report
    assert classify_message(report()).report != classify_message(report().replace(b"r1@", b"r2@")).report


def origin(raw: bytes, keys: tuple[str, ...] = KEYS) -> Attribution:
    return classify_message(raw, AttributionKeys(keys, "digest.example")).origin


@pytest.mark.parametrize("key", KEYS)
def test_the_stamp_of_the_return_path_proves_the_delivery(key: str) -> None:
    attribution = origin(report(recipient=return_path("bounces@digest.example", 42, key)))

    assert (attribution.delivery_id, attribution.is_proved) == (42, True)


def test_a_stamp_survives_a_server_that_shouts() -> None:
    assert origin(report(recipient=return_path("bounces@digest.example", 42, KEYS[0]).upper())).delivery_id == 42


def test_a_stamp_in_the_returned_mail_counts() -> None:
    path = return_path("bounces@digest.example", 42, KEYS[0])

    assert origin(report(returned=f"Return-Path: <{path}>")).delivery_id == 42


def test_a_forged_stamp_proves_nothing() -> None:
    forged = origin(report(recipient="bounces+42-aaaaaaaaaa@digest.example"))

    assert (forged.delivery_id, forged.is_proved) == (None, False)


def test_a_stamp_of_another_delivery_proves_nothing_for_this_one() -> None:
    path = return_path("bounces@digest.example", 42, KEYS[0]).replace("+42-", "+43-")

    assert not origin(report(recipient=path)).is_proved


def test_the_signed_link_in_a_returned_mail_proves_no_bounce() -> None:
    link = f"<https://digest.example/unsubscribe/{Signer(KEYS).sign(UNSUBSCRIBE, 7)}>"
    attribution = origin(report(returned=f"Message-ID: <digest.5.0@digest.example>\nList-Unsubscribe: {link}"))

    assert attribution.message_id is not None
    assert (attribution.message_id.key, attribution.subscriber_id) == (("digest", 5, 0), 7)
    assert [kind for kind in KINDS if attribution.proves(kind)] == ["unsubscribe"]


def test_a_message_id_alone_names_the_delivery_but_proves_nothing() -> None:
    stamp = "abcdefghijklmnopqrstuvwxyz"
    attribution = origin(report(returned=f"Message-ID: <digest.5.{stamp}@digest.example>"))

    assert attribution.message_id is not None
    assert (attribution.message_id.delivery_id, attribution.is_proved) == (5, False)


def test_a_message_id_of_another_domain_is_not_ours() -> None:
    assert origin(report(returned="Message-ID: <digest.5.0@elsewhere.example>")).message_id is None


def test_a_link_signed_by_another_key_proves_nothing() -> None:
    link = f"<https://digest.example/unsubscribe/{Signer(('theirs',)).sign(UNSUBSCRIBE, 7)}>"

    assert not origin(report(returned=f"List-Unsubscribe: {link}")).is_proved


def test_the_mail_that_a_subscriber_sends_to_unsubscribe_carries_the_token() -> None:
    classified = classify_message(mail(f"unsubscribe {Signer(KEYS).sign(UNSUBSCRIBE, 7)}"), SEAL)

    assert (classified.kind, classified.origin.subscriber_id) == ("unsubscribe", 7)


def test_without_keys_nothing_is_proved() -> None:
    assert not origin(report(recipient=return_path("bounces@digest.example", 42, KEYS[0])), ()).is_proved


KINDS = {"hard", "soft", "policy", "complaint", "auto-reply", "unsubscribe", "other"}


@given(st.binary(max_size=4000))
def test_any_bytes_are_judged(raw: bytes) -> None:
    assert classify_message(raw, SEAL).kind in KINDS


_LINES = st.sampled_from(
    [
        *report(returned="Message-ID: <digest.5.0@digest.example>").splitlines(keepends=True),
        *complaint().splitlines(keepends=True),
        *(line + b"\n" for line in dedent(REPORT).encode().splitlines()),
        b"Content-Type: multipart/mixed; boundary*0=x; boundary*9999999999=y\n",
        b"Content-Type: text/plain; charset*=x'y'%ff\n",
        b"From: \xff\xfe <\n",
        b"Subject: =?utf-8?b?////?=\n",
        b"Subject: =?ut\xe9?q?=00?=\n",
        b"Hi. This is the\n",
        b"the following addresses had\n",
    ]
)


@given(st.lists(_LINES, max_size=60), st.binary(max_size=40))
def test_any_mixture_of_a_reports_lines_is_judged(lines: list[bytes], noise: bytes) -> None:
    assert classify_message(b"".join(lines) + noise, SEAL).kind in KINDS


@given(st.integers(0, 2000), st.sampled_from([report(), complaint(), *(raw for _, raw in ORDINARY.values())]))
def test_a_mail_cut_anywhere_is_judged(length: int, raw: bytes) -> None:
    assert classify_message(raw[:length], SEAL).kind in KINDS


@pytest.mark.parametrize("charset", [b"ut\x11\xe9\xff", b"\xff", b"utf-8\xc3\xa9", b"x" * 300, b"utf-8*\xe9", b"\x00"])
@pytest.mark.parametrize("field", [b"From", b"Subject", b"To"])
def test_a_header_in_a_damaged_character_set_stays_as_it_is(field: bytes, charset: bytes) -> None:
    raw = field + b": Mail Delivery =?" + charset + b"?q?=00?= <x@mx.example>\n" + report()

    assert classify_message(raw, SEAL).kind == "hard"


DAEMON = b"From: MAILER-DAEMON@mx\nSubject: failure notice\n"
BOMBS = {
    "one line": b"a" * 10_000_000,
    "one line of a report": DAEMON + b"\n" + b"a" * 5_000_000,
    "at signs": DAEMON + b"\n" + b"a@" * 1_000_000,
    "commas": DAEMON + b"\n" + b", a" * 300_000,
    "brackets": DAEMON + b"\n" + b"<" * 3_000_000,
    "headers": DAEMON + b"X-A: b\n" * 500_000,
    "an encoded subject": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\n",
    "recipients": b"To: " + b"a@b.example, " * 300_000 + b"\n\n",
    "comments": b"From: " + b"(" * 100_000 + b"\n\nx",
    "parts in parts": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
    "mails in mails": DAEMON + b"Content-Type: message/rfc822\n\n" * 9000,
    "parts": DAEMON + b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na@b.example, x@y.example, \n" * 8000,
    "groups": report() + b"Action: failed\nFinal-Recipient: rfc822; a@b.example\n\n" * 20_000,
    "tags": DAEMON + b"Content-Type: text/html\n\n" + b"<style" * 50_000,
    "parameters": b"Content-Type: text/plain; " + b"a*0*=b;" * 20_000 + b"\n\nx",
    "words before a full mailbox": DAEMON + b"\n" + b"mailbox user " * 20_000,
    "stamps": b"bounces+1-aaaaaaaaaa@digest.example " * 8000,
    "tokens": b"/unsubscribe/aaaaaaaaaaaaaaaaaaaaaaaa.bbbbb " * 6000,
    "markers": DAEMON
    + b"\nthe following addresses had\nfailed addresses follow:\n - no such user here\nthis is the email server at\n"
    + (b"aaaaaaaa" * 40 + b"\n") * 2000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_no_more_than_sixty_harmless_mails(name: str) -> None:
    harmless = report() + b"These are words.\n" * 12_000

    kinds = []

    assert costs_at_most(
        60,
        lambda: kinds.append(classify_message(BOMBS[name], SEAL).kind),
        lambda: classify_message(harmless, SEAL),
        least=0.01,
    )
    assert set(kinds) <= KINDS

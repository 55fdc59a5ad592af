"""Mail logs: our mails are found in the forms of the usual servers, and other lines are counted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.mail.smtp.mail_log import LoggedMail, read_mail_log

NOW = datetime(2025, 11, 20, 12, 0, tzinfo=UTC)
AT = datetime(2025, 11, 17, 7, 0, 3, tzinfo=UTC)
MESSAGE_ID = "<digest.7.abcdefghijklmnopqrstuvwxyz@digest.example>"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def _mails(text: str) -> list[LoggedMail]:
    log = read_mail_log(text.splitlines(), now=NOW)
    assert log.unknown == 0, log.samples
    return log.mails


POSTFIX = f"""\
2025-11-17T07:00:01.5+00:00 mx postfix/smtpd[311]: connect from localhost[127.0.0.1]
2025-11-17T07:00:01.9+00:00 mx postfix/smtpd[311]: 4A1B2C3D4E: client=localhost[127.0.0.1]
2025-11-17T07:00:02.0+00:00 mx postfix/cleanup[312]: 4A1B2C3D4E: message-id={MESSAGE_ID}
2025-11-17T07:00:02.1+00:00 mx postfix/qmgr[313]: 4A1B2C3D4E: from=<b@digest.example>, size=9, nrcpt=1 (queue active)
2025-11-17T07:00:03+00:00 mx postfix/smtp[314]: 4A1B2C3D4E: to=<ada@example.com>, relay=mx[1.2.3.4]:25, delay=1, \
delays=0.1/0/0/1, dsn=2.0.0, status=sent (250 ok)
2025-11-17T07:00:04+00:00 mx postfix/qmgr[313]: 4A1B2C3D4E: removed
"""
EXIM = f"""\
2025-11-17 07:00:03 1vKt3C-0000AB-1X <= b@digest.example H=localhost [127.0.0.1] P=esmtp S=99 id={MESSAGE_ID[1:-1]}
2025-11-17 07:00:03 1vKt3C-0000AB-1X => ada@example.com R=dnslookup T=remote_smtp H=mx [1.2.3.4] C="250 ok"
2025-11-17 07:00:03 1vKt3C-0000AB-1X Completed
"""


@pytest.mark.parametrize(
    "text",
    [
        POSTFIX,
        POSTFIX.replace("2025-11-17T07:00:03+00:00", "Nov 17 07:00:03").replace("status=sent", "status=deferred"),
        POSTFIX.replace("postfix/", "postfix-out/"),
        EXIM,
        EXIM.replace("=> ada@example.com", "=> Ada <ada@example.com>"),
        f'{{"message_id": "{MESSAGE_ID}", "recipient": "ada@example.com", "at": "2025-11-17T07:00:03Z"}}\n',
        f"# our list\n\n{MESSAGE_ID} ada@example.com 2025-11-17T07:00:03Z\n",
        f"{MESSAGE_ID}, <ada@example.com>, 2025-11-17 07:00:03+00:00\n",
    ],
    ids=["postfix", "syslog-date", "postfix-instance", "exim", "exim-alias", "json", "list", "csv"],
)
def test_a_mail_is_found_with_its_recipient_and_time(text: str) -> None:
    assert _mails(text) == [LoggedMail("ada@example.com", MESSAGE_ID, at=AT)]


def test_opensmtpd_names_mails_by_their_return_path() -> None:
    text = (
        "2025-11-17T07:00:03Z mx smtpd[9]: 5a smtp connected address=127.0.0.1\n"
        "2025-11-17T07:00:03Z mx smtpd[9]: 5a smtp envelope evpid=b1 from=<b+7-aaaaaaaaaa@x.org> to=<ada@example.com>\n"
    )

    assert _mails(text) == [LoggedMail("ada@example.com", return_path="b+7-aaaaaaaaaa@x.org", at=AT)]


def test_each_mail_is_listed_once_although_its_server_tried_several_times() -> None:
    assert len(_mails(POSTFIX + POSTFIX.replace("status=sent", "status=deferred"))) == 1


def test_a_mail_without_its_first_line_is_left_out() -> None:
    assert _mails("\n".join(POSTFIX.splitlines()[3:])) == []


def test_a_date_without_a_year_is_of_the_last_year_where_it_would_lie_ahead() -> None:
    text = POSTFIX.replace("2025-11-17T07:00:03+00:00", "Dec 24 07:00:03")

    assert [mail.at for mail in _mails(text)] == [datetime(2024, 12, 24, 7, 0, 3, tzinfo=UTC)]


@pytest.mark.parametrize(
    "line", ["x" * 100_000, "{", "{}", '{"message_id": 5}', "\x00\x01", "<a@b> nobody", "[" * 5000]
)
def test_lines_that_are_not_understood_are_counted_and_named(line: str) -> None:
    log = read_mail_log(["", POSTFIX.splitlines()[0], line], now=NOW)

    assert (log.lines, log.unknown, log.samples) == (2, 1, [(3, line.strip()[:120])])


def test_the_null_sender_is_not_a_missing_one() -> None:
    assert [mail.sender for mail in _mails(POSTFIX.replace("<b@digest.example>", "<>"))] == [""]
    assert [mail.sender for mail in _mails(EXIM.replace("b@digest.example", "<>"))] == [""]


@pytest.mark.parametrize("text", [POSTFIX, EXIM])
def test_the_envelope_sender_comes_with_the_mail(text: str) -> None:
    assert [mail.sender for mail in _mails(text)] == ["b@digest.example"]


@pytest.mark.parametrize("text", [POSTFIX, EXIM])
def test_a_queue_id_is_forgotten_when_the_server_is_done_with_it(text: str) -> None:
    lines = text.splitlines()
    reused_line = next(line for line in lines if "ada@example.com" in line).replace("ada@", "bob@")

    assert [mail.recipient for mail in _mails("\n".join([*lines, reused_line]))] == ["ada@example.com"]


def test_mails_of_others_are_counted_once_each_and_not_kept() -> None:
    log = read_mail_log((POSTFIX + EXIM + POSTFIX).splitlines(), now=NOW, is_relevant=lambda mail: False)

    assert (log.mails, log.irrelevant) == ([], 1)

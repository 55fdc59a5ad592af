"""The bytes of a mail: their form, which no outside text can change."""

from __future__ import annotations

import email
import email.policy
import quopri
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose.email import other_emails
from digest.compose.email.template_context import RenderedMail
from digest.mail.mime import dkim
from digest.mail.mime.message_builder import Envelope, build_message, date_header, parse_return_path, return_path
from digest.mail.mime.quoted_printable import EncodedPieces, encode_body
from tests.digest.compose import samples

KEY = "a key for tests of at least 32 bytes"
ENVELOPE = Envelope(
    kind="digest",
    sender=("Papers Inbox", "daily@papers.example"),
    to="reader@example.org",
    message_id="<digest.7.abcdefghijklmnopqrstuvwxyz@papers.example>",
    date=datetime(2025, 11, 21, 6, 0, tzinfo=UTC),
    list_id="daily.papers.example",
    unsubscribe_url=samples.LINKS.unsubscribe,
    unsubscribe_mailto="mailto:unsubscribe@papers.example?subject=WzFd.abc",
    archive_url="https://papers.example/editions/abc",
    feedback_id="7:digest:papers",
)
PLAIN = RenderedMail("A subject", ("Text",), ("<p>Text</p>",))

foreign = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("\r\n\0\x85\u2028\u202e\u200b{}%<>&\"'=?:,;@ \t..")),
    max_size=150,
)


def parsed(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.SMTP))


def test_a_mail_carries_text_first_then_html() -> None:
    message = parsed(build_message(PLAIN, ENVELOPE))

    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert build_message(PLAIN, ENVELOPE) == build_message(PLAIN, ENVELOPE)


def test_a_subject_in_another_script_arrives_whole() -> None:
    subject = "3 neue Arbeiten über 強化学習 · 離線 · Õ(d√K), und noch einige Wörter mehr"

    assert parsed(build_message(replace(PLAIN, subject=subject), ENVELOPE))["Subject"] == subject


def test_an_ascii_subject_is_one_line() -> None:
    raw = build_message(replace(PLAIN, subject="7 new on " + "offline reinforcement learning " * 4), ENVELOPE)

    assert b"\r\nSubject: 7 new on " + b"offline reinforcement learning " * 3 in raw


def test_the_unsubscribe_header_is_never_folded_or_encoded() -> None:
    url = "https://papers.example/unsubscribe/" + "x" * 300
    raw = build_message(PLAIN, replace(ENVELOPE, unsubscribe_url=url))

    assert f"List-Unsubscribe: <{url}>, <mailto:".encode() in raw


def test_a_confirmation_has_no_list_headers() -> None:
    raw = build_message(PLAIN, replace(ENVELOPE, kind="confirmation"))

    assert b"\nList-" not in raw
    assert b"Precedence" not in raw


def test_a_list_mail_without_a_way_out_is_refused() -> None:
    with pytest.raises(ValueError, match="unsubscribe"):
        build_message(PLAIN, replace(ENVELOPE, unsubscribe_url=None))


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: x@y.example", "a b@c.example", "<a@b.example>", "é@b.example", ""]
)
def test_an_address_that_breaks_a_header_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="To needs"):
        build_message(PLAIN, replace(ENVELOPE, to=address))


@pytest.mark.parametrize(
    "url", ["https://x.example/\r\nBcc: a@b.example", "javascript:alert(1)", "https://x.example/a b", "https://x/>,<"]
)
def test_an_address_of_a_page_that_breaks_a_header_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="List-Unsubscribe"):
        build_message(PLAIN, replace(ENVELOPE, unsubscribe_url=url))


@settings(deadline=None)
@given(foreign, foreign)
def test_no_subject_and_no_name_can_add_a_header(subject: str, name: str) -> None:
    usual_headers = parsed(build_message(PLAIN, ENVELOPE)).keys()
    raw = build_message(replace(PLAIN, subject=subject), replace(ENVELOPE, sender=(name, "daily@papers.example")))
    message = parsed(raw)
    head = raw.partition(b"\r\n\r\n")[0]

    assert message.keys() == usual_headers
    assert head.isascii()
    assert b"\0" not in head
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if b"=?" in line)
    assert message["From"].addresses[0].addr_spec == "daily@papers.example"


@settings(deadline=None)
@given(foreign)
def test_a_body_is_quoted_in_lines_that_every_server_takes(text: str) -> None:
    encoded = encode_body((text,))
    lines = encoded.split(b"\r\n")

    assert encoded.isascii()
    assert all(len(line) <= 76 and line == line.rstrip() and not line.startswith(b".") for line in lines)
    assert b"\n" not in encoded.replace(b"\r\n", b"")
    expected = "\n".join(line.rstrip(" \t") for line in text.splitlines()).rstrip("\n") + "\n"
    assert quopri.decodestring(encoded.replace(b"\r\n", b"\n")).decode() == expected.encode(errors="replace").decode()


@settings(deadline=None)
@given(st.lists(foreign.filter(lambda text: "\r" not in text), max_size=6))
def test_a_body_in_pieces_says_what_the_whole_text_says(pieces: list[str]) -> None:
    encoded = encode_body(pieces)
    decoded = quopri.decodestring(encoded.replace(b"\r\n", b"\n")).decode().splitlines()
    expected = "".join(pieces).encode(errors="replace").decode().splitlines()

    assert all(len(line) <= 76 and not line.startswith(b".") for line in encoded.split(b"\r\n"))
    assert "\n".join(line.rstrip(" \t") for line in decoded).rstrip("\n") == "\n".join(
        line.rstrip(" \t") for line in expected
    ).rstrip("\n")


def test_shared_pieces_change_no_body() -> None:
    encoded_pieces = EncodedPieces()
    bodies = [("shared ", f"text of mail {number}") for number in range(3)]

    assert [encode_body(body, encoded_pieces) for body in bodies] == [encode_body(body) for body in bodies]


def test_only_pieces_that_mails_share_are_kept() -> None:
    encoded_pieces = EncodedPieces()
    for number in range(3):
        encode_body(("shared ", f"text of mail {number}", "footer"), encoded_pieces)

    assert [*encoded_pieces] == ["shared ", "footer\n"]


def test_pieces_of_many_mails_take_no_more_memory_than_allowed() -> None:
    encoded_pieces = EncodedPieces(max_bytes=20_000)
    for number in range(200):
        for _ in range(2):
            encode_body(("shared ", f"text of mails {number} " * 20), encoded_pieces)

    assert encoded_pieces
    assert sum(len(piece) + len(encoded) for piece, encoded in encoded_pieces.items()) <= 20_000


@pytest.mark.parametrize(
    "text", ["..", "...And justice for all\n..\n.", f"{'x' * 75}...", "." * 100, f"{'x' * 74}....\n...."]
)
def test_no_line_begins_with_a_dot_and_none_is_lost(text: str) -> None:
    encoded = encode_body((text,))

    assert not any(line.startswith(b".") for line in encoded.split(b"\r\n"))
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n").decode() == f"{text}\n"


def test_a_line_that_begins_with_from_is_safe_in_a_mailbox_file() -> None:
    encoded = encode_body(("From here on\n" + "From " + "word " * 40 + "\nFrom From From Oslo",))

    assert b"\r\nFrom " not in b"\r\n" + encoded
    assert quopri.decodestring(encoded).startswith(b"From here on")


def test_a_date_has_a_numeric_zone() -> None:
    moment = datetime(2025, 3, 2, 7, 5, 9, tzinfo=timezone(timedelta(hours=-9, minutes=-30)))

    assert date_header(moment) == "Sun, 2 Mar 2025 07:05:09 -0930"


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_a_return_path_names_its_delivery(delivery: int) -> None:
    path = return_path("bounce@papers.example", delivery, KEY)

    assert parse_return_path(path, KEY) == delivery
    assert parse_return_path(f"<{path.upper()}>", KEY) == delivery


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_return_path_of_a_stranger_is_not_ours(delivery: int, other: int) -> None:
    stamp = return_path("bounce@papers.example", delivery, "his key").partition("-")[2]

    assert parse_return_path(f"bounce+{other}-{stamp}", KEY) is None


def test_every_kind_of_mail_passes_the_lint(shared: Path, tmp_path: Path) -> None:
    records = samples.real(shared)
    mails = {f"digest-{size}-{start}": _digest(records[start : start + size]) for size, start in _sizes()}
    mails["digest-invented"] = _digest(list(samples.INVENTED))
    mails["notice"] = other_emails.no_matches_notice(samples.RECIPIENT, samples.LINKS, 412, service=samples.SERVICE)
    mails["first-notice"] = other_emails.first_notice(
        samples.RECIPIENT,
        samples.LINKS,
        412,
        since=samples.DAY,
        next_day=samples.DAY,
        comes_anyway=False,
        service=samples.SERVICE,
    )
    small = {
        "confirmation": other_emails.confirmation(samples.URL, samples.URL, service=samples.SERVICE),
        "account-link": other_emails.account_link("export", samples.URL, minutes=60, service=samples.SERVICE),
        "moved": other_emails.address_changed(service=samples.SERVICE),
        "link": other_emails.preferences_link(samples.URL, service=samples.SERVICE),
        "sign-in": other_emails.sign_in(samples.URL, service=samples.SERVICE),
        "alarm": other_emails.alarm("No papers", ["arxiv-rss is empty"], url=samples.URL, service=samples.SERVICE),
        "test": other_emails.delivery_test_mail(service=samples.SERVICE),
    }

    assert _lint(shared, tmp_path, mails, "digest") == []
    assert _lint(shared, tmp_path, small, "transactional") == []


def _sizes() -> list[tuple[int, int]]:
    return [(1, 0), (3, 5), (60, 100), (120, 200), *((10, start) for start in range(0, 460, 10))]


def _digest(records: list[samples.Record]) -> RenderedMail:
    return other_emails.digest(
        samples.edition(records), samples.papers(records), samples.RECIPIENT, samples.LINKS, service=samples.SERVICE
    )


def _lint(shared: Path, folder: Path, mails: dict[str, RenderedMail], form: str) -> list[str]:
    signer = dkim.DkimSigner("papers.example", "s1", dkim.generate_key()[0])
    for name, mail in mails.items():
        kind = name if form == "transactional" else "digest"
        (folder / f"{name}.eml").write_bytes(signer.sign(build_message(mail, replace(ENVELOPE, kind=kind))))
    files = [str(folder / f"{name}.eml") for name in mails]
    tool = str(shared / "tools" / "maillint.py")
    result = subprocess.run([sys.executable, tool, "--kind", form, *files], capture_output=True, text=True, check=False)
    assert len(result.stdout.splitlines()) == len(mails), result.stderr
    return [line for line in result.stdout.splitlines() if not line.endswith(" OK")]

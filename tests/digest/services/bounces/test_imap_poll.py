"""Returned mail in an IMAP folder: the same effects as from a Maildir, marked on the server, repeated without harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from digest.errors import Misconfigured, Transient
from digest.mail.bounces.parsed_message import MAX_BYTES
from digest.services.admin import doctor
from digest.services.bounces import imap_poll, process_reports
from tests.digest.cli.test_bounces import digest, enqueue_mails, proved
from tests.digest.mail.bounces.test_classifier import complaint, report
from tests.digest.mail.ordinary import mail
from tests.digest.services.conftest import service
from tests.digest.services.stored_rows import suppressed
from tests.imap_server import PASSWORD, USER, BounceServer, Dovecot, SmallImapServer

__all__ = ["service"]

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SERVERS: list[type[SmallImapServer] | type[Dovecot]] = [SmallImapServer, *([Dovecot] if Dovecot.possible() else [])]
SEEN, KEYWORD = "\\Seen", "$PapersInboxProcessed"
QUESTION = mail("A question", "Who are you?")


@pytest.fixture
def point_settings_to(configured: Callable[..., None]) -> Callable[..., None]:
    """Points the settings to a server."""

    def put(server: BounceServer, **values: object) -> None:
        common = {"HOST": "127.0.0.1", "PORT": server.port, "TLS": "none", "USER": USER, "PASSWORD": PASSWORD}
        configured(**{f"BOUNCE_IMAP_{name}": value for name, value in (common | values).items()})

    return put


@pytest.fixture(params=SERVERS, ids=lambda server: server.__name__)
def imap(
    service: str, point_settings_to: Callable[..., None], request: pytest.FixtureRequest
) -> Iterator[SmallImapServer | Dovecot]:
    """Each server that this machine has, with the settings that point to it."""
    with request.param() as server:
        point_settings_to(server)
        yield server


@pytest.fixture
def small_server(service: str, point_settings_to: Callable[..., None]) -> Iterator[SmallImapServer]:
    with SmallImapServer() as server:
        point_settings_to(server)
        yield server


def _flags(server: BounceServer, folder: str = "INBOX") -> list[set[str]]:
    return [flags & {SEEN, KEYWORD} for _, flags in server.folder(folder)]


def test_a_report_has_its_effect_and_a_question_stays_unread(imap: BounceServer) -> None:
    (number,) = enqueue_mails(1)
    imap.deliver(proved(number))
    imap.deliver(QUESTION)

    code, output = digest("bounces", "ingest", "--imap")

    assert (code, output) == (0, "2 messages: 1 hard, 1 other\noutcomes: 1 suppressed, 1 nothing\n")
    assert suppressed() == {"r1@one.example": "no such address"}
    assert _flags(imap) == [{SEEN, KEYWORD}, {KEYWORD}]


def test_the_next_poll_reads_only_what_is_new(imap: BounceServer) -> None:
    first, second = enqueue_mails(2)
    imap.deliver(proved(first))
    imap_poll.poll()
    imap.deliver(proved(second))

    assert [message.outcome for message in imap_poll.ingest()] == ["suppressed"]


@pytest.mark.parametrize(("processed", "archived"), [("move", 1), ("delete", 0)])
def test_what_was_processed_is_moved_or_deleted_and_a_question_stays(
    imap: BounceServer, point_settings_to: Callable[..., None], processed: str, archived: int
) -> None:
    point_settings_to(imap, PROCESSED=processed, ARCHIVE="Rück/läufer" if isinstance(imap, SmallImapServer) else "Done")
    (number,) = enqueue_mails(1)
    imap.deliver(proved(number))
    imap.deliver(QUESTION)

    imap_poll.poll()

    target = "R&APw-ck/l&AOQ-ufer" if isinstance(imap, SmallImapServer) else "Done"
    assert [raw.splitlines() for raw, _ in imap.folder("INBOX")] == [QUESTION.splitlines()]
    assert len(imap.folder(target)) == archived


@SQLITE
def test_a_dry_run_marks_nothing(small_server: SmallImapServer) -> None:
    small_server.deliver(proved(1))

    code, _ = digest("bounces", "ingest", "--imap", "--dry-run")

    assert (code, _flags(small_server)) == (0, [set()])


def test_a_message_that_was_processed_but_not_marked_counts_once(small_server: SmallImapServer) -> None:
    (number,) = enqueue_mails(1)
    small_server.deliver(proved(number))
    small_server.drop_after = "FETCH"
    with pytest.raises(Transient):
        list(imap_poll.ingest())
    small_server.drop_after = ""

    assert [message.outcome for message in imap_poll.ingest()] == ["known"]


@SQLITE
def test_other_uids_after_a_restored_mailbox_change_nothing(small_server: SmallImapServer) -> None:
    for number in enqueue_mails(3):
        small_server.deliver(proved(number))
    assert len(list(imap_poll.ingest(limit=1))) == 1
    small_server.renumber()

    assert len(list(imap_poll.ingest())) == 2


@SQLITE
def test_a_poll_is_bounded_and_the_next_goes_on(small_server: SmallImapServer) -> None:
    for _ in range(5):
        small_server.deliver(QUESTION)

    assert [len(list(imap_poll.ingest(limit=3))) for _ in range(3)] == [3, 2, 0]


@SQLITE
def test_only_the_beginning_of_a_large_message_is_fetched(small_server: SmallImapServer) -> None:
    small_server.deliver(QUESTION + b"x" * 3 * MAX_BYTES)

    imap_poll.poll()

    assert small_server.fetched_bytes == MAX_BYTES


@SQLITE
def test_nothing_is_marked_where_the_database_fails(
    small_server: SmallImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_server.deliver(proved(1))

    def fail(_messages: object) -> None:
        raise Transient("the database does not answer")

    monkeypatch.setattr(process_reports, "process_messages", fail)
    with pytest.raises(Transient):
        imap_poll.poll()

    assert _flags(small_server) == [set()]


@SQLITE
@pytest.mark.parametrize(
    ("capabilities", "processed"),
    [("IMAP4rev1 AUTH=PLAIN UIDPLUS", "move"), ("IMAP4rev1 AUTH=PLAIN", "move"), ("IMAP4rev1 AUTH=PLAIN", "delete")],
)
def test_a_server_without_extensions_is_enough(
    service: str, point_settings_to: Callable[..., None], capabilities: str, processed: str
) -> None:
    with SmallImapServer(capabilities) as server:
        point_settings_to(server, PROCESSED=processed)
        (number,) = enqueue_mails(1)
        server.deliver(proved(number))
        imap_poll.poll()

        assert server.folder("INBOX") == []
        assert list(imap_poll.ingest()) == []


@SQLITE
def test_a_server_without_keywords_is_refused_unless_mail_is_moved(
    service: str, point_settings_to: Callable[..., None]
) -> None:
    with SmallImapServer(keywords=False) as server:
        point_settings_to(server)
        with pytest.raises(Misconfigured, match="keeps no keywords"):
            imap_poll.poll()
        point_settings_to(server, PROCESSED="move")

        assert imap_poll.poll() == 0


@SQLITE
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"PASSWORD": "wrong"}, "refuses the user"),
        ({"USER": "", "PASSWORD": ""}, "needs DIGEST_BOUNCE_IMAP_USER"),
        ({"FOLDER": "Bounces"}, "no folder Bounces"),
        ({"PORT": 1}, "does not answer"),
        ({"TLS": "tls"}, "does not answer"),
        ({"TLS": "starttls"}, "does not answer"),
    ],
)
def test_doctor_names_what_is_wrong_with_the_folder(
    small_server: SmallImapServer, point_settings_to: Callable[..., None], values: dict[str, object], message: str
) -> None:
    point_settings_to(small_server, **values)

    [finding] = [finding for finding in doctor.run_checks() if finding.name == "bounce folder"]
    assert (finding.level, message in finding.text) == (doctor.ERROR, True)
    assert PASSWORD not in finding.text


@SQLITE
def test_doctor_counts_what_waits_in_the_folder(imap: BounceServer) -> None:
    imap.deliver(QUESTION)

    [finding] = [finding for finding in doctor.run_checks() if finding.name == "bounce folder"]
    assert (finding.level, finding.text) == (doctor.OK, "INBOX at 127.0.0.1: 1 message to process")


@SQLITE
def test_without_a_server_nothing_is_polled_and_the_command_names_the_setting(service: str) -> None:
    assert imap_poll.poll() == 0
    assert digest("bounces", "ingest", "--imap")[0] == 2


@SQLITE
@pytest.mark.parametrize("processed", ["flag", "move", "delete"])
@pytest.mark.parametrize(
    "raw",
    [
        report(),
        complaint(),
        mail("Out of office", "I am away", "Auto-Submitted: auto-replied"),
        mail("unsubscribe", "unsubscribe"),
    ],
    ids=["bounce", "complaint", "auto-reply", "unsubscribe"],
)
def test_a_message_that_is_not_proved_ours_stays_unread(
    small_server: SmallImapServer, point_settings_to: Callable[..., None], processed: str, raw: bytes
) -> None:
    point_settings_to(small_server, PROCESSED=processed)
    small_server.deliver(raw)

    imap_poll.poll()

    assert _flags(small_server) == [{KEYWORD}]


@SQLITE
def test_messages_for_a_person_block_no_newer_reports_where_nothing_can_be_marked(
    service: str, point_settings_to: Callable[..., None]
) -> None:
    with SmallImapServer(keywords=False) as server:
        point_settings_to(server, PROCESSED="delete")
        for _ in range(4):
            server.deliver(QUESTION)
        (number,) = enqueue_mails(1)
        server.deliver(proved(number))

        outcomes = [message.outcome for message in imap_poll.ingest(limit=2)]

        assert outcomes.count("suppressed") == 1
        assert len(server.folder("INBOX")) == 4
        assert list(imap_poll.ingest(limit=2)) == []


@SQLITE
def test_a_uid_behind_the_text_of_a_message_is_read(small_server: SmallImapServer) -> None:
    small_server.uid_form = "behind"
    for number in enqueue_mails(2):
        small_server.deliver(proved(number))

    assert [message.outcome for message in imap_poll.ingest()] == ["suppressed", "suppressed"]
    assert _flags(small_server) == [{SEEN, KEYWORD}] * 2


@SQLITE
def test_messages_without_uids_are_an_error(small_server: SmallImapServer) -> None:
    small_server.uid_form = "missing"
    small_server.deliver(QUESTION)

    with pytest.raises(Transient, match="none of the messages"):
        imap_poll.poll()

"""Consequences of bounce reports: only with proof, once, and reversible."""

from __future__ import annotations

import email
import re
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import clock, settings
from digest.compose.edition import Content
from digest.db.bounces import reports as store
from digest.db.core.engine import transaction
from digest.db.outbox.deliveries import address_key
from digest.db.outbox.message_ids import DeliveryKey, message_id
from digest.errors import BadInput
from digest.mail.bounces.bounce_score import (
    DELAY_WEIGHT,
    FAILURE_WEIGHT,
    THRESHOLD,
    WeightedFailure,
    reaches_threshold,
    score,
)
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.mail.mime.message_builder import return_path
from digest.models import Bounce, Delivery, Edition
from digest.queues import NoQueue
from digest.services.admin import paused_domains_admin, subscriber_admin
from digest.services.bounces import process_reports
from digest.services.bounces.process_reports import ProviderReport
from digest.services.delivery.render_messages import MailComposer
from digest.services.runs import run_control
from digest.services.security import signed_links
from tests.combinations import MAINLY_SQLITE
from tests.digest.mail.bounces.test_classifier import complaint, report
from tests.digest.mail.ordinary import ORDINARY
from tests.digest.mail.ordinary import mail as ordinary
from tests.digest.services import stored_rows
from tests.outbox import as_claimed

ADA = "ada@one.example"
BOUNCES = "bounces@digest.example"


@pytest.fixture
def ada(service: str) -> int:
    return stored_rows.add_subscriber(ADA)


@pytest.fixture
def mail(ada: int) -> int:
    """A mail that was sent to ada."""
    return stored_rows.add_mail(ada, stored_rows.add_run())


def path(mail: int, key: str = "a key for tests of at least 32 bytes") -> str:
    return return_path(BOUNCES, mail, key)


def process_mail(*messages: bytes) -> list[str]:
    return [outcome for _, outcome in process_reports.process_messages(messages)]


def test_a_proved_5_1_1_gives_the_address_up(mail: int) -> None:
    assert process_mail(report(recipient=path(mail))) == ["suppressed"]
    assert stored_rows.suppressed() == {ADA: "no such address"}


def test_a_suppression_records_its_source_and_date(mail: int) -> None:
    process_mail(report(recipient=path(mail)))

    with transaction() as session:
        suppression = session.get_one(store.Suppression, 1)
    assert suppression.source == f"report 5.1.1 on delivery {mail}"
    assert clock.now() - suppression.at < timedelta(minutes=1)


def test_the_address_is_the_delivery_s_whatever_the_report_says(mail: int) -> None:
    stored_rows.add_subscriber("bob@one.example")
    other = report(recipient=path(mail)).replace(b"ada@one.example", b"bob@one.example")

    process_mail(other)

    assert stored_rows.suppressed() == {ADA: "no such address"}


def test_a_forged_report_does_nothing(mail: int) -> None:
    forged = report(recipient=path(mail, "their key"), returned=f"Message-ID: <digest.1.0@digest.example>\nTo: {ADA}")

    assert process_mail(forged) == ["not proved"]
    assert (stored_rows.suppressed(), stored_rows.bounces()) == ({}, [])


def test_a_forged_complaint_unsubscribes_no_subscriber(mail: int, ada: int) -> None:
    assert process_mail(complaint(returned="Message-ID: <digest.1.0@digest.example>")) == ["not proved"]
    assert stored_rows.subscriber_row(ada).state == "active"


@MAINLY_SQLITE
@pytest.mark.parametrize("status", ["5.1.1", "5.2.2", "4.2.2", "5.7.1"])
def test_the_unsubscribe_link_proves_no_bounce(mail: int, ada: int, status: str) -> None:
    """Whoever gets a forwarded mail has its link and its Message-ID."""
    headers = f"Message-ID: <digest.1.0@digest.example>\nList-Unsubscribe: <{signed_links.unsubscribe(ada)}>"

    assert process_mail(report(status, returned=headers)) == ["not proved"]
    assert (stored_rows.suppressed(), stored_rows.bounces(), stored_rows.alarms()) == ({}, [], [])
    assert stored_rows.subscriber_row(ada).state == "active"


def test_the_unsubscribe_link_proves_no_complaint(mail: int, ada: int) -> None:
    assert process_mail(complaint(returned=f"List-Unsubscribe: <{signed_links.unsubscribe(ada)}>")) == ["not proved"]
    assert stored_rows.suppressed() == {}
    assert stored_rows.subscriber_row(ada).state == "active"


def test_one_report_counts_once(mail: int) -> None:
    mailbox_full = report("5.2.2", diagnostic="smtp; 552 5.2.2 Mailbox full", recipient=path(mail))

    assert process_mail(mailbox_full, mailbox_full) == ["counted", "known"]
    assert process_mail(mailbox_full) == ["known"]
    assert stored_rows.bounces() == [(ADA, "soft")]


UNAUTHENTICATED = "smtp; 550 5.7.26 Unauthenticated"


def refused_by_policy(mail: int, *, report_id: str = "r1") -> bytes:
    """A report, with that Message-ID, that a mail was refused for what concerns us."""
    raw = report("5.7.26", diagnostic=UNAUTHENTICATED, recipient=path(mail))
    return raw.replace(b"<r1@", f"<{report_id}@".encode())


def mail_to(address: str) -> int:
    """A mail that was sent to somebody else."""
    return stored_rows.add_mail(stored_rows.add_subscriber(address), stored_rows.add_run(stored_rows.later(days=2)))


def paused_domains() -> list[str]:
    return [pause.domain for pause in paused_domains_admin.paused_domains()]


def test_policy_refusals_of_two_addresses_pause_the_domain_and_tell_the_administrators(mail: int, ada: int) -> None:
    other = mail_to("bob@one.example")

    assert process_mail(refused_by_policy(mail), refused_by_policy(other, report_id="r2")) == ["noted", "domain paused"]
    assert paused_domains() == ["one.example"]
    assert stored_rows.suppressed() == {}
    assert stored_rows.subscriber_row(ada).state == "active"
    assert stored_rows.alarms() == ["one.example refuses our mail"] * 2


def test_repeated_forged_reports_of_one_recipient_pause_no_domain(mail: int, ada: int) -> None:
    another = stored_rows.add_mail(ada, stored_rows.add_run(stored_rows.later(days=1)))
    forged = [refused_by_policy(number, report_id=f"r{n}-{number}") for n in range(3) for number in (mail, another)]

    assert set(process_mail(*forged)) == {"noted"}
    assert paused_domains() == []
    assert stored_rows.alarms() == []


def test_a_second_report_on_one_delivery_renews_no_pause(mail: int) -> None:
    other = mail_to("bob@one.example")
    process_mail(refused_by_policy(mail), refused_by_policy(other, report_id="r2"))

    assert (
        process_mail(refused_by_policy(mail, report_id="r3"), refused_by_policy(other, report_id="r4")) == ["noted"] * 2
    )


def test_policy_refusals_at_two_domains_pause_neither_but_tell_the_administrators(mail: int) -> None:
    other = mail_to("bob@two.example")

    assert process_mail(refused_by_policy(mail), refused_by_policy(other, report_id="r2")) == ["noted", "noted"]
    assert paused_domains() == []
    assert stored_rows.alarms() == ["Our mail is refused after the relay accepted it"] * 2


def test_a_mail_that_the_relay_gave_up_because_of_us_can_be_sent_again(ada: int) -> None:
    run = stored_rows.add_run()
    lost_mail = stored_rows.add_mail(ada, run)
    arrived = stored_rows.add_mail(stored_rows.add_subscriber("bob@one.example"), run)
    process_mail(refused_by_policy(lost_mail))

    resent = run_control.resend_missed(run, actor="root", enqueue=NoQueue())

    assert resent.queued == 1
    assert (stored_rows.mail(lost_mail).state, stored_rows.mail(arrived).state) == ("queued", "sent")


def report_about_two(*, recipient: str, other: str) -> bytes:
    """A report about bob first, then about ada, with the status of each."""
    second = (
        f"Final-Recipient: rfc822; bob@one.example\nAction: failed\nStatus: {other}\n\nOriginal-Recipient:".encode()
    )
    return report(recipient, diagnostic=f"smtp; 550 {recipient}", recipient="TO").replace(
        b"Original-Recipient:", second, 1
    )


@pytest.mark.parametrize(
    ("ours", "other", "outcome"), [("5.2.2", "5.1.1", "counted"), ("5.1.1", "5.2.2", "suppressed")]
)
def test_a_report_about_two_recipients_counts_by_what_it_says_of_ours(
    mail: int, ours: str, other: str, outcome: str
) -> None:
    raw = report_about_two(recipient=ours, other=other).replace(b"TO", path(mail).encode(), 1)

    assert process_mail(raw) == [outcome]


def test_a_report_about_two_others_counts_by_the_milder(ada: int) -> None:
    forwarded = mail_to("list@two.example")
    raw = report_about_two(recipient="5.1.1", other="5.2.2").replace(b"TO", path(forwarded).encode(), 1)

    assert process_mail(raw) == ["counted"]
    assert stored_rows.suppressed() == {}


def test_a_complaint_ends_the_subscription_for_good(mail: int, ada: int) -> None:
    waiting = stored_rows.add_mail(ada, stored_rows.add_run(stored_rows.later(days=1)), state="queued")

    assert process_mail(complaint(returned=f"Return-Path: <{path(mail)}>")) == ["suppressed"]
    assert stored_rows.subscriber_row(ada).state == "left"
    assert stored_rows.suppressed() == {ADA: "complaint"}
    assert stored_rows.mail(waiting).state == "cancelled"


def test_a_mail_to_the_address_of_list_unsubscribe_leaves(ada: int) -> None:
    token = signed_links.unsubscribe_token(ada)

    assert process_mail(ordinary(f"unsubscribe {token}")) == ["left"]
    assert stored_rows.subscriber_row(ada).state == "left"
    assert stored_rows.suppressed() == {}


def test_unsubscribing_without_proof_changes_nothing(ada: int) -> None:
    assert process_mail(ordinary("unsubscribe")) == ["not proved"]
    assert stored_rows.subscriber_row(ada).state == "active"


def test_an_automatic_answer_means_nothing(mail: int, ada: int) -> None:
    away = ordinary(
        "Automatic reply: 7 papers", "Away.", "Auto-Submitted: auto-replied", f"X-Original-To: {path(mail)}"
    )

    assert process_mail(away) == ["nothing"]
    assert stored_rows.bounces() == []


def test_no_ordinary_mail_suppresses_anybody_even_with_a_good_stamp(mail: int, ada: int) -> None:
    """Proof is not enough: the mail must also be a report. Unsubscribe requests are left out here."""
    stamped = f"X-Original-To: {path(mail)}\r\n".encode()
    messages = [stamped + raw for kind, raw in ORDINARY.values() if kind != "unsubscribe"]

    assert set(process_mail(*messages)) == {"nothing"}
    assert stored_rows.suppressed() == {}
    assert stored_rows.subscriber_row(ada).state == "active"


def test_a_report_about_an_erased_delivery_does_nothing(mail: int) -> None:
    assert process_mail(report(recipient=path(mail + 1))) == ["nothing"]


def failed(*days_ago: float, kind: str = "hard", source: str = "report") -> None:
    now = clock.now()
    stored_rows.store_row(
        *(
            Bounce(
                report_key=f"{source}:{place}",
                address_key=ADA,
                kind=kind,
                status="5.2.2" if kind == "hard" else "4.4.1",
                at=now - timedelta(days=days),
            )
            for place, days in enumerate(days_ago)
        )
    )


def test_failures_day_after_day_give_the_address_up(mail: int) -> None:
    failed(1, 2, 3)

    assert process_mail(report("5.2.2", diagnostic="smtp; 552 5.2.2 Mailbox full", recipient=path(mail))) == [
        "suppressed"
    ]
    assert stored_rows.suppressed() == {ADA: "keeps failing"}


def test_old_failures_are_forgotten(mail: int) -> None:
    failed(30, 31, 32)

    assert process_mail(report("5.2.2", diagnostic="smtp; 552 5.2.2 Mailbox full", recipient=path(mail))) == ["counted"]


def test_failures_in_the_session_count_too(service: str) -> None:
    failed(0, 1, 2, 3, kind="soft", source="session")

    assert process_reports.suppress_failing_addresses() == 1
    assert stored_rows.suppressed() == {ADA: "keeps failing"}


def test_delays_alone_take_weeks(service: str) -> None:
    failed(0, 1, 2, 3, 4, 5, kind="soft")

    assert process_reports.suppress_failing_addresses() == 0


def test_an_address_freed_again_begins_anew(mail: int) -> None:
    failed(0, 1, 2, 3)
    process_reports.suppress_failing_addresses()

    subscriber_admin.unsuppress_address(ADA)

    assert process_reports.suppress_failing_addresses() == 0
    assert stored_rows.suppressed() == {}
    assert {kind for _, kind in stored_rows.bounces()} == {"forgiven"}


def test_a_report_about_us_suppresses_nobody(mail: int) -> None:
    assert process_mail(report("5.0.0", diagnostic="smtp; 550 relay not permitted", recipient=path(mail))) == ["noted"]
    assert stored_rows.suppressed() == {}


def test_a_provider_that_calls_a_blocklist_hard_suppresses_nobody(mail: int) -> None:
    blocklisted = provider_report("hard", status="5.1.1", words="550 5.1.1 blocked using Spamhaus")

    assert process_reports.process_provider_reports([blocklisted]) == {"domain paused": 1}
    assert stored_rows.suppressed() == {}


def provider_report(kind: str, **more: str) -> ProviderReport:
    return ProviderReport.model_validate({"id": "p-1", "kind": kind, "recipient": ADA, **more})


def test_a_provider_is_believed_without_a_stamp(mail: int) -> None:
    assert process_reports.process_provider_reports([provider_report("hard", status="5.1.1")]) == {"suppressed": 1}
    assert stored_rows.suppressed() == {ADA: "no such address"}


def test_a_providers_report_counts_once(mail: int) -> None:
    process_reports.process_provider_reports([provider_report("soft")])

    assert process_reports.process_provider_reports([provider_report("soft")]) == {"known": 1}


def test_a_providers_unsubscribe_leaves(mail: int, ada: int) -> None:
    assert process_reports.process_provider_reports([provider_report("unsubscribe")]) == {"left": 1}
    assert stored_rows.subscriber_row(ada).state == "left"


def test_a_provider_must_name_an_address(service: str) -> None:
    with pytest.raises(BadInput, match="address"):
        process_reports.process_provider_reports([provider_report("hard", recipient="nobody")])


NOW = clock.now()
FAILURES = st.lists(
    st.builds(
        WeightedFailure,
        failed_at=st.integers(0, 120 * 24).map(lambda hours: NOW - timedelta(hours=hours)),
        weight=st.sampled_from([FAILURE_WEIGHT, DELAY_WEIGHT]),
    ),
    max_size=40,
)


@given(FAILURES, st.integers(0, 100))
def test_a_score_falls_while_nothing_happens(failures: list[WeightedFailure], days: int) -> None:
    assert 0 <= score(failures, now=NOW + timedelta(days=days)) <= score(failures, now=NOW)


@given(FAILURES, st.integers(0, 119))
def test_one_more_failure_never_lowers_a_score(failures: list[WeightedFailure], days: int) -> None:
    more = [*failures, WeightedFailure(NOW - timedelta(days=days), FAILURE_WEIGHT)]

    assert score(more, now=NOW) >= score(failures, now=NOW) - 1e-9


@given(FAILURES)
def test_a_report_that_comes_twice_changes_no_score(failures: list[WeightedFailure]) -> None:
    assert score(failures + failures, now=NOW) == pytest.approx(score(failures, now=NOW))


@pytest.mark.parametrize(
    ("weight", "days_apart", "failure_count"),
    [(FAILURE_WEIGHT, 1, 4), (DELAY_WEIGHT, 1, 18), (FAILURE_WEIGHT, 7, 7)],
    ids=["daily", "late", "weekly"],
)
def test_the_threshold_is_where_the_docs_say(weight: float, days_apart: int, failure_count: int) -> None:
    failures = [WeightedFailure(NOW - timedelta(days=days_apart * place), weight) for place in range(failure_count)]

    assert reaches_threshold(failures, now=NOW)
    assert not reaches_threshold(failures[:-1], now=NOW)


def test_many_failures_of_one_day_do_not_give_an_address_up() -> None:
    assert score([WeightedFailure(NOW, FAILURE_WEIGHT)] * 50, now=NOW) < THRESHOLD


def test_addresses_have_one_key() -> None:
    assert address_key("Ada@ONE.example") == ADA


@pytest.fixture
def notice_message(mail: int) -> OutgoingMessage:
    """That mail as it goes over the wire: a notice, composed and addressed."""
    with transaction() as session:
        row = session.get_one(Delivery, mail)
        row.kind, row.message_id = "notice", f"<notice.{row.subject_id}.0@digest.example>"
        session.get_one(Edition, row.subject_id).content = Content().to_json()
    ((_, composed),) = MailComposer(settings.get()).compose([as_claimed(stored_rows.mail(mail))])
    assert isinstance(composed, OutgoingMessage)
    return composed


def test_a_report_on_a_composed_mail_is_proved_by_its_return_path(notice_message: OutgoingMessage) -> None:
    assert process_mail(report(recipient=notice_message.envelope_from)) == ["suppressed"]


def test_a_report_on_a_composed_mail_is_proved_by_what_it_returns(notice_message: OutgoingMessage) -> None:
    head = notice_message.raw.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")

    assert process_mail(report(returned=head)) == ["suppressed"]
    assert stored_rows.suppressed() == {ADA: "no such address"}


def test_a_mail_to_the_unsubscribe_address_of_a_composed_mail_unsubscribes(
    notice_message: OutgoingMessage, ada: int
) -> None:
    unsubscribe_header = email.message_from_bytes(notice_message.raw)["List-Unsubscribe"]
    address, _, query = re.findall(r"<mailto:([^>]*)>", unsubscribe_header)[0].partition("?")
    (subject,) = parse_qs(query)["subject"]

    assert address == notice_message.envelope_from
    assert process_mail(ordinary(subject)) == ["left"]
    assert stored_rows.subscriber_row(ada).state == "left"


def test_a_report_on_a_mail_from_before_a_restore_suppresses_no_later_delivery_of_that_number(mail: int) -> None:
    before = message_id(
        DeliveryKey(mail, "digest", 1, 0, stored_rows.later(days=-3)), installation="k", domain="digest.example"
    )
    own = message_id(DeliveryKey(mail, "digest", 1, 0, clock.now()), installation="k", domain="digest.example")
    with transaction() as session:
        session.get_one(Delivery, mail).message_id = own

    stale = process_mail(report(recipient=path(mail), returned=f"Message-ID: {before}"))
    suppressed = stored_rows.suppressed()
    outcomes = process_mail(report(recipient=path(mail), returned=f"Message-ID: {own}"))

    assert (stale, suppressed) == (["nothing"], {})
    assert outcomes == ["suppressed"]

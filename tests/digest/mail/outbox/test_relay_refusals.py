"""Refusals that many domains share are a server fault: they are undone, the server pauses, no address is blamed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete
from sqlmodel import Session, select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import session_replies
from digest.mail.outbox.relay_refusals import shared_refusals
from digest.models import Bounce, Delivery, DomainPause, SessionReply, Suppression
from digest.models.delivery import DEFERRED, QUEUED, REJECTED, SENDING, SENT
from tests.outbox import Outbox
from tests.patience import wait_for
from tests.servers import RCPT, MailServer

SAME_WAYS = ["550 no", "550 5.1.1 User unknown", "552 5.2.2 mailbox full", "550 5.7.1 {n} relaying to {domain} denied"]


def addresses(domains: int, each: int = 2) -> list[str]:
    return [f"r{n}@mail{d}.example" for d in range(domains) for n in range(each)]


def bounce_counts(session: Session) -> tuple[int, int]:
    """How many bounces and suppressions there are."""
    return len(session.exec(select(Bounce)).all()), len(session.exec(select(Suppression)).all())


def end_pauses() -> None:
    with transaction() as session:
        session.exec(delete(DomainPause))


def hold_by_another_sender(row: Delivery, now: datetime) -> None:
    row.state, row.lease_id, row.due_at = SENDING, 10_000, None


@pytest.mark.parametrize("reply", SAME_WAYS)
def test_what_many_domains_share_is_the_servers_trouble(outbox: Outbox, smtp: MailServer, reply: str) -> None:
    for number, address in enumerate(addresses(8)):
        reply_text = reply.format(n=f"q{number}", domain=address.partition("@")[2])
        smtp.fail(RCPT, reply_text, times=-1, address=address)
    outbox.enqueue(*addresses(8))

    counts = outbox.send()

    with reading() as session:
        pause = session_replies.server_pause(session, clock.now())
        assert bounce_counts(session) == (0, 0)
    assert set(outbox.states()) <= {DEFERRED, QUEUED}
    assert pause is not None
    assert (counts.paused, counts.rejected) == (True, 0)


def test_after_the_repair_all_are_sent(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 5.1.1 User unknown", times=-1)
    outbox.enqueue(*addresses(8))
    for _ in range(3):
        outbox.make_due()
        outbox.send()
        end_pauses()
    smtp.faults.clear()
    outbox.make_due()

    outbox.send_all()

    assert outbox.states() == {SENT: 16}


def test_while_a_server_is_paused_only_alarms_are_tried(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 no", times=-1, address="@mail")
    outbox.enqueue(*addresses(8))
    outbox.send()
    outbox.enqueue("root@admin.example", kind="alarm", first=90)
    outbox.enqueue("new@one.example", kind="confirmation", first=91)

    outbox.send()

    assert smtp.recipients() == {"root@admin.example": 1}


def test_after_its_pause_one_similar_refusal_is_enough(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 5.1.1 User unknown", times=-1)
    outbox.enqueue(*addresses(8))
    outbox.send()
    end_pauses()
    outbox.change(lambda row, now: setattr(row, "due_at", now if row.id == 1 else now + timedelta(hours=1)))

    outbox.send()

    with reading() as session:
        assert session_replies.server_pause(session, clock.now()) is not None
        assert bounce_counts(session) == (0, 0)


def test_few_refusals_among_many_mails_are_what_they_say(outbox: Outbox, smtp: MailServer) -> None:
    for domain in range(6):
        smtp.fail(RCPT, "550 5.1.1 User unknown", address=f"r0@mail{domain}.example")
    outbox.enqueue(*addresses(8, each=4))

    outbox.send_all()

    assert outbox.states() == {SENT: 26, REJECTED: 6}


def server_is_paused() -> bool:
    with reading() as session:
        return session_replies.server_pause(session, clock.now()) is not None


@pytest.mark.parametrize(("reply", "domains"), [("550 5.1.1 User unknown", 5), ("550 5.7.1 not from you", 3)])
def test_refusals_that_come_sooner_than_acceptances_do_not_stop_the_server(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None], reply: str, domains: int
) -> None:
    configured(CONNECTIONS=8)
    smtp.delay = 0.3
    smtp.fail(RCPT, reply, times=-1, address="gone@")
    outbox.enqueue(*[f"gone@away{number}.example" for number in range(domains)], *addresses(4, each=3))

    counts = outbox.send()

    assert not server_is_paused()
    assert not counts.trouble
    assert outbox.states()[SENT] == 12


def test_mails_that_another_sender_has_in_flight_may_be_accepted(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(CONNECTIONS=4)
    smtp.delay = 3.0  # seconds, in which the other sender's five mails are refused
    smtp.fail(RCPT, "550 5.1.1 User unknown", times=-1, address="gone@")
    outbox.enqueue(*addresses(4, each=1))
    with ThreadPoolExecutor(1) as pool:
        other_sender = pool.submit(outbox.send)
        wait_for(lambda: outbox.states().get(SENDING) == 4)
        configured(CONNECTIONS=5)  # other settings: a sender with connections of its own
        outbox.enqueue(*[f"gone@away{number}.example" for number in range(5)], first=90)
        outbox.send()
        other_sender.result()

    assert not server_is_paused()
    assert outbox.states() == {SENT: 4, REJECTED: 5}


def test_a_hanging_mail_of_another_sender_delays_the_verdict_until_the_end_of_the_pass(
    outbox: Outbox, smtp: MailServer
) -> None:
    outbox.enqueue(*addresses(4, each=1))
    outbox.change(hold_by_another_sender)
    smtp.fail(RCPT, "550 5.1.1 User unknown", times=-1)
    outbox.enqueue(*[f"gone@away{number}.example" for number in range(5)], first=90)

    counts = outbox.send(seconds=0.5)

    assert counts.paused
    assert server_is_paused()


def test_a_server_that_begins_to_refuse_everybody_is_paused_within_the_pass(
    outbox: Outbox, smtp: MailServer, configured: Callable[..., None]
) -> None:
    configured(CONNECTIONS=1)
    smtp.fail(RCPT, "550 5.1.1 User unknown", times=-1, address="r1@")
    outbox.enqueue(*[f"r0@mail{number}.example" for number in range(30)])
    outbox.enqueue(*[f"r1@mail{number}.example" for number in range(30)], first=90)

    counts = outbox.send()

    assert (counts.paused, counts.rejected) == (True, 0)
    assert outbox.states() == {SENT: 30, DEFERRED: 5, QUEUED: 25}


def test_sign_ups_with_invented_addresses_do_not_stop_the_server(outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 5.1.1 User unknown", times=8)
    outbox.enqueue(*addresses(8, each=1), kind="confirmation")

    outbox.send_all()

    with reading() as session:
        assert session_replies.server_pause(session, clock.now()) is None
    assert outbox.states() == {REJECTED: 8}


def reply(domain: str, reply_form: str = "a", **more: object) -> SessionReply:
    return SessionReply.model_validate({"at": clock.now(), "way": reply_form, "domain": domain, **more})


def accepted_reply(count: int) -> SessionReply:
    return SessionReply(at=clock.now(), accepted=count)


REFUSED = [reply(f"mail{n}.example") for n in range(5)]


def shared(*replies: SessionReply) -> int:
    """How many of these replies count as a fault of the server."""
    return len(shared_refusals(replies, {"a"}))


def test_one_domain_alone_is_not_the_server() -> None:
    assert shared(*[reply("one.example")] * 50) == 0


def test_mails_that_are_taken_count_against_it() -> None:
    assert shared(*REFUSED, accepted_reply(5)) == 0
    assert shared(*REFUSED, accepted_reply(2)) == 5


def test_what_was_taken_before_the_trouble_began_says_nothing() -> None:
    assert shared(accepted_reply(10_000), *REFUSED) == 5


def test_refusals_in_another_way_count_against_it() -> None:
    assert shared(*REFUSED, *[reply("one.example", "b")] * 5) == 0


def test_words_about_a_mailbox_must_be_shared_by_more_domains() -> None:
    missing_mailbox_replies = [reply(f"mail{n}.example", about_address=True) for n in range(5)]

    assert (
        shared(*missing_mailbox_replies[:4]),
        shared(*missing_mailbox_replies),
        shared(*missing_mailbox_replies, accepted_reply(2)),
    ) == (0, 5, 0)

"""Paused domains: which they are, and mail that goes out at once when one is released."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.errors import BadInput, NotFound
from digest.models import Audit
from digest.queues import NoQueue
from digest.services.admin import paused_domains_admin
from tests.outbox import Outbox
from tests.servers import MailServer


def pause(domain: str, *, hours: float = 6) -> None:
    with transaction() as session:
        deliveries.pause_domain(session, domain, clock.now() + timedelta(hours=hours), "550 5.7.1 not from you")


def release(domain: str) -> int:
    return paused_domains_admin.release(domain, actor="a test", enqueue=NoQueue())


def test_a_released_domain_gets_its_mail_at_once_and_others_wait_on(outbox: Outbox, smtp: MailServer) -> None:
    outbox.enqueue("ada@one.example", "bob@one.example", "cyd@two.example")
    pause("one.example")
    pause("two.example")
    waiting = {domain_pause.domain: domain_pause.waiting for domain_pause in paused_domains_admin.paused_domains()}

    released = release("one.example")
    outbox.send()

    assert waiting == {"one.example": 2, "two.example": 1}
    assert released == 2
    assert set(smtp.recipients()) == {"ada@one.example", "bob@one.example"}
    assert [domain_pause.domain for domain_pause in paused_domains_admin.paused_domains()] == ["two.example"]


def test_a_release_is_audited(outbox: Outbox) -> None:
    outbox.enqueue("ada@one.example")
    pause("one.example")

    release("one.example")

    with reading() as session:
        (row,) = session.exec(select(Audit)).all()
    assert (row.actor, row.action, row.detail) == (
        "a test",
        "release domain",
        {"domain": "one.example", "deliveries": 1},
    )


@pytest.mark.parametrize("typed", ["ONE.example", " one.example ", "@one.example", "one.example."])
def test_a_domain_is_understood_as_people_write_it(outbox: Outbox, typed: str) -> None:
    pause("one.example")

    assert release(typed) == 0


def test_a_domain_outside_ascii_is_found(outbox: Outbox) -> None:
    pause("xn--bcher-kva.example")

    assert release("bücher.example") == 0


def test_what_is_not_paused_is_named_and_not_audited(outbox: Outbox) -> None:
    pause("one.example")
    release("one.example")
    pause("past.example", hours=-1)

    for domain in ("one.example", "past.example", "never.example"):
        with pytest.raises(NotFound, match=f"{domain} is not paused"):
            release(domain)

    with reading() as session:
        assert len(session.exec(select(Audit)).all()) == 1


@pytest.mark.parametrize("typed", ["", "@", "no domain", "a@b@c"])
def test_an_invalid_domain_is_refused_with_a_message(outbox: Outbox, typed: str) -> None:
    with pytest.raises(BadInput, match="domain:"):
        release(typed)

"""Limits hold when many clients come in the same moment, over real sockets, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from digest.db.core import engine
from digest.models import Consent, RateLimitCounter, Subscriber
from digest.services.security import rate_limits, signed_links
from digest.web.app import build
from tests.digest.web.conftest import NOW, PAGE_SERVICES, RecordingQueue, mails
from tests.digest.web.live import form_post, send_at_once, serving

CLIENTS = 18


@pytest.fixture
def app(settled: None, configured: Callable[..., None]) -> object:
    configured(TRUSTED_PROXIES="127.0.0.1")  # so that each request can come from a client of its own
    return build(RecordingQueue(), PAGE_SERVICES)


def attack(app: object, path: str, bodies: list[str], *, one_client: bool = False) -> list[bytes]:
    """Post all bodies at the same moment, each from a client of its own."""
    posts = [
        form_post(path, body, headers=f"X-Forwarded-For: 198.51.100.{1 if one_client else n}\r\n")
        for n, body in enumerate(bodies, start=1)
    ]
    with serving(app) as address:  # type: ignore[arg-type]
        return asyncio.run(send_at_once(address, posts))


def statuses(answers: list[bytes]) -> Counter[str]:
    return Counter(response.split(b" ", 2)[1].decode() for response in answers)


def test_eighteen_clients_bombing_one_address_get_it_one_mail(app: object) -> None:
    responses = attack(app, "/subscribe", ["address=ada%40digest.example&topics=graphs"] * CLIENTS)

    assert statuses(responses) == {"303": CLIENTS}
    assert len(mails()) == 1


def test_eighteen_spellings_of_one_inbox_get_it_one_mail(app: object) -> None:
    responses = attack(app, "/subscribe", [f"address=ada%2B{n}%40digest.example&topics=graphs" for n in range(CLIENTS)])

    assert statuses(responses) == {"303": CLIENTS}
    assert len(mails()) == 1


def test_one_clients_sign_ups_stay_below_its_limit(app: object) -> None:
    bodies = [f"address=r{n}%40digest.example&topics=graphs" for n in range(rate_limits.SIGN_UPS.limit + CLIENTS)]
    responses = attack(app, "/subscribe", bodies, one_client=True)

    assert statuses(responses) == {"303": rate_limits.SIGN_UPS.limit, "429": CLIENTS}
    assert len(mails()) == rate_limits.SIGN_UPS.limit


def test_the_ceiling_of_all_sign_ups_holds(app: object, configured: Callable[..., None]) -> None:
    configured(SIGN_UP_CEILING=5)
    attack(app, "/subscribe", [f"address=r{n}%40digest.example&topics=graphs" for n in range(CLIENTS)])

    assert Counter(mail.kind for mail in mails()) == {"confirmation": 5, "alarm": 1}


def test_an_administrators_address_gets_one_link(app: object) -> None:
    responses = attack(app, "/admin/sign-in", ["address=root%40digest.example"] * CLIENTS)

    assert statuses(responses) == {"200": CLIENTS}
    assert len(mails()) == 1


def test_one_counter_is_kept_for_each_key(app: object) -> None:
    attack(app, "/subscribe", ["address=ada%40digest.example&topics=graphs"] * CLIENTS, one_client=True)

    with engine.reading() as session:
        counts = {row.action: row.count for row in session.exec(select(RateLimitCounter))}
        subscribers = session.exec(select(Subscriber)).all()
    assert counts == {"sign-up": CLIENTS, "confirmation": 1, "mail ceiling": 1}
    assert len(subscribers) == 1


def test_one_click_unsubscriptions_at_once_are_all_stored_and_recorded_once_each(app: object) -> None:
    with engine.transaction() as session:
        people = [
            Subscriber(
                address=f"s{n}@digest.example", address_key=f"s{n}@digest.example", state="active", created_at=NOW
            )
            for n in range(CLIENTS)
        ]
        session.add_all(people)
    links = [urlsplit(signed_links.unsubscribe(person.id or 0)).path for person in people]
    posts = [form_post(link, "List-Unsubscribe=One-Click") for link in (*links, *links)]
    with serving(app) as address:  # type: ignore[arg-type]
        responses = asyncio.run(send_at_once(address, posts))

    assert statuses(responses) == {"200": 2 * CLIENTS}
    with engine.reading() as session:
        assert {person.state for person in session.exec(select(Subscriber))} == {"left"}
        assert sorted(event.subscriber_id for event in session.exec(select(Consent))) == sorted(p.id for p in people)

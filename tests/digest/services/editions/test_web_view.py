"""Mails of editions, from the run to the server: what they say beside the papers."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from digest.services.editions import web_view
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.conftest import MONDAY, Lab, MailServer, paper, utc

pytestmark = MAINLY_SQLITE


def text(smtp: MailServer, place: int = -1) -> tuple[str, str]:
    """Subject and text part of a mail that arrived, in one line each."""
    mail = message_from_bytes(smtp.log[place].raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(mail["Subject"]), " ".join(body.get_content().split())


@pytest.mark.parametrize("topic", ["bandits", "galaxies"])
def test_a_first_edition_of_a_young_installation_says_how_far_it_looks_back(
    lab: Lab, smtp: MailServer, topic: str
) -> None:
    later = MONDAY + timedelta(days=1)
    for number, day in enumerate((MONDAY, later), 1):
        lab.set_time(utc(day, 5))
        lab.store(day, paper(number, "Bandits"))
    lab.subscribe("ada", topic, quiet_day="notice")
    lab.run(later)

    assert "the last 2 days. From now on you get what is new." in text(smtp)[1]


def test_a_second_edition_does_not_look_back(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    for number in (1, 2):
        day = MONDAY + timedelta(days=number)
        lab.set_time(utc(day, 5))
        lab.store(day, paper(number, "Bandits"))
        lab.run(day)

    assert [" looks back " in text(smtp, place)[1] for place in (0, 1)] == [False, False]


def test_the_edition_of_a_category_subscriber_names_that_category(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", categories=["cs.CV"])
    lab.store(MONDAY, paper(1, "Seeing bandits", categories=("cs.LG", "cs.CV")))

    lab.run(MONDAY)
    subject, body = text(smtp)

    assert subject == "Seeing bandits"
    assert "1 new in cs.CV" in body
    assert "new in cs.CV" in body
    assert "topics" not in body


def test_the_web_view_cites_each_paper_and_the_mail_none(lab: Lab, smtp: MailServer) -> None:
    lab.subscribe("ada", "bandits")
    lab.store(MONDAY, paper(1, "Linear bandits"), paper(2, "Dueling bandits"))
    lab.run(MONDAY)
    (edition,) = lab.editions("ada")
    page = web_view.web_view(edition.id or 0, "https://digest.example/editions/x")

    assert [f'href="https://digest.example/papers/{n}#cite"' in page for n in (1, 2)] == [True, True]
    assert b"#cite" not in smtp.log[-1].raw

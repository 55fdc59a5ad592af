"""The small form of the gate: a dozen mails through the checkers that need only Python. `make gate` runs all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mailgate import checkers
from tests.mailgate.mails import Mail, mails, spoiled


@pytest.fixture(scope="module")
def sample_mails() -> tuple[list[Mail], str]:
    return mails(None, 24)


def test_every_kind_of_mail_is_among_them(sample_mails: tuple[list[Mail], str]) -> None:
    kinds = {mail.kind for mail in sample_mails[0]}

    assert kinds == {
        "digest", "welcome", "resend", "notice", "confirmation", "link", "account-link",
        "new-address", "moved", "sign-in", "alarm", "test", "run-report",
    }  # fmt: skip


def test_no_two_mails_are_the_same(sample_mails: tuple[list[Mail], str]) -> None:
    assert len({mail.rendered for mail in sample_mails[0]}) == len(sample_mails[0]) >= 24


def test_another_implementation_verifies_every_signature(sample_mails: tuple[list[Mail], str]) -> None:
    assert checkers.dkimpy(*sample_mails) == []
    assert checkers.dkimpy([spoiled(sample_mails[0][0])], sample_mails[1])


def test_the_linter_of_raw_bytes_finds_nothing(sample_mails: tuple[list[Mail], str], shared: Path) -> None:
    assert checkers.maillint(sample_mails[0], shared) == []
    assert checkers.maillint([spoiled(sample_mails[0][0])], shared)
